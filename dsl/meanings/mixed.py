"""What the algebras of terms share: plain Python values are computed exactly, terms are built."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from dsl.algebra import Exact, Undefined, Unsupported

_EXACT = Exact()


def is_plain(*values: Any) -> bool:
    """Whether all values are Python's own: bool, int or Fraction."""
    return all(isinstance(v, bool | int | Fraction) for v in values)


def _operation(name: str) -> Callable[..., Any]:
    """Exact where all operands are plain and it is defined; else the subclass's `_name`."""
    exact = getattr(_EXACT, name)

    def method(self: Any, *operands: Any) -> Any:
        if is_plain(*operands):
            try:
                return exact(*operands)
            except (Undefined, Unsupported):
                pass
        return getattr(self, "_" + name)(*(self.term(a) for a in operands))

    return method


class Mixed:
    """An algebra over terms of some library; a subclass gives `term` and the `_operations`."""

    add = _operation("add")
    sub = _operation("sub")
    mul = _operation("mul")
    div = _operation("div")
    neg = _operation("neg")
    floor = _operation("floor")
    less = _operation("less")
    less_equal = _operation("less_equal")
    equal = _operation("equal")
    negate = _operation("negate")
    maximum = _operation("maximum")
    minimum = _operation("minimum")
    square = _operation("square")
    floordiv = _operation("floordiv")
    mod = _operation("mod")

    def term(self, value: Any) -> Any:
        """A plain value as a term; terms stay."""
        raise NotImplementedError

    def const(self, value: Any) -> Any:
        """Constants stay plain until they meet a term."""
        return value

    def both(self, a: Any, b: Any) -> Any:
        """Conjunction."""
        if isinstance(a, bool):
            return b if a else False
        if isinstance(b, bool):
            return a if b else False
        return self._both(a, b)

    def either(self, a: Any, b: Any) -> Any:
        """Disjunction."""
        if isinstance(a, bool):
            return True if a else b
        if isinstance(b, bool):
            return True if b else a
        return self._either(a, b)

    def choose(self, condition: Any, a: Any, b: Any) -> Any:
        """`a` where the condition holds, else `b`."""
        if isinstance(condition, bool):
            return a if condition else b
        if a is b or (is_plain(a, b) and a == b and type(a) is type(b)):
            return a
        return self._choose(condition, self.term(a), self.term(b))

    def function(self, name: str, a: Any) -> Any:
        """A named real function."""
        if is_plain(a):
            try:
                return _EXACT.function(name, a)
            except (Undefined, Unsupported):
                pass
        return self._function(name, self.term(a))

    def integer(self, name: str, *operands: Any) -> Any:
        """A named function of ints."""
        if is_plain(*operands):
            try:
                return _EXACT.integer(name, *operands)
            except ValueError:  # math.isqrt of a negative number: its precondition says so
                pass
        return self._integer(name, *(self.term(a) for a in operands))

    def _both(self, a: Any, b: Any) -> Any:
        raise NotImplementedError

    def _either(self, a: Any, b: Any) -> Any:
        raise NotImplementedError

    def _choose(self, condition: Any, a: Any, b: Any) -> Any:
        raise NotImplementedError

    def _function(self, name: str, a: Any) -> Any:
        raise Unsupported(f"no {name} here")

    def _integer(self, name: str, *operands: Any) -> Any:
        raise Unsupported(f"no {name} here")
