"""Networks made easier to read: trained on with penalties that induce structure."""

from distill.preparation.penalties import (
    adjacency,
    cut_sides,
    l0,
    l1,
    minimum_cut,
    normalised_cut,
    quantised,
)

__all__ = ["adjacency", "cut_sides", "l0", "l1", "minimum_cut", "normalised_cut", "quantised"]
