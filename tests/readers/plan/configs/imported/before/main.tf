resource "aws_iam_group" "something" {
  name = "something"
}
