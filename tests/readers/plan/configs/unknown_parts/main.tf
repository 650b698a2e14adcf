# New resources whose ARNs nobody knows before they are made, in every way a policy can hold them.
resource "aws_s3_bucket" "data" {
  bucket_prefix = "data-"
}

resource "aws_sqs_queue" "jobs" {
  name = "jobs"
}

data "aws_iam_policy_document" "worker" {
  statement {
    sid       = "Objects"
    actions   = ["s3:DeleteObject", "s3:PutObject"]
    resources = [aws_s3_bucket.data.arn, "${aws_s3_bucket.data.arn}/*", "arn:aws:s3:::shared"]
  }
  statement {
    sid       = "Queue"
    actions   = ["sqs:PurgeQueue"]
    resources = [aws_sqs_queue.jobs.arn]
    condition {
      test     = "StringEquals"
      variable = "aws:PrincipalTag/queue"
      values   = [aws_sqs_queue.jobs.id]
    }
  }
}

resource "aws_iam_role" "worker" {
  name_prefix = "worker-"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "ecs-tasks.amazonaws.com" } }]
  })
}

resource "aws_iam_role_policy" "document" {
  name   = "document"
  role   = aws_iam_role.worker.id
  policy = data.aws_iam_policy_document.worker.json
}

resource "aws_iam_role_policy" "encoded" {
  name = "encoded"
  role = aws_iam_role.worker.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "Bucket"
      Effect   = "Allow"
      Action   = ["s3:DeleteBucket"]
      Resource = aws_s3_bucket.data.arn
    }]
  })
}
