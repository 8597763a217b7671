"""Every rule is proved or tested, the rules together keep values and types."""

from fractions import Fraction
from itertools import product

import hypothesis.strategies as st
import numpy as np
import pytest
import z3
from hypothesis import given, settings

from dsl.algebra import Exact, Undefined, Unsupported
from dsl.meanings.array import run
from dsl.meanings.fold import evaluate, free_names
from dsl.meanings.z3_ import category_bounds, to_z3, variables
from dsl.program import const, function, let, prim, program, size, substitute, var
from dsl.rewrite import (
    ANYTHING,
    LETTERS,
    MONOIDS,
    RULES,
    apply_rule,
    match,
    read_rule,
    simplify,
    simplify_program,
)
from dsl.text import parse, parse_program, show
from dsl.types import BOOL, INT, REAL, Category, TypeMismatch, Vector

SMOOTH = {"exp", "log", "sin", "cos", "tanh"}
TIMEOUT = 3000


def letter_types(rule):
    """Types for the letters of a rule, in every combination that counts."""
    names = sorted(free_names(rule.left) | free_names(rule.right))
    for number, anything in product((INT, REAL), (REAL, BOOL, INT)):
        table = {REAL: number, ANYTHING: anything}
        yield {n: table.get(LETTERS[n], LETTERS[n]) for n in names}


def instances(rule):
    """Programs of both sides for all letter types that fit and that the rule keeps."""
    found = {}
    for types in letter_types(rule):
        letters = {n: var(n, t) for n, t in types.items()}
        try:
            left, right = (substitute(side, letters) for side in (rule.left, rule.right))
        except TypeMismatch:
            continue
        parameters = tuple(types.items())
        if left.type == right.type or hasattr(right, "value"):
            found[left, right] = (program(parameters, left), program(parameters, right))
    return list(found.values())


def decide(left, right):
    """z3's verdict on: wherever left is defined, right is too and they are equal."""
    parameters = left.main.parameters
    arguments = variables(parameters)
    first, second = to_z3(left, arguments), to_z3(right, arguments)
    solver = z3.Solver()
    solver.set("timeout", TIMEOUT)
    solver.add(*first.constraints, *second.constraints, first.defined)
    solver.add(*category_bounds(parameters, arguments))
    same = first.value == second.value
    solver.add(z3.Not(z3.And(same, second.defined)))
    return solver.check()


def holds_on_samples(left, right, count=300):
    """Equal wherever left is defined, in floats for smooth functions, else exactly."""
    random = np.random.default_rng(0)
    for _ in range(count):
        point = {n: draw(t, random) for n, t in left.main.parameters}
        try:
            expected = value(left, point)
        except Undefined:
            continue
        if abs(value(right, point) - expected) > 1e-9:
            return False
    return True


def draw(item, random):
    if item == BOOL:
        return bool(random.integers(2))
    number = int(random.integers(-20, 21))
    return number if item == INT else Fraction(number, 4)


def value(shown, point):
    try:
        return evaluate(shown.main.body, Exact(), point, strict=True)
    except Unsupported:
        columns = tuple(np.array([float(x)]) for x in point.values())
        with np.errstate(all="ignore"):
            found = float(run(shown, columns)[0])
        if not np.isfinite(found):
            raise Undefined("a logarithm or a number too large") from None
        return found


def refuted(rule):
    verdicts = []
    for left, right in instances(rule):
        try:
            verdict = decide(left, right)
        except Unsupported:
            verdict = z3.unknown
        sampled = verdict == z3.unknown and not holds_on_samples(left, right)
        verdicts.append(verdict == z3.sat or sampled)
    assert verdicts, "a rule that never applies"
    return any(verdicts)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.formula)
def test_rule_is_proved(rule):
    assert not refuted(rule)


@pytest.mark.parametrize(
    "equation",
    [
        "x - y = y - x",
        "not (x < y) = x > y",
        "x % y % y = x",
        "p xor not q = p xor q",
        "if p then u else v = if p then v else u",
        "not p and not q = not (p and q)",
        "sqrt(square(x)) = x",
        "round(x) = floor(x)",
        "cos(-x) = -cos(x)",
        "relu(x) - relu(-x) = abs(x)",
    ],
)
def test_wrong_rules_are_refused(equation):
    assert refuted(read_rule(equation))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.formula)
def test_rule_applies_and_never_lengthens(rule):
    left, right = instances(rule)[0]
    simple = simplify(left.main.body)
    assert simple.type == left.main.body.type
    assert size(simple) <= min(size(left.main.body), size(right.main.body) + 1)
    assert simple is not left.main.body


@pytest.mark.parametrize("name", sorted(MONOIDS))
def test_monoid_laws_are_proved(name):
    monoid, item = MONOIDS[name], BOOL if name in ("and_", "or_", "xor") else REAL
    x = var("x", item)
    laws = []
    if monoid.identity is not None:
        laws.append((prim(name, x, const(monoid.identity)), x))
    if monoid.absorbing is not None:
        laws.append((prim(name, x, const(monoid.absorbing)), const(monoid.absorbing, item)))
    if monoid.idempotent:
        laws.append((prim(name, x, x), x))
    if monoid.cancelling:
        laws.append((prim(name, x, x), const(monoid.identity)))
    for left, right in laws:
        shown = [program((("x", item),), side) for side in (left, right)]
        assert decide(*shown) == z3.unsat


SCOPE = {
    "x": REAL, "y": REAL, "n": INT, "m": INT, "a": BOOL, "b": BOOL, "c": BOOL,
    "v": Vector(REAL, (3,)), "k": Category(3),
}  # fmt: skip

SIMPLER = [
    ("x + 0", "x"),
    ("2 * x * 3.0 * y", "6.0 * x * y"),
    ("(a and b) and (a and c) and true", "a and b and c"),
    ("a and b and not a", "false"),
    ("a xor b xor a xor true", "not b"),
    ("[x, y, x][1]", "y"),
    ("sum([x, y, 3.0])", "x + y + 3.0"),
    ("2 * n + 3 * n", "5 * n"),
    ("let s = x in s + s", "2 * x"),
    ("let s = 3 * n in 7", "7"),
    ("category(index(k), 3)", "k"),
    ("index(category(n, 3))", "n"),
    ("if not a and true then x else y", "if a then y else x"),
    ("min(max(x, 0.0), 1.0)", "clip(x, 0, 1.0)"),
    ("v - v", "v - v"),
    ("v * 1", "v"),
    ("max(v, 0)", "relu(v)"),
    ("reverse(reverse(v))", "v"),
    ("n / n * 0", "0.0"),
    ("x + -y + 2 + n + -n", "x - y + 2 + n - n"),
    ("1 / 3 + 1 / 3", "2/3"),
    ("[1, 2, 3][n]", "[1, 2, 3][n]"),
    ("any([a, a or b])", "a or b"),
    ("map((w: real) -> w + 0, v)", "map((w: real) -> w, v)"),
]


@pytest.mark.parametrize(("before", "after"), SIMPLER)
def test_simplified_form(before, after):
    found = simplify(parse(before, SCOPE))
    if after == "x - y + 2 + n - n":  # the order of a sum is free
        assert size(found) <= size(parse(before, SCOPE))
    else:
        assert show(found) == after


def test_int_stays_real_where_the_type_says_so():
    """x / 1 of an int is real: dropping the division would change the type."""
    assert simplify(parse("n / 1", SCOPE)).type == REAL
    assert simplify(parse("n + 0.0", SCOPE)).type == REAL


def test_division_by_zero_is_not_folded_away_as_a_value():
    assert show(simplify(parse("1 // (n * 0)", SCOPE))) == "1 // 0"


def test_letting_a_name_keeps_inner_names_apart():
    """let s = x in (let x = y in s + x): s means the outer x."""
    inner = let("x", var("y", REAL), prim("add", var("s", REAL), var("x", REAL)))
    shown = let("s", var("x", REAL), inner)
    point = {"x": Fraction(1), "y": Fraction(10)}
    assert evaluate(simplify(shown), Exact(), point) == 11 == evaluate(shown, Exact(), point)


def test_a_lambda_that_rebinds_is_left_alone():
    body = prim("map", function((("x", REAL),), prim("add", var("s", REAL), var("x", REAL))),
                var("v", SCOPE["v"]))  # fmt: skip
    shown = let("s", var("x", REAL), body)
    point = {"x": Fraction(1), "v": (Fraction(10), Fraction(20), Fraction(30))}
    assert evaluate(simplify(shown), Exact(), point) == (11, 21, 31)


def test_pairs_inside_a_variadic_primitive_match():
    node = parse("a and b and (a or c)", SCOPE)
    absorbed = next(r for r in RULES if r.formula == "p and (p or q) = p")
    assert {show(found) for found in apply_rule(absorbed, node)} == {"a and b"}


def test_a_letter_stands_for_one_thing():
    pattern = read_rule("x - x = 0").left
    assert list(match(pattern, parse("x - y", SCOPE), {})) == []
    assert len(list(match(pattern, parse("v - v", SCOPE), {}))) == 1


def test_programs_simplify_in_every_definition():
    text = "def f(x: real) -> real =\n  x * 1\ndef p(x: real) -> real =\n  f(x) + f(x)\n"
    assert str(simplify_program(parse_program(text))) == (
        "def f(x: real) -> real =\n  x\ndef p(x: real) -> real =\n  2 * f(x)\n"
    )


NUMBERS = ("add", "sub", "mul", "max", "min", "neg", "abs", "relu", "square", "div", "mod", "clip")
TRUTHS = ("and_", "or_", "xor", "not_", "equal")
ORDERS = ("less", "less_equal", "greater", "greater_equal", "equal", "not_equal")
COUNTS = {"neg": 1, "abs": 1, "relu": 1, "square": 1, "not_": 1, "clip": 3}


def _node(names, inside):
    return st.sampled_from(names).flatmap(
        lambda name: st.lists(inside, min_size=COUNTS.get(name, 2), max_size=COUNTS.get(name, 2))
        .map(lambda parts: prim(name, *parts))
    )  # fmt: skip


def _expressions(depth):
    numbers = st.sampled_from([var("x", REAL), var("n", INT), const(0), const(1), const(-1)])
    truths = st.sampled_from([var("a", BOOL), var("b", BOOL), const(True)])
    for _ in range(depth):
        choice = st.tuples(truths, numbers, numbers).map(lambda p: prim("if_", *p))
        logical = st.tuples(truths, truths, truths).map(lambda p: prim("if_", *p))
        counted = truths.map(lambda p: prim("as_int", p))
        truths_up = st.one_of(truths, _node(TRUTHS, truths), _node(ORDERS, numbers), logical)
        numbers = st.one_of(numbers, _node(NUMBERS, numbers), choice, counted)
        truths = truths_up
    return st.one_of(numbers, truths)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(_expressions(4), st.integers(-3, 3), st.integers(-6, 6), st.booleans(), st.booleans())
def test_simplify_keeps_value_and_type(expression, n, quarters, a, b):
    simple = simplify(expression)
    assert simple.type == expression.type
    assert simplify(simple) is simple
    point = {"x": Fraction(quarters, 4), "n": n, "a": a, "b": b}
    try:
        expected = evaluate(expression, Exact(), point, strict=True)
    except Undefined:
        return
    assert evaluate(simple, Exact(), point, strict=True) == expected


def test_long_expressions_are_simplified_in_one_go():
    total = var("x", REAL)
    for i in range(3000):
        total = prim("add", prim("mul", total, const(1)), var(f"y{i % 7}", REAL))
        total = prim("neg", prim("neg", total)) if i % 2 else prim("max", total, const(i))
    assert size(simplify(total)) < size(total) / 1.5
