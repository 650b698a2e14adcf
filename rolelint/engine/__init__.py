"""What policies mean: `decide` one request, `powers` and questions over sets of requests."""
