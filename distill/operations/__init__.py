"""The network operations: importing this package registers all of them in `KINDS`."""

from distill.operations import activations as activations
from distill.operations import arithmetic as arithmetic
from distill.operations import convolution as convolution
from distill.operations import function as function
from distill.operations import linear as linear
from distill.operations import logic as logic
from distill.operations import reduction as reduction
from distill.operations import shape as shape
from distill.operations.kind import KINDS, Operand, OperationKind

__all__ = ["KINDS", "Operand", "OperationKind"]
