"""From sympy expressions back to the language, and simplification by sympy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from fractions import Fraction
from functools import cache, reduce
from itertools import product
from typing import Any

from dsl.algebra import Unsupported
from dsl.meanings.sympy_ import Parameters, formula, named_functions, symbols
from dsl.program import Definition, Expression, Prim, Program, const, prim, size, var
from dsl.types import BOOL, INT, Category, Type, TypeMismatch, Vector, accepts, is_numeric

Table = Mapping[Any, Expression]
"""What each symbol stands for."""

Reader = Callable[[Any, Table], Expression]

LARGEST_POWER = 8
"""Powers up to this one are written as products."""

LARGEST_FORMULA = 150
"""Operations above which `simplify` doesn't ask sympy: it could take minutes."""

_MANY_SMOOTH, _LONG_ARGUMENT = 4, 2
"""Transcendental terms, and operations inside one, above which only the cheap steps are tried."""

_FEW_TERMS, _FEW_NAMES = 40, 4
"""Operations and variables up to which a polynomial is factored."""

_MANY_TRUTHS = 8
"""Variables above which sympy's minimisation of logic isn't tried: it takes 2^n steps."""


def from_sympy(expression: Any, parameters: Parameters) -> Expression:
    """The expression of the language that says the same, over `symbols(parameters)`.

    Raises:
        Unsupported: something in it has no counterpart.
    """
    return _read(expression, _table(parameters))


def _table(parameters: Parameters) -> dict[Any, Expression]:
    named = symbols(parameters)
    found: dict[Any, Expression] = {}
    for name, item in parameters:
        shape = item.shape if isinstance(item, Vector) else ()
        for place in product(*map(range, shape)):
            symbol, expression = named[name], var(name, item)
            for i in place:
                symbol, expression = symbol[i], prim("item", expression, const(i))
            found[symbol] = _as_number(expression)
    return found


def _as_number(expression: Expression) -> Expression:
    numeric = is_numeric(expression.type) or expression.type == BOOL
    return expression if numeric else prim("index", expression)


def _read(term: Any, table: Table) -> Expression:
    if term in table:
        return table[term]
    for kind, reader in _readers().items():
        if isinstance(term, kind):
            return reader(term, table)
    raise Unsupported(f"the language has no {type(term).__name__}")


def _all(terms: Any, table: Table) -> list[Expression]:
    return [_read(t, table) for t in terms]


def _plain(name: str) -> Reader:
    return lambda term, table: prim(name, *_all(term.args, table))


def _joined(name: str) -> Reader:
    """Variadic functions, whose arguments sympy may reduce to one."""
    return lambda term, table: combine(name, _all(term.args, table))


def combine(name: str, parts: list[Expression]) -> Expression:
    """A variadic primitive of one part is that part."""
    return parts[0] if len(parts) == 1 else prim(name, *parts)


@cache
def _readers() -> dict[Any, Reader]:
    import sympy as s

    return {
        s.Integer: lambda term, table: const(int(term)),
        s.Rational: lambda term, table: const(Fraction(int(term.p), int(term.q))),
        type(s.true): lambda term, table: const(True),
        type(s.false): lambda term, table: const(False),
        type(s.E): lambda term, table: prim("exp", const(1)),
        s.Add: _sum,
        s.Mul: _product,
        s.Pow: _power,
        s.Max: _extreme("max"),
        s.Min: _joined("min"),
        s.Abs: _plain("abs"),
        s.sign: _plain("sign"),
        s.floor: _floor,
        s.ceiling: _plain("ceil"),
        s.Mod: _plain("mod"),
        s.sin: _plain("sin"),
        s.cos: _plain("cos"),
        s.exp: _plain("exp"),
        s.log: _plain("log"),
        s.tanh: _plain("tanh"),
        s.And: _joined("and_"),
        s.Or: _joined("or_"),
        s.Xor: _joined("xor"),
        s.Not: _plain("not_"),
        s.Equivalent: _equivalent,
        s.Implies: lambda t, table: prim("or_", prim("not_", _read(t.args[0], table)),
                                         _read(t.args[1], table)),
        s.ITE: _plain("if_"),
        s.Lt: _plain("less"),
        s.Le: _plain("less_equal"),
        s.Gt: _plain("greater"),
        s.Ge: _plain("greater_equal"),
        s.Eq: _plain("equal"),
        s.Ne: _plain("not_equal"),
        s.Piecewise: _piecewise,
        s.erf: _plain("erf"),
        **_named_readers(),
    }  # fmt: skip


def _named_readers() -> dict[Any, Reader]:
    named = named_functions()
    plain = {named[name]: _plain(name) for name in ("gcd", "round")}
    return plain | {named[name]: _position(name) for name in ("argmax", "argmin")}


def _position(name: str) -> Reader:
    return lambda term, table: prim("index", prim(name, prim("vector", *_all(term.args, table))))


def _equivalent(term: Any, table: Table) -> Expression:
    parts = _all(term.args, table)
    pairs = [prim("equal", parts[0], p) for p in parts[1:]]
    return combine("and_", pairs)


def _extreme(name: str) -> Reader:
    def reader(term: Any, table: Table) -> Expression:
        rest = [a for a in term.args if a != 0]
        if len(rest) < len(term.args):
            return prim("relu", combine(name, _all(rest, table)))
        return combine(name, _all(term.args, table))

    return reader


def _floor(term: Any, table: Table) -> Expression:
    """`floor(a / b)` is `a // b`, `floor(sqrt(n))` of an int is `isqrt(n)`."""
    inside = term.args[0]
    if inside.is_Pow and inside.exp == Fraction(1, 2) and inside.base.is_integer:
        return prim("isqrt", _read(inside.base, table))
    top, bottom = inside.as_numer_denom()
    if bottom != 1:
        return prim("floordiv", _read(top, table), _read(bottom, table))
    return prim("floor", _read(inside, table))


def _is_negative(term: Any) -> bool:
    return bool(term.as_coeff_Mul()[0] < 0)


def _sum(term: Any, table: Table) -> Expression:
    """Positive terms first, a constant last, then what is taken away."""
    terms = sorted(term.args, key=lambda t: (_is_negative(t), t.is_number))
    plus = [_read(t, table) for t in terms if not _is_negative(t)]
    minus = [_read(-t, table) for t in terms if _is_negative(t)]
    if not plus:
        return prim("neg", combine("add", minus))
    return reduce(lambda total, t: prim("sub", total, t), minus, combine("add", plus))


def _product(term: Any, table: Table) -> Expression:
    factor = term.as_coeff_Mul()[0]
    if factor < 0:
        return prim("neg", _read(-term, table))
    if len(below := _divisors(term)) > 0:
        import sympy

        top = sympy.Mul(*(a for a in term.args if not _is_divisor(a)))
        return prim("div", _read(top, table), _read(sympy.Mul(*below), table))
    return combine("mul", _all(term.args, table))


def _is_divisor(factor: Any) -> bool:
    negative = factor.is_Pow and factor.exp.is_Rational and factor.exp < 0
    return bool(negative) and _logistic_argument(factor) is None


def _divisors(term: Any) -> list[Any]:
    return [a.base**-a.exp for a in term.args if _is_divisor(a)]


def _power(term: Any, table: Table) -> Expression:
    import sympy

    base, exponent = term.base, term.exp
    if exponent == Fraction(1, 2):
        return prim("sqrt", _read(base, table))
    if exponent.is_Rational and exponent < 0:
        argument = _logistic_argument(term)
        if argument is not None:
            return prim("sigmoid", _read(argument, table))
        return prim("div", const(1), _read(base**-exponent, table))
    if exponent.is_Integer and exponent <= LARGEST_POWER:
        return _small_power(_read(base, table), int(exponent))
    if exponent.is_Rational and exponent.q == 2 and exponent.p <= LARGEST_POWER:
        return _small_power(prim("sqrt", _read(base, table)), int(exponent.p))
    raise Unsupported(f"the language has no power {sympy.sstr(exponent)}")


def _small_power(base: Expression, exponent: int) -> Expression:
    if exponent % 2 == 0:
        return _small_power(prim("square", base), exponent // 2)
    return base if exponent == 1 else prim("mul", *[base] * exponent)


def _logistic_argument(term: Any) -> Any:
    """x, where the term is 1 / (1 + exp(-x))."""
    import sympy

    x = sympy.Wild("x")
    found = term.match(1 / (1 + sympy.exp(-x)))
    return None if found is None else found[x]


def _piecewise(term: Any, table: Table) -> Expression:
    *cases, (last, condition) = term.args
    if condition != True:  # noqa: E712 (sympy's true)
        raise Unsupported("a case distinction that leaves a case out")
    found = _read(last, table)
    for value, test in reversed(cases):
        found = _case(_read(test, table), _read(value, table), found)
    return found


def _case(test: Expression, yes: Expression, no: Expression) -> Expression:
    if (yes, no) == (const(1), const(0)):
        return prim("as_int", test)
    return prim("if_", test, yes, no)


def simplify(program: Program) -> Program | None:
    """A shorter program that sympy finds equal, or None. The caller checks it again.

    sympy may cancel factors, so that the result is defined where the program isn't.
    """
    from sympy.core.random import seed

    seed(0)  # sympy tests for zero at random points: the same ones each time, then
    main = program.main
    try:
        terms = formula(program, symbols(main.parameters))
        body = _result(_rebuilt(terms, main.parameters), main.result)
    except (Unsupported, TypeMismatch, NotImplementedError, AttributeError, RecursionError):
        return None
    if not accepts(main.result, body.type) or size(body) >= _total_size(program):
        return None
    return Program((Definition(main.name, main.parameters, body, main.result),))


def _total_size(program: Program) -> int:
    return sum(size(d.body) for d in program.definitions)


def _rebuilt(value: Any, parameters: Parameters) -> Expression:
    if isinstance(value, tuple):
        return prim("vector", *(_rebuilt(v, parameters) for v in value))
    found = [from_sympy(value, parameters)]  # sympy's own evaluation is often the best already
    for shorten in (_simplified, _factored):
        with suppress(Unsupported, TypeMismatch, NotImplementedError):
            found.append(from_sympy(shorten(value), parameters))
    return min(found, key=size)


def _result(body: Expression, item: Type) -> Expression:
    """A category is an int in sympy."""
    if isinstance(body, Prim) and body.primitive.name == "index" and body.children[0].type == item:
        return body.children[0]
    if isinstance(item, Category) and body.type == INT:
        return prim("category", body, const(item.size))
    return body


def _simplified(term: Any) -> Any:
    import sympy

    if term.count_ops() > LARGEST_FORMULA:
        raise Unsupported("too long for sympy")
    if _is_propositional(term):
        return sympy.simplify_logic(term) if len(term.free_symbols) <= _MANY_TRUTHS else term
    if not _is_quick(term):
        return sympy.factor_terms(term)
    return sympy.simplify(term)


def _factored(term: Any) -> Any:
    """A small polynomial as a product of factors: `simplify` leaves `x^2 + 2xy + y^2` as it is."""
    import sympy

    names = term.free_symbols
    small = len(names) <= _FEW_NAMES and term.count_ops() <= _FEW_TERMS
    if not small or not getattr(term, "is_Add", False) or not term.is_polynomial(*names):
        raise Unsupported("no small polynomial")
    return sympy.factor(term)


def _is_quick(term: Any) -> bool:
    """Whether `sympy.simplify` ends soon: sums inside sines or exponentials make it search."""
    import sympy

    smooth = term.atoms(sympy.exp, sympy.sin, sympy.cos, sympy.tanh, sympy.log, sympy.erf)
    arguments = [inside for function in smooth for inside in function.args]
    return len(smooth) <= _MANY_SMOOTH and all(a.count_ops() <= _LONG_ARGUMENT for a in arguments)


def _is_propositional(term: Any) -> bool:
    from sympy.core.relational import Relational
    from sympy.logic.boolalg import BooleanFunction

    return isinstance(term, BooleanFunction) and not term.has(Relational)
