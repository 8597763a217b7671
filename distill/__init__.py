"""distill: a reverse compiler for small neural networks."""
