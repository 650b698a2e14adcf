# A role that moves into a module stays the same role.
module "deploy" {
  source = "./deploy"
}

moved {
  from = aws_iam_role.old
  to   = module.deploy.aws_iam_role.this
}

moved {
  from = aws_iam_role_policy.old
  to   = module.deploy.aws_iam_role_policy.this
}
