# Power for roles that are not managed here: one that is looked up, one that is only named.
data "aws_iam_role" "platform" {
  name = "platform"
}

data "aws_caller_identity" "me" {}

data "aws_iam_policy" "sqs" {
  name = "AmazonSQSFullAccess"
}

resource "aws_iam_role_policy" "platform" {
  name   = "cleanup"
  role   = data.aws_iam_role.platform.name
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "s3:DeleteBucket", Resource = "*" }, { Effect = "Allow", Action = "sts:AssumeRole", Resource = "arn:aws:iam::${data.aws_caller_identity.me.account_id}:role/deploy" }] })
}

resource "aws_iam_role_policy_attachment" "platform" {
  role       = data.aws_iam_role.platform.name
  policy_arn = data.aws_iam_policy.sqs.arn
}

resource "aws_iam_role_policy_attachment" "named" {
  role       = "somebody-elses-role"
  policy_arn = "arn:aws:iam::aws:policy/AdministratorAccess"
}

resource "aws_iam_group" "something" {
  name = "something"
}
