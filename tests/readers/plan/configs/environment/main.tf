# What stands beside the role, and what guards it.
resource "aws_rds_cluster" "guarded" {
  cluster_identifier          = "orders"
  engine                      = "aurora-postgresql"
  master_username             = "root"
  manage_master_user_password = true
  deletion_protection         = true
  tags                        = { env = "prod" }
}

resource "aws_rds_cluster" "open" {
  cluster_identifier          = "reports"
  engine                      = "aurora-postgresql"
  master_username             = "root"
  manage_master_user_password = true
}

resource "aws_dynamodb_table" "carts" {
  name                        = "carts"
  hash_key                    = "id"
  billing_mode                = "PAY_PER_REQUEST"
  deletion_protection_enabled = true
  attribute {
    name = "id"
    type = "S"
  }
  point_in_time_recovery {
    enabled = true
  }
}

resource "aws_s3_bucket" "documents" {
  bucket = "documents-of-customers"
}

resource "aws_s3_bucket_versioning" "documents" {
  bucket = aws_s3_bucket.documents.id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_lambda_function" "cleaner" {
  function_name = "cleaner"
  role          = aws_iam_role.cleaner.arn
  runtime       = "python3.13"
  handler       = "main.run"
  s3_bucket     = "code-of-the-team"
  s3_key        = "cleaner.zip"
}

resource "aws_iam_role" "cleaner" {
  name               = "cleaner"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "lambda.amazonaws.com" } }] })
}

resource "aws_iam_role_policy" "cleaner" {
  name   = "cleaner"
  role   = aws_iam_role.cleaner.name
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = ["rds:DeleteDBCluster", "dynamodb:DeleteTable", "s3:DeleteObject", "s3:DeleteBucket"], Resource = "*" }] })
}
