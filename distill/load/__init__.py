"""Models of several kinds to `Network`, and networks back to ONNX files."""

from distill.load.model import load
from distill.load.normal import network_from_normal_form
from distill.load.write import write_onnx

__all__ = ["load", "network_from_normal_form", "write_onnx"]
