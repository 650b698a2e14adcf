# `depends_on` defers reading the document: its statements are in the plan all the same.
resource "aws_sqs_queue" "jobs" {
  name = "jobs"
}

data "aws_iam_policy_document" "late" {
  depends_on = [aws_sqs_queue.jobs]
  statement {
    sid       = "Database"
    actions   = ["rds:DeleteDBInstance"]
    resources = ["*"]
  }
  dynamic "statement" {
    for_each = { orders = "dynamodb:DeleteTable", mail = "ses:DeleteIdentity" }
    content {
      sid       = statement.key
      actions   = [statement.value]
      resources = ["*"]
    }
  }
}

resource "aws_iam_role" "late" {
  count              = 2
  name_prefix        = "late-"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "lambda.amazonaws.com" } }] })
}

resource "aws_iam_role_policy" "late" {
  count  = 2
  name   = "late"
  role   = aws_iam_role.late[count.index].id
  policy = data.aws_iam_policy_document.late.json
}
