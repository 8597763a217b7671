"""Rewrites of normal forms: exact ones, and ones that keep behaviour."""
