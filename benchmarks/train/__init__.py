"""Training of the benchmark networks: `python -m benchmarks.train`."""
