# References through locals and conditions: the plan alone cannot follow them, the source can.
variable "production" {
  type    = bool
  default = true
}

locals {
  policies = { for k, p in aws_iam_policy.each : k => p.arn }
}

resource "aws_iam_policy" "each" {
  for_each = { reader = "s3:GetObject", cleaner = "s3:DeleteObject" }
  name     = each.key
  policy   = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = each.value, Resource = "*" }] })
}

resource "aws_iam_role" "one" {
  name               = "one"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "lambda.amazonaws.com" } }] })
}

resource "aws_iam_role_policy_attachment" "by_local" {
  role       = aws_iam_role.one.name
  policy_arn = local.policies["cleaner"]
}

resource "aws_iam_role_policy_attachment" "by_condition" {
  role       = aws_iam_role.one.name
  policy_arn = var.production ? aws_iam_policy.each["reader"].arn : aws_iam_policy.each["cleaner"].arn
}
