"""What rolelint says: findings, and the report that holds them."""
