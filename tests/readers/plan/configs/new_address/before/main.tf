resource "aws_iam_role" "deploy" {
  count              = 1
  name               = "deploy"
  assume_role_policy = local.trust
}

resource "aws_iam_role_policy" "deploy" {
  name   = "deploy"
  role   = aws_iam_role.deploy[0].id
  policy = local.drop
}

resource "aws_iam_policy" "old" {
  name   = "drop"
  policy = local.drop
}

resource "aws_iam_role" "bounded" {
  name                 = "bounded"
  assume_role_policy   = local.trust
  permissions_boundary = "arn:aws:iam::123456789012:policy/elsewhere"

  inline_policy {
    name   = "drop"
    policy = local.drop
  }
}

locals {
  drop = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "s3:DeleteBucket", Resource = "*" }] })
  trust = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "codebuild.amazonaws.com" } }]
  })
}
