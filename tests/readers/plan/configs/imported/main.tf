# A role made by hand comes under Terraform with the power it has.
import {
  to = aws_iam_role.legacy
  id = "legacy"
}

resource "aws_iam_role" "legacy" {
  name               = "legacy"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "lambda.amazonaws.com" } }] })
}

resource "aws_iam_group" "something" {
  name = "something"
}
