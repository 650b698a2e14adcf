# A user has its own policies and those of its groups; a group without known users stands for itself.
resource "aws_iam_user" "robot" {
  name = "robot"
}

resource "aws_iam_user" "idle" {
  name = "idle"
}

resource "aws_iam_group" "operators" {
  name = "operators"
}

resource "aws_iam_group" "empty" {
  name = "empty"
}

resource "aws_iam_user_group_membership" "robot" {
  user   = aws_iam_user.robot.name
  groups = [aws_iam_group.operators.name]
}

resource "aws_iam_group_membership" "operators" {
  name  = "operators"
  group = aws_iam_group.operators.name
  users = [aws_iam_user.idle.name]
}

resource "aws_iam_group_policy" "operators" {
  name   = "operate"
  group  = aws_iam_group.operators.name
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "ec2:TerminateInstances", Resource = "*" }] })
}

resource "aws_iam_group_policy_attachment" "empty" {
  group      = aws_iam_group.empty.name
  policy_arn = "arn:aws:iam::aws:policy/AdministratorAccess"
}

resource "aws_iam_user_policy" "robot" {
  name   = "own"
  user   = aws_iam_user.robot.name
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Deny", Action = "ec2:TerminateInstances", Resource = "*", Condition = { StringEquals = { "aws:ResourceTag/env" = "prod" } } }] })
}

resource "aws_iam_user_policy_attachment" "idle" {
  user       = aws_iam_user.idle.name
  policy_arn = "arn:aws:iam::aws:policy/AmazonS3FullAccess"
}
