# A policy document made of other documents: a statement replaced by its Sid, one appended, one overridden.
data "aws_iam_policy_document" "base" {
  statement {
    sid       = "Tables"
    actions   = ["dynamodb:DeleteTable"]
    resources = ["*"]
  }
  statement {
    sid       = "Buckets"
    actions   = ["s3:DeleteBucket"]
    resources = ["arn:aws:s3:::logs-&{aws:username}"]
  }
}

data "aws_iam_policy_document" "guard" {
  statement {
    sid       = "Buckets"
    effect    = "Deny"
    actions   = ["s3:DeleteBucket"]
    resources = ["*"]
    condition {
      test     = "Bool"
      variable = "aws:MultiFactorAuthPresent"
      values   = ["false"]
    }
  }
}

data "aws_iam_policy_document" "whole" {
  source_policy_documents   = [data.aws_iam_policy_document.base.json]
  override_policy_documents = [data.aws_iam_policy_document.guard.json]

  statement {
    sid         = "Rest"
    not_actions = ["iam:*", "organizations:*"]
    resources   = ["*"]
  }
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "AWS"
      identifiers = ["arn:aws:iam::111122223333:root"]
    }
    condition {
      test     = "StringEquals"
      variable = "sts:ExternalId"
      values   = ["deploy"]
    }
  }
}

resource "aws_iam_role" "deploy" {
  name               = "deploy"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

resource "aws_iam_role_policy" "deploy" {
  name   = "deploy"
  role   = aws_iam_role.deploy.id
  policy = data.aws_iam_policy_document.whole.json
}
