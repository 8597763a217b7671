"""What the enumerator must know of an operation, as plain data handed in by its caller."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from distill.errors import BadInput

NUMBER = "number"
BOOL = "bool"

SIGNATURES: dict[str, tuple[tuple[str, ...], str]] = {
    "add": ((NUMBER, NUMBER), NUMBER),
    "sub": ((NUMBER, NUMBER), NUMBER),
    "mul": ((NUMBER, NUMBER), NUMBER),
    "div": ((NUMBER, NUMBER), NUMBER),
    "max": ((NUMBER, NUMBER), NUMBER),
    "min": ((NUMBER, NUMBER), NUMBER),
    "abs_diff": ((NUMBER, NUMBER), NUMBER),
    "less": ((NUMBER, NUMBER), BOOL),
    "less_equal": ((NUMBER, NUMBER), BOOL),
    "and": ((BOOL, BOOL), BOOL),
    "or": ((BOOL, BOOL), BOOL),
    "xor": ((BOOL, BOOL), BOOL),
    "not": ((BOOL,), BOOL),
}
"""Argument and result types of every `kind` but "if", whose branches may have either type."""

COMMUTATIVE = frozenset({"add", "mul", "max", "min", "abs_diff", "and", "or", "xor"})


@dataclass(frozen=True)
class Operation:
    """One operation of the search.

    `array(xp, *arguments)` works on arrays of any one shape (float64 for numbers, bool_ for
    bools) and `precondition(xp, *arguments)` gives True where it is defined. `kind` promises
    that `array` is the function of that name (see `SIGNATURES`, and "if"), undefined at most
    for a divisor of 0, so that candidates can be told apart without being computed.
    A unary operation may have `inverse(xp, low, high)`: the (low, high) between which its
    argument must lie for its result to lie within those given, low > high where it can't.
    """

    name: str
    arguments: tuple[str, ...]
    result: str
    array: Callable[..., Any]
    cost: int = 1
    commutative: bool = False
    precondition: Callable[..., Any] | None = None
    kind: str | None = None
    inverse: Callable[..., Any] | None = None

    @property
    def fast_kind(self) -> str | None:
        """`kind` if its short cut may be taken: a precondition of one's own forbids it."""
        free = self.precondition is None or self.kind == "div"
        return self.kind if free else None


def check_operations(operations: tuple[Operation, ...]) -> None:
    """Refuse operations that can't be searched with.

    Raises:
        BadInput: unknown type or kind, a cost below 1, a name used twice, or a kind whose
            types differ from the declared ones.
    """
    names = [operation.name for operation in operations]
    if len(set(names)) != len(names):
        raise BadInput(f"operation names must differ, but these were given: {sorted(names)}")
    for operation in operations:
        _check(operation)


def _check(operation: Operation) -> None:
    if not operation.arguments or {*operation.arguments, operation.result} - {NUMBER, BOOL}:
        raise BadInput(f"operation {operation.name!r} must take and give 'number' or 'bool'")
    if operation.cost < 1:
        raise BadInput(f"operation {operation.name!r} costs {operation.cost}, must be 1 or more")
    if operation.kind is not None and not _kind_fits(operation):
        raise BadInput(
            f"operation {operation.name!r} can't be of kind {operation.kind!r} with types "
            f"{operation.arguments} -> {operation.result}; see operation.SIGNATURES"
        )


def _kind_fits(operation: Operation) -> bool:
    if operation.kind == "if":
        return operation.arguments == (BOOL, operation.result, operation.result)
    return SIGNATURES.get(operation.kind or "") == (operation.arguments, operation.result)
