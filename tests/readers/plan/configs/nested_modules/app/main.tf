variable "name" { type = string }
variable "bucket" { type = string }

module "role" {
  source = "./role"
  count  = 2

  name       = "${var.name}-${count.index}"
  policy_arn = aws_iam_policy.artifacts.arn
}

resource "aws_iam_policy" "artifacts" {
  name = "artifacts-${var.name}"
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "s3:DeleteObject*", Resource = "${var.bucket}/${var.name}/*" }]
  })
}

output "policy_arn" {
  value = aws_iam_policy.artifacts.arn
}
