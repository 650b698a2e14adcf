# A secret inside a policy: what the policy means is checked, what it says is not shown.
variable "customer" {
  type      = string
  sensitive = true
  default   = "hushhush-customer"
}

data "aws_iam_policy_document" "document" {
  statement {
    sid       = "Tables"
    actions   = ["dynamodb:DeleteTable"]
    resources = ["arn:aws:dynamodb:*:*:table/${var.customer}-*", "arn:aws:dynamodb:*:*:table/public-*"]
  }
}

resource "aws_iam_role" "deploy" {
  name               = "deploy"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "lambda.amazonaws.com" } }] })
}

resource "aws_iam_role_policy" "encoded" {
  name   = "encoded"
  role   = aws_iam_role.deploy.name
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Sid = "Buckets", Effect = "Allow", Action = "s3:DeleteBucket", Resource = "arn:aws:s3:::${var.customer}-*" }] })
}

resource "aws_iam_role_policy" "document" {
  name   = "document"
  role   = aws_iam_role.deploy.name
  policy = data.aws_iam_policy_document.document.json
}
