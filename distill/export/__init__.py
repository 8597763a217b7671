"""Distillations as files: Python, torch, the output folder."""
