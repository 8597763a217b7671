"""An algebra of exact sums: what a program or network computes, up to the laws of addition.

A value is a rational combination of atoms; an atom is an input, or a function of values. Two values
are the same function of the inputs if they are the same combination, however they were added up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from dsl.algebra import Unsupported
from dsl.meanings.mixed import Mixed

_FUNCTIONS = frozenset(["sqrt", "exp", "log", "sin", "cos", "tanh", "sigmoid", "erf"])
_SYMMETRIC = frozenset(["mul", "max", "min", "equal", "both", "either"])


@dataclass(frozen=True, eq=False)
class Sum:
    """`constant + sum(weight * atom)`, atoms by number, no weight 0; `truth`: it is 0 or 1."""

    terms: dict[int, Fraction]
    constant: Fraction
    truth: bool = False

    @property
    def key(self) -> tuple:
        """Equal for equal combinations."""
        return tuple(sorted(self.terms.items())), self.constant


class Sums(Mixed):
    """The algebra; every function of the same values gets the same atom."""

    def __init__(self) -> None:
        self.atoms: dict[Any, int] = {}
        self.spellings: dict[str, Callable[..., Any]] = {
            "abs": lambda a: self.atom("abs", a),
            "round": lambda a: self.atom("round", a),
            "sign": lambda a: self.atom("sign", a),
        }

    def term(self, value: Any) -> Sum:
        """A plain value as a sum without atoms."""
        if isinstance(value, Sum):
            return value
        return Sum({}, Fraction(value), isinstance(value, bool))

    def is_truth(self, a: Any) -> bool:
        """Whether this is a truth value."""
        return isinstance(a, bool) or (isinstance(a, Sum) and a.truth)

    def atom(self, name: str, *values: Any, truth: bool = False) -> Sum:
        """A function of values."""
        keys = [self.term(value).key for value in values]
        named = (name, *(sorted(keys) if name in _SYMMETRIC else keys))
        number = self.atoms.setdefault(named, len(self.atoms))
        return Sum({number: Fraction(1)}, Fraction(0), truth)

    def combined(self, parts: list[tuple[Fraction, Sum]], constant: Fraction) -> Sum:
        """`constant + sum(weight * part)`."""
        total: dict[int, Fraction] = {}
        for weight, part in parts:
            constant += weight * part.constant
            for number, own in part.terms.items():
                total[number] = total.get(number, Fraction(0)) + weight * own
        return Sum({number: w for number, w in total.items() if w}, constant)

    def _add(self, a: Sum, b: Sum) -> Sum:
        return self.combined([(Fraction(1), a), (Fraction(1), b)], Fraction(0))

    def _sub(self, a: Sum, b: Sum) -> Sum:
        return self.combined([(Fraction(1), a), (Fraction(-1), b)], Fraction(0))

    def _neg(self, a: Sum) -> Sum:
        return self.combined([(Fraction(-1), a)], Fraction(0))

    def _mul(self, a: Sum, b: Sum) -> Sum:
        if not a.terms:
            return self.combined([(a.constant, b)], Fraction(0))
        if not b.terms:
            return self.combined([(b.constant, a)], Fraction(0))
        return self.atom("mul", a, b)

    def _square(self, a: Sum) -> Sum:
        return self._mul(a, a)

    def _div(self, a: Sum, b: Sum) -> Sum:
        if not b.terms and b.constant:
            return self.combined([(1 / b.constant, a)], Fraction(0))
        return self._mul(a, self.atom("reciprocal", b))

    def _floor(self, a: Sum) -> Sum:
        return self.atom("floor", a)

    def _floordiv(self, a: Sum, b: Sum) -> Sum:
        return self._floor(self._div(a, b))

    def _mod(self, a: Sum, b: Sum) -> Sum:
        return self._sub(a, self._mul(b, self._floordiv(a, b)))

    def _maximum(self, a: Sum, b: Sum) -> Sum:
        for one, other in ((a, b), (b, a)):
            if not other.terms and other.constant == 0:
                return self.atom("relu", one)
        return self.atom("max", a, b)

    def _minimum(self, a: Sum, b: Sum) -> Sum:
        return self.atom("min", a, b)

    def _less(self, a: Sum, b: Sum) -> Sum:
        return self.atom("greater", b, a, truth=True)

    def _less_equal(self, a: Sum, b: Sum) -> Sum:
        return self._negate(self._less(b, a))

    def _equal(self, a: Sum, b: Sum) -> Sum:
        return self.atom("equal", a, b, truth=True)

    def _both(self, a: Any, b: Any) -> Sum:
        return self.atom("both", a, b, truth=True)

    def _either(self, a: Any, b: Any) -> Sum:
        return self.atom("either", a, b, truth=True)

    def _negate(self, a: Sum) -> Sum:
        found = self.combined([(Fraction(-1), a)], Fraction(1))
        return Sum(found.terms, found.constant, truth=True)

    def _choose(self, condition: Sum, a: Sum, b: Sum) -> Sum:
        change = self._sub(a, b)
        if change.terms:
            return self.atom("choose", condition, a, b, truth=a.truth)
        return self.combined([(change.constant, condition), (Fraction(1), b)], Fraction(0))

    def _function(self, name: str, a: Sum) -> Sum:
        if name not in _FUNCTIONS:
            raise Unsupported(f"{name} has no exact sum")
        return self.atom(name, a)
