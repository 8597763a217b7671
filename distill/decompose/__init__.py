"""Parts of a network: what structure its weights have."""
