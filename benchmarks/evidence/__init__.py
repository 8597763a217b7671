"""A campaign that tries to break the verifiers and the checker: random squares, known answers."""
