# Documents that a local joins: a plan does not tell that something uses them. `apart` is used by nothing.

variable "buckets" {
  default = true
}

data "aws_iam_policy_document" "buckets" {
  count = var.buckets ? 1 : 0

  statement {
    sid       = "Buckets"
    actions   = ["s3:DeleteBucket", "s3:DeleteObject"]
    resources = ["*"]
  }
}

data "aws_iam_policy_document" "queues" {
  statement {
    sid       = "Queues"
    actions   = ["sqs:DeleteQueue"]
    resources = ["*"]
  }
}

data "aws_iam_policy_document" "apart" {
  statement {
    sid       = "Tables"
    actions   = ["dynamodb:DeleteTable"]
    resources = ["*"]
  }
}

locals {
  documents = flatten(concat(data.aws_iam_policy_document.buckets[*].json, data.aws_iam_policy_document.queues[*].json))
}

data "aws_iam_policy_document" "all" {
  source_policy_documents = local.documents
}

resource "aws_iam_role" "deploy" {
  name = "deploy"

  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "codebuild.amazonaws.com" } }]
  })
}

resource "aws_iam_role_policy" "deploy" {
  name   = "all"
  role   = aws_iam_role.deploy.name
  policy = data.aws_iam_policy_document.all.json
}
