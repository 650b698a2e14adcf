"""Where documents come from: files, standard input, an AWS account or Organization."""
