"""Programs as z3 terms: what the solver proves things about.

Bool, Int and Real are z3's sorts, a category is an Int, a vector a nested tuple of
terms. Roots and greatest common divisors become fresh variables; the constraints
that define them are handed back with the term.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import product
from typing import Any, NamedTuple

from dsl.algebra import Unsupported
from dsl.meanings.fold import outcome
from dsl.meanings.mixed import Mixed
from dsl.program import Program
from dsl.types import BOOL, INT, REAL, Category, Type, TypeMismatch, Vector

_WRITTEN_AT_ONCE = 4000
"""Digits; Python itself refuses to write more than 4300 of them."""


def decimal(value: int) -> str:
    """All digits of an int, however many."""
    power = 10**_WRITTEN_AT_ONCE
    size, pieces = abs(value), []
    while size >= power:
        size, rest = divmod(size, power)
        pieces.append(f"{rest:0{_WRITTEN_AT_ONCE}d}")
    return "-" * (value < 0) + str(size) + "".join(reversed(pieces))


class Terms(NamedTuple):
    """A program as terms.

    value: the result, nested tuples of terms or plain values.
    constraints: what defines the fresh variables; assert all of them.
    defined: z3 truth value (or plain bool) of all preconditions that are reached.
    """

    value: Any
    constraints: tuple[Any, ...]
    defined: Any


class Solver(Mixed):
    """The algebra of z3 terms; `z3` is the library, `constraints` collects side conditions."""

    def __init__(self, z3: Any) -> None:
        self.z3 = z3
        self.constraints: list[Any] = []
        self._roots: dict[tuple[Any, ...], Any] = {}

    def term(self, value: Any) -> Any:
        """Plain bool, int or Fraction as a z3 value."""
        if isinstance(value, bool):
            return self.z3.BoolVal(value)
        if isinstance(value, int):
            return self.z3.IntVal(decimal(value))
        if isinstance(value, Fraction):
            return self.z3.RealVal(f"{decimal(value.numerator)}/{decimal(value.denominator)}")
        return value

    def is_truth(self, a: Any) -> bool:
        """Whether this is a truth value."""
        return isinstance(a, bool) or self.z3.is_bool(a)

    def _real(self, a: Any) -> Any:
        return self.z3.ToReal(a) if self.z3.is_int(a) else a

    def _add(self, a: Any, b: Any) -> Any:
        return a + b

    def _sub(self, a: Any, b: Any) -> Any:
        return a - b

    def _mul(self, a: Any, b: Any) -> Any:
        return a * b

    def _div(self, a: Any, b: Any) -> Any:
        return self._real(a) / self._real(b)

    def _neg(self, a: Any) -> Any:
        return -a

    def _floor(self, a: Any) -> Any:
        return a if self.z3.is_int(a) else self.z3.ToInt(a)

    def _less(self, a: Any, b: Any) -> Any:
        return a < b

    def _less_equal(self, a: Any, b: Any) -> Any:
        return a <= b

    def _equal(self, a: Any, b: Any) -> Any:
        return a == b

    def _both(self, a: Any, b: Any) -> Any:
        return self.z3.And(a, b)

    def _either(self, a: Any, b: Any) -> Any:
        return self.z3.Or(a, b)

    def _negate(self, a: Any) -> Any:
        return self.z3.Not(a)

    def _choose(self, condition: Any, a: Any, b: Any) -> Any:
        if a.sort() != b.sort():
            a, b = self._real(a), self._real(b)
        return self.z3.If(condition, a, b)

    def _maximum(self, a: Any, b: Any) -> Any:
        return self._choose(a >= b, a, b)

    def _minimum(self, a: Any, b: Any) -> Any:
        return self._choose(a <= b, a, b)

    def _square(self, a: Any) -> Any:
        return a * a

    def _floordiv(self, a: Any, b: Any) -> Any:
        """z3's own `div` rounds so that the remainder isn't negative: right for divisors > 0."""
        if not (self.z3.is_int(a) and self.z3.is_int(b)):
            return self.z3.ToInt(self._real(a) / self._real(b))
        sign = _sign_of_literal(self.z3, b)
        if sign > 0:
            return a / b
        return (-a) / (-b) if sign < 0 else self.z3.If(b > 0, a / b, (-a) / (-b))

    def _mod(self, a: Any, b: Any) -> Any:
        if not (self.z3.is_int(a) and self.z3.is_int(b)):
            return self._real(a) - self._real(b) * self.z3.ToReal(self._floordiv(a, b))
        sign = _sign_of_literal(self.z3, b)
        if sign > 0:
            return a % b
        return -((-a) % (-b)) if sign < 0 else self.z3.If(b > 0, a % b, -((-a) % (-b)))

    def _function(self, name: str, a: Any) -> Any:
        if name != "sqrt":
            raise Unsupported(f"z3 has no {name}")
        return self._fresh("sqrt", (self._real(a),), self._root_of)

    def _integer(self, name: str, *operands: Any) -> Any:
        if name == "isqrt":
            return self._fresh(name, operands, self._whole_root_of)
        if name == "gcd":
            return self._fresh(name, operands, self._divisor_of)
        raise Unsupported(f"z3 has no {name}")

    def _fresh(self, name: str, operands: tuple[Any, ...], define: Any) -> Any:
        """The variable for `name` of these operands: one and the same for the same terms."""
        key = (name, *(a.get_id() for a in operands))
        if key not in self._roots:
            found, constraints = define(*operands)
            self._roots[key] = (found, operands)  # operands are kept so that ids stay theirs
            self.constraints.extend(constraints)
        return self._roots[key][0]

    def _root_of(self, a: Any) -> tuple[Any, list[Any]]:
        root = self.z3.FreshReal("root")
        return root, [root >= 0, self.z3.Implies(a >= 0, root * root == a)]

    def _whole_root_of(self, a: Any) -> tuple[Any, list[Any]]:
        root = self.z3.FreshInt("isqrt")
        inside = self.z3.And(root * root <= a, a < (root + 1) * (root + 1))
        return root, [root >= 0, self.z3.Implies(a >= 0, inside)]

    def _divisor_of(self, a: Any, b: Any) -> tuple[Any, list[Any]]:
        """Bezout: the common divisor that is a combination of both is the greatest."""
        found, p, q, u, v = (self.z3.FreshInt("gcd") for _ in range(5))
        return found, [found >= 0, a == found * p, b == found * q, found == u * a + v * b]


def _sign_of_literal(z3: Any, term: Any) -> int:
    if not z3.is_int_value(term):
        return 0
    value = term.as_long()
    return (value > 0) - (value < 0)


def _library(z3: Any) -> Any:
    if z3 is None:
        import z3
    return z3


def variables(parameters: Sequence[tuple[str, Type]], z3: Any = None) -> tuple[Any, ...]:
    """A z3 variable per parameter, vectors as nested tuples of variables `x[0]`, `x[1]` ...

    A category is an Int; `category_bounds` says what it can be.
    """
    library = _library(z3)
    return tuple(_variable(library, name, item) for name, item in parameters)


def _variable(z3: Any, name: str, item: Type) -> Any:
    if isinstance(item, Vector):
        count, *rest = item.shape
        inner = Vector(item.item, tuple(rest)) if rest else item.item
        return tuple(_variable(z3, f"{name}[{i}]", inner) for i in range(count))
    if item == BOOL:
        return z3.Bool(name)
    if item == REAL:
        return z3.Real(name)
    if item == INT or isinstance(item, Category):
        return z3.Int(name)
    raise TypeMismatch(f"z3 has no variables of type {item}")


def category_bounds(
    parameters: Sequence[tuple[str, Type]], values: Sequence[Any]
) -> tuple[Any, ...]:
    """Constraints that keep category variables within their alternatives."""
    found: list[Any] = []
    for (_, item), value in zip(parameters, values, strict=True):
        if isinstance(item, Category):
            found += [value >= 0, value < item.size]
        if isinstance(item, Vector) and isinstance(item.item, Category):
            for index in product(*map(range, item.shape)):
                leaf = value
                for i in index:
                    leaf = leaf[i]
                found += [leaf >= 0, leaf < item.item.size]
    return tuple(found)


def to_z3(program: Program, arguments: Sequence[Any], z3: Any = None) -> Terms:
    """The program applied to z3 terms (or plain values), as terms.

    Arguments:
        arguments: one per parameter, as `variables` makes them.
        z3: the library; imported when it isn't given.

    Raises:
        Unsupported: the program uses a function that z3 lacks, e.g. sin.
    """
    ops = Solver(_library(z3))
    names = [name for name, _ in program.main.parameters]
    found = outcome(program, ops, dict(zip(names, arguments, strict=True)))
    return Terms(found.value, tuple(ops.constraints), found.defined)
