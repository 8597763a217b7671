"""The ladder: exhaustive, bounds, solvers, sampling; each method gives evidence for a claim."""
