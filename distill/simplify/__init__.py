"""Rewrites of normal forms: ones that keep their meaning, and ones that keep their behaviour."""

from distill.simplify.exact import simplify_exact
from distill.simplify.front import Simplified, choose, front
from distill.simplify.keep import simplify_keeping

__all__ = ["Simplified", "choose", "front", "simplify_exact", "simplify_keeping"]
