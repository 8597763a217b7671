"""Programs as sympy expressions and LaTeX: formulas for people.

Truth values are sympy Booleans, vectors nested lists of expressions. The way back is
`dsl.meanings.from_sympy`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import cache
from typing import Any

from dsl.algebra import Unsupported, leaves
from dsl.meanings.fold import evaluate
from dsl.meanings.mixed import Mixed
from dsl.program import Program
from dsl.types import BOOL, INT, REAL, Category, Type, Vector

Parameters = Sequence[tuple[str, Type]]


@cache
def named_functions() -> dict[str, Any]:
    """What sympy lacks, as functions that compute on numbers and stay by name else."""
    return {
        "gcd": _named("gcd", math.gcd),
        "round": _named("round", round),
        "argmax": _named("argmax", lambda *xs: max(range(len(xs)), key=xs.__getitem__)),
        "argmin": _named("argmin", lambda *xs: min(range(len(xs)), key=xs.__getitem__)),
    }


def _named(name: str, meaning: Callable[..., int]) -> Any:
    import sympy

    def evaluated(cls: Any, *arguments: Any) -> Any:
        if not all(a.is_Rational for a in arguments):
            return None
        numbers = [int(a) if a.is_Integer else Fraction(int(a.p), int(a.q)) for a in arguments]
        return sympy.Integer(meaning(*numbers))

    return type(name, (sympy.Function,), {"eval": classmethod(evaluated), "is_integer": True})


class Formulas(Mixed):
    """The algebra of sympy expressions; `truths` are the symbols that stand for Booleans."""

    def __init__(self, truths: frozenset[Any] = frozenset()) -> None:
        import sympy

        self.sympy, self.truths = sympy, truths
        self.decided: dict[Any, Any] = {}
        self.spellings: dict[str, Callable[..., Any]] = {
            "abs": lambda a: sympy.Abs(self.term(a)),
            "sign": lambda a: sympy.sign(self.term(a)),
            "ceil": lambda a: sympy.ceiling(self.term(a)),
            "xor": lambda *xs: sympy.Xor(*map(self.term, xs)),
            "max": lambda *xs: sympy.Max(*map(self.term, xs)),
            "min": lambda *xs: sympy.Min(*map(self.term, xs)),
            "round": lambda x: named_functions()["round"](self.term(x)),
            "argmax": lambda xs: named_functions()["argmax"](*map(self.term, xs)),
            "argmin": lambda xs: named_functions()["argmin"](*map(self.term, xs)),
        }

    def term(self, value: Any) -> Any:
        """Plain bool, int or Fraction as a sympy value."""
        if isinstance(value, bool):
            return self.sympy.true if value else self.sympy.false
        if isinstance(value, Fraction):
            return self.sympy.Rational(value.numerator, value.denominator)
        return self.sympy.Integer(value) if isinstance(value, int) else value

    def is_truth(self, a: Any) -> bool:
        """Whether this is a truth value."""
        if isinstance(a, bool) or a in self.truths:
            return True
        boolean = self.sympy.logic.boolalg.Boolean
        return isinstance(a, boolean) and not isinstance(a, self.sympy.Symbol)

    def _add(self, a: Any, b: Any) -> Any:
        return a + b

    def _sub(self, a: Any, b: Any) -> Any:
        return a - b

    def _mul(self, a: Any, b: Any) -> Any:
        return a * b

    def _div(self, a: Any, b: Any) -> Any:
        return a / b

    def _neg(self, a: Any) -> Any:
        return -a

    def _floor(self, a: Any) -> Any:
        return self.sympy.floor(a)

    def _less(self, a: Any, b: Any) -> Any:
        return self.sympy.Lt(a, b)

    def _less_equal(self, a: Any, b: Any) -> Any:
        return self.sympy.Le(a, b)

    def _equal(self, a: Any, b: Any) -> Any:
        if self.is_truth(a) and self.is_truth(b):
            return self.sympy.Equivalent(a, b)
        return self.sympy.Eq(a, b)

    def _both(self, a: Any, b: Any) -> Any:
        return self.sympy.And(a, b)

    def _either(self, a: Any, b: Any) -> Any:
        return self.sympy.Or(a, b)

    def _negate(self, a: Any) -> Any:
        return self.sympy.Not(a)

    def _choose(self, condition: Any, a: Any, b: Any) -> Any:
        if self.is_truth(a) and self.is_truth(b):
            return self.sympy.ITE(condition, a, b)
        return self.sympy.Piecewise((a, self._decided(condition)), (b, True))

    def _decided(self, condition: Any) -> Any:
        """The condition without choices inside: sympy takes truths among those for covering all."""
        if condition not in self.decided:
            parts = self.sympy.preorder_traversal(condition)
            choice = next((n for n in parts if isinstance(n, self.sympy.Piecewise)), None)
            self.decided[condition] = self._apart(condition, choice)
        return self.decided[condition]

    def _apart(self, condition: Any, choice: Any) -> Any:
        if choice is None:
            return condition
        *tested, (other, _) = choice.args
        found = self._decided(condition.xreplace({choice: other}))
        for value, test in reversed(tested):
            found = self._branched(test, self._decided(condition.xreplace({choice: value})), found)
        return found

    def _branched(self, test: Any, yes: Any, no: Any) -> Any:
        true, false = self.sympy.true, self.sympy.false
        if yes == true or no == false:
            return (test & yes) | no
        if yes == false or no == true:
            return (~test & no) | yes
        return self.sympy.ITE(test, yes, no)

    def _maximum(self, a: Any, b: Any) -> Any:
        return self.sympy.Max(a, b)

    def _minimum(self, a: Any, b: Any) -> Any:
        return self.sympy.Min(a, b)

    def _square(self, a: Any) -> Any:
        return a**2

    def _floordiv(self, a: Any, b: Any) -> Any:
        return self.sympy.floor(a / b)

    def _mod(self, a: Any, b: Any) -> Any:
        # sympy raises where it sees 0, and a guarded branch may hold `x % 0`
        return self.sympy.nan if b.is_zero else self.sympy.Mod(a, b)

    def _function(self, name: str, a: Any) -> Any:
        if name == "sigmoid":
            return 1 / (1 + self.sympy.exp(-a))
        return getattr(self.sympy, name)(a)

    def _integer(self, name: str, *operands: Any) -> Any:
        if name == "isqrt":
            return self.sympy.floor(self.sympy.sqrt(operands[0]))
        return named_functions()[name](*operands)


def symbols(parameters: Parameters, spell: Callable[[str], str] = str) -> dict[str, Any]:
    """A symbol per parameter, nested tuples of symbols `x[0]`, `x[1]` ... for vectors.

    No two are alike: identifiers have no brackets. `spell` gives a name's printed form.
    """
    return {name: _symbol(spell(name), item) for name, item in parameters}


def _symbol(name: str, item: Type) -> Any:
    from sympy import Symbol

    if isinstance(item, Vector):
        count, *rest = item.shape
        inner = Vector(item.item, tuple(rest)) if rest else item.item
        return tuple(_symbol(f"{name}[{i}]", inner) for i in range(count))
    if item == BOOL:
        return Symbol(name)
    if item == INT or isinstance(item, Category):
        return Symbol(name, integer=True, nonnegative=item != INT or None)
    if item == REAL:
        return Symbol(name, real=True)
    raise Unsupported(f"sympy has no symbols of type {item}")


def to_sympy(program: Program) -> Any:
    """The program's formula: a sympy expression, for vectors nested lists of them.

    Raises:
        Unsupported: a part of the program has no formula.
    """
    return _as_lists(formula(program, symbols(program.main.parameters)))


def formula(program: Program, named: Mapping[str, Any]) -> Any:
    """The program over the given symbols, vectors as nested tuples."""
    parameters = program.main.parameters
    truths = frozenset(
        leaf
        for name, item in parameters
        if item == BOOL or (isinstance(item, Vector) and item.item == BOOL)
        for leaf in leaves(named[name])
    )
    ops = Formulas(truths)
    return _terms(ops, evaluate(program, ops, named))


def _terms(ops: Formulas, value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_terms(ops, v) for v in value)
    return ops.term(value)


def _as_lists(value: Any) -> Any:
    return [_as_lists(v) for v in value] if isinstance(value, tuple) else value


def to_latex(program: Program) -> str:
    """The formula as LaTeX; a vector as a column (a matrix as such).

    Raises:
        Unsupported: a part of the program has no formula.
    """
    import sympy

    found = formula(program, symbols(program.main.parameters, _latex_name))
    if not isinstance(found, tuple):
        return sympy.latex(found)
    if isinstance(found[0], tuple) and isinstance(found[0][0], tuple):
        raise Unsupported("LaTeX shows vectors and matrices, no tensors of more axes")
    rows = [row if isinstance(row, tuple) else (row,) for row in found]
    body = r" \\ ".join(" & ".join(map(sympy.latex, row)) for row in rows)
    return rf"\begin{{bmatrix}} {body} \end{{bmatrix}}"


def _latex_name(name: str) -> str:
    """One letter as it is, longer names upright; the backslash keeps sympy from parsing it."""
    if len(name) == 1 and name != "_":
        return name
    return rf"\mathrm{{{name}}}".replace("_", r"\_")
