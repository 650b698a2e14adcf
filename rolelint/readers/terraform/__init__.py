"""Terraform resources, from a plan or from source, as roles."""
