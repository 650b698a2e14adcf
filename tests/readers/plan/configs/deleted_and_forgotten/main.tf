# One role is deleted; the other only leaves Terraform and keeps its power in AWS.
removed {
  from = aws_iam_role.kept
  lifecycle {
    destroy = false
  }
}

resource "aws_iam_group" "something" {
  name = "something"
}
