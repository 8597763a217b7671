"""Trained recurrent networks by the dozen: `python -m benchmarks.rnn.train`."""
