"""Detectors as functions: what a filter is called, and programs that call it."""
