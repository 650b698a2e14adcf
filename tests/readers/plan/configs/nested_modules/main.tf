# Modules at two depths, with for_each and count, joined by variables and outputs.
resource "aws_s3_bucket" "artifacts" {
  bucket = "artifacts-of-the-team"
}

module "app" {
  source   = "./app"
  for_each = toset(["orders", "billing.eu"])

  name   = each.key
  bucket = aws_s3_bucket.artifacts.arn
}

resource "aws_iam_role" "admin" {
  name               = "admin"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { AWS = "111122223333" } }] })
}

resource "aws_iam_role_policy_attachment" "admin" {
  for_each   = module.app
  role       = aws_iam_role.admin.name
  policy_arn = each.value.policy_arn
}
