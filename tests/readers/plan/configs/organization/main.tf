# Service and resource control policies; a tag policy holds no IAM statements.
resource "aws_organizations_policy" "protect" {
  name    = "protect-backups"
  content = jsonencode({ Version = "2012-10-17", Statement = [{ Sid = "Backups", Effect = "Deny", Action = ["backup:Delete*"], Resource = "*" }] })
}

resource "aws_organizations_policy" "data" {
  name    = "data-perimeter"
  type    = "RESOURCE_CONTROL_POLICY"
  content = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Deny", Principal = "*", Action = "s3:*", Resource = "*", Condition = { StringNotEqualsIfExists = { "aws:PrincipalOrgID" = "o-abcdefghij" } } }] })
}

resource "aws_organizations_policy" "tags" {
  name    = "tags"
  type    = "TAG_POLICY"
  content = jsonencode({ tags = { env = { tag_key = { "@@assign" = "env" } } } })
}

resource "aws_organizations_policy_attachment" "protect" {
  policy_id = aws_organizations_policy.protect.id
  target_id = "ou-abcd-12345678"
}
