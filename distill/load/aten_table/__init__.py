"""torch's aten operators as operations: one entry of `TRANSLATIONS` for each.

The families are named as in `distill.operations`; importing them fills the table.
"""

from distill.load.aten_table import (  # noqa: F401 (fills the table)
    activations,
    arithmetic,
    cells,
    convolution,
    linear,
    reduction,
    shape,
)
from distill.load.aten_table.translation import (
    CHECKS,
    FOLDED,
    SHAPED,
    TRANSLATIONS,
    Translation,
)

__all__ = ["CHECKS", "FOLDED", "SHAPED", "TRANSLATIONS", "Translation"]
