"""The IAM language as data: documents, statements, principals, and the roles they apply to."""
