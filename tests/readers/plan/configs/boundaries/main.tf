# Boundaries: one made here, one of AWS, one that is somewhere else.
locals {
  trust = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "codebuild.amazonaws.com" } }] })
}

resource "aws_iam_policy" "boundary" {
  name   = "boundary"
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = ["s3:*", "logs:*"], Resource = "*" }, { Effect = "Deny", Action = "s3:Delete*", Resource = "*" }] })
}

resource "aws_iam_role" "here" {
  name                 = "here"
  assume_role_policy   = local.trust
  permissions_boundary = aws_iam_policy.boundary.arn
}

resource "aws_iam_role" "aws" {
  name                 = "aws"
  assume_role_policy   = local.trust
  permissions_boundary = "arn:aws:iam::aws:policy/ReadOnlyAccess"
}

resource "aws_iam_role" "elsewhere" {
  name                 = "elsewhere"
  assume_role_policy   = local.trust
  permissions_boundary = "arn:aws:iam::111122223333:policy/team-boundary"
}

resource "aws_iam_role_policy" "all" {
  for_each = toset([aws_iam_role.here.name, aws_iam_role.aws.name, aws_iam_role.elsewhere.name])
  name     = "all"
  role     = each.key
  policy   = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "*", Resource = "*" }] })
}
