# Every way to attach a managed policy.
locals {
  trust = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "ec2.amazonaws.com" } }] })
}

resource "aws_iam_role" "listed" {
  name                = "listed"
  assume_role_policy  = local.trust
  managed_policy_arns = [aws_iam_policy.mine.arn, "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"]
}

resource "aws_iam_role" "exclusive" {
  name               = "exclusive"
  assume_role_policy = local.trust
}

resource "aws_iam_role" "shared" {
  name               = "shared"
  assume_role_policy = local.trust
}

resource "aws_iam_policy" "mine" {
  name   = "mine"
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "backup:DeleteRecoveryPoint", Resource = "*" }] })
}

resource "aws_iam_policy" "alone" {
  name   = "alone"
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "kms:ScheduleKeyDeletion", Resource = "*" }] })
}

resource "aws_iam_role_policy_attachments_exclusive" "exclusive" {
  role_name   = aws_iam_role.exclusive.name
  policy_arns = [aws_iam_policy.mine.arn]
}

resource "aws_iam_policy_attachment" "shared" {
  name       = "shared"
  roles      = [aws_iam_role.shared.name, aws_iam_role.exclusive.name]
  policy_arn = aws_iam_policy.mine.arn
}

resource "aws_iam_role_policy_attachment" "account" {
  role       = aws_iam_role.shared.name
  policy_arn = "arn:aws:iam::111122223333:policy/elsewhere"
}

resource "aws_iam_instance_profile" "shared" {
  name = "shared"
  role = aws_iam_role.shared.name
}
