"""Models of whole sequences to one cell: unrolled over a few items, then folded up again."""
