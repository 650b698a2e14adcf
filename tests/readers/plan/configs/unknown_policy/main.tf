# Policies that stay unknown: made by a provider, or by text that no reader can work out.
resource "terraform_data" "made" {
  input = "s3:*" # its `output` is known by that, its `id` is not
}

resource "aws_iam_role" "agent" {
  name                 = "agent"
  permissions_boundary = terraform_data.made.id
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "lambda.amazonaws.com" } }]
  })
}

resource "aws_iam_role_policy" "whole" {
  name   = "whole"
  role   = aws_iam_role.agent.name
  policy = terraform_data.made.id
}

resource "aws_iam_role_policy" "actions" {
  name = "actions"
  role = aws_iam_role.agent.name
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Sid = "Made", Effect = "Allow", Action = terraform_data.made.id, Resource = "*" }]
  })
}

resource "aws_iam_role_policy_attachment" "made" {
  role       = aws_iam_role.agent.name
  policy_arn = terraform_data.made.id
}
