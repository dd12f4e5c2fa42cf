"""The benchmark: what each case moves, what it is compared with, and how that is measured and told."""
