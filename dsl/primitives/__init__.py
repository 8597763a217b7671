"""The vocabulary, a file per family; importing this package declares all of it."""

from dsl.primitives import arithmetic, comparison, images, logic, numbers, sequences, vectors

__all__ = ["arithmetic", "comparison", "images", "logic", "numbers", "sequences", "vectors"]
