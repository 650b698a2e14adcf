# A role with inline policies in three spellings, and a managed policy by ARN.
resource "aws_iam_role" "agent" {
  name = "agent"
  path = "/automation/"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "lambda.amazonaws.com" }
    }]
  })

  inline_policy {
    name   = "inside"
    policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "sqs:PurgeQueue", Resource = "*" }] })
  }
}

resource "aws_iam_role_policy" "database" {
  name   = "database"
  role   = aws_iam_role.agent.name
  policy = <<-EOT
    {
      "Version": "2012-10-17",
      "Statement": {
        "Sid": "Cleanup",
        "Effect": "Allow",
        "Action": ["rds:DeleteDBCluster", "rds:DeleteDBInstance"],
        "Resource": "arn:aws:rds:*:*:*:staging-*"
      }
    }
  EOT
}

resource "aws_iam_role_policy_attachment" "read" {
  role       = aws_iam_role.agent.name
  policy_arn = "arn:aws:iam::aws:policy/AmazonSQSReadOnlyAccess"
}
