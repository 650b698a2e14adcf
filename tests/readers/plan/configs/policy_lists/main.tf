# Managed policies of a role by lists with a function around them: a plan tells only what they refer to.

variable "policies" {
  default = { drop = "dynamodb:DeleteTable" }
}

resource "aws_iam_policy" "each" {
  for_each = var.policies
  name     = each.key
  policy   = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = each.value, Resource = "*" }] })
}

locals {
  trust = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "codebuild.amazonaws.com" } }]
  })
}

resource "aws_iam_role" "values" {
  name                = "values"
  assume_role_policy  = local.trust
  managed_policy_arns = values(aws_iam_policy.each)[*].arn
}

resource "aws_iam_role" "loop" {
  name                = "loop"
  assume_role_policy  = local.trust
  managed_policy_arns = [for policy in aws_iam_policy.each : policy.arn]
}

resource "aws_iam_role" "joined" {
  name                = "joined"
  assume_role_policy  = local.trust
  managed_policy_arns = concat(["arn:aws:iam::aws:policy/AmazonS3FullAccess"], values(aws_iam_policy.each)[*].arn)
}
