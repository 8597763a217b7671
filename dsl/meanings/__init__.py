"""Interpretations of whole programs, one per file."""
