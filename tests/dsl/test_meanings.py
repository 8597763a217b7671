"""Whole programs in every meaning: one table of examples, then scopes, sharing and guards."""

import re
from fractions import Fraction
from functools import reduce
from itertools import product

import numpy as np
import pytest
import sympy
import torch
import z3

from dsl.algebra import Exact, Undefined, Unsupported, leaves
from dsl.meanings.array import run
from dsl.meanings.english import to_english
from dsl.meanings.exact import run_exact
from dsl.meanings.fold import evaluate
from dsl.meanings.from_sympy import from_sympy, simplify
from dsl.meanings.interval import evaluate_boxes, well_defined
from dsl.meanings.python import to_python
from dsl.meanings.sympy_ import formula, symbols, to_latex, to_sympy
from dsl.meanings.z3_ import decimal, to_z3, variables
from dsl.program import call, const, function, let, prim, program, var
from dsl.text import ParseError, parse, parse_program
from dsl.types import BOOL, INT, REAL, TypeMismatch, Vector, element

HALF = Fraction(1, 2)
PROGRAMS = {
    "majority": (
        "def p(x: bool[3]) -> bool =\n  count(x) >= 2",
        [(((True, False, True),), True), (((False, False, True),), False)],
    ),
    "parity": (
        "def p(a: bool, b: bool, c: bool) -> bool =\n  a xor b xor c",
        [((True, True, True), True), ((True, False, True), False)],
    ),
    "multiplexer": (
        "def p(s: bool[2], d: bool[4]) -> bool =\n  d[number(s, 2)]",
        [(((True, False), (False, False, True, False)), True)],
    ),
    "palindrome": (
        "def p(x: int[4]) -> bool =\n  same(x, reverse(x))",
        [(((1, 2, 2, 1),), True), (((1, 2, 1, 1),), False)],
    ),
    "adder": (
        "def p(a: bool[3], b: bool[3]) -> bool[4] =\n  bits(number(a, 2) + number(b, 2), 4)",
        [(((True, True, True), (False, False, True)), (True, False, False, False))],
    ),
    "sorted": (
        "def p(x: real[4]) -> real[4] =\n  sort(x)",
        [(((HALF, -1, 3, 0),), (-1, 0, HALF, 3))],
    ),
    "third largest": (
        "def p(x: int[5]) -> int =\n  kth(x, 2)",
        [(((5, 1, 4, 2, 3),), 3)],
    ),
    "argmax": (
        "def p(x: real[3]) -> category(3) =\n  argmax(x)",
        [(((1, 5, 5),), 1), (((3, 1, 2),), 0)],
    ),
    "clipped difference": (
        "def p(x: real, y: real) -> real =\n  clip(abs(x - y), 0.5, 2.0)",
        [((1, 5), 2), ((1, 1), HALF), ((0, 1), 1)],
    ),
    "threshold": (
        "def p(x: real[2]) -> bool =\n  square(x[0]) + square(x[1]) < 1 and x[0] > 0",
        [(((HALF, HALF),), True), (((-HALF, HALF),), False)],
    ),
    "guarded division": (
        "def p(x: real, n: int) -> real =\n  if n == 0 then 0.0 else x / n",
        [((3, 0), 0), ((3, 2), Fraction(3, 2))],
    ),
    "guarded and": (
        "def p(x: real, y: real) -> bool =\n  not (y == 0) and x / y > 1",
        [((3, 0), False), ((3, 2), True), ((1, 2), False)],
    ),
    "guarded or": (
        "def p(x: int, y: int) -> bool =\n  y == 0 or x % y == 0",
        [((3, 0), True), ((6, -3), True), ((7, 3), False)],
    ),
    "shared value": (
        "def p(x: real, y: real) -> real =\n  let s = x + y in\n  let d = s * s in\n  d + s + d",
        [((1, 2), 21)],
    ),
    "called twice": (
        "def f(a: int, b: int) -> int =\n  a * 2 - b\n"
        "def p(a: int, b: int) -> int =\n  f(f(b, a), a) + f(a, 1)",
        [((1, 5), 18)],
    ),
    "mapped": (
        "def p(x: real[3], y: real) -> real =\n  sum(map((v: real) -> max(v - y, 0.0), x))",
        [(((1, 2, 5), 2), 3)],
    ),
    "zipped": (
        "def p(x: int[3], y: int[3]) -> int[3] =\n"
        "  zip_with((a: int, b: int) -> if a > b then a else -b, x, y)",
        [(((1, 2, 3), (3, 2, 1)), (-3, -2, 3))],
    ),
    "Horner": (
        "def p(c: real[3], x: real) -> real =\n  reduce((s: real, a: real) -> s * x + a, 0.0, c)",
        [(((1, 2, 3), 2), 11)],
    ),
    "affine layer": (
        "def p(x: real[2]) -> real[2] =\n  relu(affine([[1.0, -1.0], [0.5, 2.0]], x, [0.0, -3.0]))",
        [(((3, 1),), (2, HALF))],
    ),
    "digit sum": (
        "def p(n: int) -> int =\n  sum(digits(n, 10, 3))",
        [((123,), 6), ((990,), 18)],
    ),
    "negative floors": (
        "def p(a: int, b: int) -> int =\n  10 * (a // b) + a % b",
        [((7, 2), 31), ((-7, 2), -39), ((7, -2), -41), ((-7, -2), 29)],
    ),
    "real floors": (
        "def p(a: real, b: real) -> real =\n  a // b + a % b",
        [((Fraction(7, 2), 2), Fraction(5, 2)), ((Fraction(-7, 2), 2), Fraction(-3, 2))],
    ),
    "rounding": (
        "def p(x: real) -> int =\n  100 * round(x) + 10 * floor(x) + ceil(x)",
        [((Fraction(5, 2),), 223), ((Fraction(-5, 2),), -232), ((Fraction(7, 2),), 434)],
    ),
    "perfect square": (
        "def p(n: int) -> bool =\n  square(isqrt(n)) == n",
        [((49,), True), ((50,), False)],
    ),
    "common divisor": (
        "def p(a: int, b: int) -> int =\n  gcd(a, b)",
        [((12, -18), 6), ((0, 0), 0)],
    ),
    "choice of a category": (
        "def p(k: category(3), x: real) -> real =\n  [1.0, 2.0, 4.0][k] * x",
        [((2, 3), 12), ((0, 3), 3)],
    ),
    "norm": (
        "def p(x: real[2]) -> real =\n  sqrt(square(x[0]) + square(x[1]))",
        [(((3, 4),), 5)],
    ),
    "rank": (
        "def p(x: real[3]) -> int[3] =\n  rank(x)",
        [(((2, 2, 1),), (1, 2, 0))],
    ),
    "xor of vectors": (
        "def p(x: bool[2], y: bool[2]) -> bool[2] =\n  x xor y and true",
        [(((True, False), (True, True)), (False, True))],
    ),
}
TABLE = [
    pytest.param(parse_program(text), inputs, output, id=f"{name} {i}")
    for name, (text, examples) in PROGRAMS.items()
    for i, (inputs, output) in enumerate(examples)
]


def columns_of(shown, inputs):
    kinds = {BOOL: bool, REAL: np.float64}
    return tuple(
        np.array([np.array(value).tolist()], dtype=kinds.get(element(item), np.int64))
        for (_, item), value in zip(shown.main.parameters, inputs, strict=True)
    )


def floats(value):
    return [float(x) for x in leaves(value)]


@pytest.mark.parametrize(("shown", "inputs", "output"), TABLE)
def test_exact(shown, inputs, output):
    assert run_exact(shown, inputs) == output


@pytest.mark.parametrize(("shown", "inputs", "output"), TABLE)
def test_numpy_and_torch(shown, inputs, output):
    columns = columns_of(shown, inputs)
    with np.errstate(all="ignore"):
        assert np.allclose(run(shown, columns)[0].ravel().astype(float), floats(output))
    by_torch = run(shown, tuple(map(torch.from_numpy, columns)), torch)
    assert np.allclose(by_torch[0].double().flatten().numpy(), floats(output))


@pytest.mark.parametrize(("shown", "inputs", "output"), TABLE)
def test_python(shown, inputs, output):
    scope = {}
    exec(to_python(shown), scope)
    arguments = [c[0].tolist() for c in columns_of(shown, inputs)]
    assert np.allclose(np.array(scope["p"](*arguments), float).ravel(), floats(output))


@pytest.mark.parametrize(("shown", "inputs", "output"), TABLE)
def test_z3(shown, inputs, output):
    arguments = variables(shown.main.parameters)
    terms = to_z3(shown, arguments)
    solver = z3.Solver()
    solver.add(*terms.constraints, terms.defined)
    for variable, given in zip(leaves(arguments), leaves(inputs), strict=True):
        solver.add(variable == plain(given))
    solver.push()
    wrong = [plain(x) != t for t, x in zip(leaves(terms.value), leaves(output), strict=True)]
    solver.add(z3.Or(*wrong))
    assert solver.check() == z3.unsat
    solver.pop()
    assert solver.check() == z3.sat


def plain(value):
    return z3.RealVal(str(value)) if isinstance(value, Fraction) else value


@pytest.mark.parametrize(("shown", "inputs", "output"), TABLE)
def test_interval(shown, inputs, output):
    columns = columns_of(shown, inputs)
    names = [name for name, _ in shown.main.parameters]
    points = {n: (c.astype(float), c.astype(float)) for n, c in zip(names, columns, strict=True)}
    low, high = evaluate_boxes(shown, points)
    expected = np.array(floats(output))
    assert (low[0].ravel() <= expected).all() and (expected <= high[0].ravel()).all()
    assert (high - low < 1e-9).all()
    assert well_defined(shown, points).all()
    wide = {
        n: (np.where(c, c - 1, c).astype(float), c + (c.dtype != bool)) for n, c in
        zip(names, columns, strict=True)
    }  # fmt: skip
    low, high = evaluate_boxes(shown, wide)
    assert (low[0].ravel() <= expected).all() and (expected <= high[0].ravel()).all()


@pytest.mark.parametrize(("shown", "inputs", "output"), TABLE)
def test_sympy(shown, inputs, output):
    named = symbols(shown.main.parameters)
    table = {
        s: sympy_value(x)
        for s, x in zip(leaves(tuple(named.values())), leaves(inputs), strict=True)
    }
    for term, expected in zip(leaves(formula(shown, named)), leaves(output), strict=True):
        found = term.subs(table)
        assert (bool(found) if found in (sympy.true, sympy.false) else found) == sympy_value(
            expected
        )


def sympy_value(value):
    if isinstance(value, bool):
        return sympy.true if value else sympy.false
    return sympy.Rational(*Fraction(value).as_integer_ratio())


@pytest.mark.parametrize(("shown", "inputs", "output"), TABLE)
def test_sympy_simplifies_to_the_same(shown, inputs, output):
    shorter = simplify(shown)
    if shorter is not None:
        assert np.allclose(floats(run_exact(shorter, inputs)), floats(output))
        assert shorter.main.parameters == shown.main.parameters


@pytest.mark.parametrize("name", PROGRAMS)
def test_words_and_formulas_are_the_same_each_time(name):
    first, second = (parse_program(PROGRAMS[name][0]) for _ in range(2))
    assert to_english(first) == to_english(second)
    assert to_latex(first) == to_latex(second)
    assert to_english(first).endswith(".") and "{" not in to_english(first)


ENGLISH = {
    "majority": "p(x) is true exactly when how many of x are true is at least 2.",
    "threshold": "p(x) is true exactly when (the square of item 0 of x) plus the square of "
    "item 1 of x is less than 1 and item 0 of x is greater than 0.",
    "shared value": "p(x, y) is d plus s plus d, where s is x plus y, and d is s times s.",
    "called twice": "f(a, b) is a times 2 minus b.\np(a, b) is f(f(b, a), a) plus f(a, 1).",
    "guarded division": "p(x, n) is 0 if n equals 0, otherwise x divided by n.",
}


@pytest.mark.parametrize("name", ENGLISH)
def test_english(name):
    assert to_english(parse_program(PROGRAMS[name][0])) == ENGLISH[name]


def test_english_shortens_tables_and_brackets_what_is_ambiguous():
    table = ", ".join(f"{i}.0" for i in range(20))
    text = f"def p(x: real, k: category(20)) -> real =\n  (x + 1) * [{table}][k] - max(x, 2, 3)"
    shown = parse_program(text)
    constant = prim("item", const(tuple(map(Fraction, range(20)))), var("k", INT))
    assert "(x plus 1) times" in to_english(shown)
    assert "the largest of x, 2 and 3" in to_english(shown)
    words = to_english(program((("k", INT),), constant))
    assert words == "predict(k) is item k of [0, 1, 2, 3, ... 16 more]."


# --- scopes, sharing, guards ----------------------------------------------------------------


def x_plus(other):
    return prim("add", var("s", INT), other)


def test_a_shared_body_under_two_lets_sees_each_value():
    body = x_plus(const(1))
    both = prim("mul", let("s", const(2), body), let("s", var("x", INT), body))
    assert evaluate(both, Exact(), {"x": 10}) == 33


def test_an_inner_let_of_the_same_name_hides_the_outer():
    inner = let("s", x_plus(const(1)), x_plus(var("s", INT)))
    shown = let("s", var("x", INT), x_plus(inner))
    assert evaluate(shown, Exact(), {"x": 5}) == 5 + 6 + 6


def test_a_lambda_sees_its_scope_and_each_of_its_calls():
    item = Vector(INT, (3,))
    inner = function((("v", INT),), prim("mul", var("v", INT), x_plus(const(0))))
    shown = let("s", const(3), prim("map", inner, var("x", item)))
    assert evaluate(shown, Exact(), {"x": (1, 2, 3)}) == (3, 6, 9)


def test_nested_lambdas():
    item = Vector(INT, (2,))
    add = prim("add", var("v", INT), var("w", INT))
    row = prim("sum", prim("map", function((("w", INT),), add), var("x", item)))
    shown = prim("map", function((("v", INT),), row), var("x", item))
    assert evaluate(shown, Exact(), {"x": (1, 10)}) == (13, 31)


def test_deep_and_shared_programs_are_computed_once_per_node():
    x = var("x", INT)
    doubled = x
    for _ in range(200):
        doubled = prim("add", doubled, doubled)
    assert run_exact(program((("x", INT),), doubled), (1,)) == 2**200
    deep = x
    for _ in range(5000):
        deep = prim("add", prim("neg", deep), const(1))
    assert run_exact(program((("x", INT),), deep), (7,)) == 7
    lets = var("s2999", INT)
    for i in reversed(range(3000)):
        lets = let(f"s{i}", prim("add", var(f"s{i - 1}", INT) if i else x, const(1)), lets)
    assert run_exact(program((("x", INT),), lets), (0,)) == 3000


def test_z3_terms_of_shared_nodes_stay_shared():
    shared = var("x", REAL)
    for _ in range(60):
        shared = prim("add", shared, shared)
    shown = program((("x", REAL),), shared)
    (x,) = variables(shown.main.parameters)
    solver = z3.Solver()
    solver.add(x == 1, to_z3(shown, (x,)).value != 2**60)
    assert solver.check() == z3.unsat


DEFINED = [
    ("if n == 0 then 0.0 else x / n", True),
    ("if n > 3 then 0.0 else x / n", False),
    ("if n != 0 then x / n else 1.0", True),
    ("if not (n == 0) and x / n > 1 then 1.0 else 0.0", True),
    ("if x / n > 1 and not (n == 0) then 1.0 else 0.0", False),
    ("if n == 0 or x / n > 1 then 1.0 else 0.0", True),
    ("let s = x / n in if n == 0 then 0.0 else s", False),
    ("sqrt(square(x) + 1)", True),
    ("sqrt(square(x) - 1)", False),
    ("[1.0, 2.0, 3.0][n % 3]", True),
    ("[1.0, 2.0, 3.0][n % 4]", False),
    ("sum(map((v: real) -> v / n, [x, 1.0]))", False),
    ("sum(map((v: real) -> if n == 0 then v else v / n, [x, 1.0]))", True),
]


@pytest.mark.parametrize(("text", "everywhere"), DEFINED)
def test_where_a_program_is_defined(text, everywhere):
    """z3 decides it; intervals never claim it wrongly, and on points they are right."""
    shown = parse_program(f"def p(x: real, n: int) -> real =\n  {text}\n")
    arguments = variables(shown.main.parameters)
    terms = to_z3(shown, arguments)
    solver = z3.Solver()
    solver.add(*terms.constraints, z3.Not(terms.defined))
    assert (solver.check() == z3.unsat) == everywhere
    grid = np.array([(a, b) for a in (-2.0, 0.0, 0.5, 2.0) for b in range(-3, 5)])
    points = {"x": (grid[:, 0], grid[:, 0]), "n": (grid[:, 1], grid[:, 1])}
    assert well_defined(shown, points).tolist() == [defined_at(shown, (a, int(b))) for a, b in grid]
    box = {"x": (np.array([-2.0]), np.array([2.0])), "n": (np.array([-3]), np.array([4]))}
    assert not well_defined(shown, box).all() or everywhere


def defined_at(shown, point):
    try:
        run_exact(shown, point)
    except Undefined:
        return False
    except Unsupported:
        return True
    return True


def test_intervals_split_on_conditions_and_handle_the_unbounded():
    shown = parse_program("def p(x: real) -> real =\n  if x > 0 then exp(x) else 1 / x\n")
    ends = {"x": (np.array([-2.0, 1.0, -np.inf]), np.array([-1.0, 2.0, np.inf]))}
    low, high = evaluate_boxes(shown, ends)
    assert low[0] <= -1 <= high[0] < -0.49 and np.e - 1e-9 < low[1] < high[1] < 7.4
    assert low[2] == -np.inf and high[2] == np.inf
    assert well_defined(shown, ends).tolist() == [True, True, False]


def test_intervals_reject_boxes_that_are_none():
    shown = parse_program("def p(x: real, n: int) -> real =\n  x + n\n")
    good = (np.zeros(1), np.ones(1))
    for bad in [(np.ones(1), np.zeros(1)), (np.array([np.nan]), np.ones(1)), (good[0], np.ones(2))]:
        with pytest.raises(TypeMismatch):
            evaluate_boxes(shown, {"x": bad, "n": good})
    with pytest.raises(TypeMismatch):
        evaluate_boxes(shown, {"x": good})
    with pytest.raises(TypeMismatch):
        evaluate_boxes(shown, {"x": good, "n": (np.array([0.2]), np.array([0.8]))})


def test_waves_over_whole_turns():
    shown = parse_program("def p(x: real) -> real =\n  sin(x)\n")
    starts = np.linspace(-20, 20, 400)
    for width in (0.0, 0.3, 2.0, 7.0):
        low, high = evaluate_boxes(shown, {"x": (starts, starts + width)})
        inside = np.sin(starts[:, None] + width * np.linspace(0, 1, 50))
        assert (low[:, None] <= inside).all() and (inside <= high[:, None]).all()
        assert (low >= inside.min(1) - 0.02 * (width > 0) - 1e-14).all()
    low, high = evaluate_boxes(shown, {"x": (np.array([1e9]), np.array([1e9]))})
    assert (low, high) == (-1, 1)


def test_functions_that_an_algebra_lacks_are_named():
    shown = parse_program("def p(x: real) -> real =\n  sin(x)\n")
    with pytest.raises(Unsupported, match="sin"):
        to_z3(shown, variables(shown.main.parameters))
    with pytest.raises(Unsupported, match="sin"):
        run_exact(shown, (1,))


def test_exact_refuses_what_is_no_argument():
    shown = parse_program("def p(n: int, k: category(3)) -> int =\n  n + index(k)\n")
    assert run_exact(shown, (2, 1)) == 3
    with pytest.raises(TypeMismatch):
        run_exact(shown, (0.5, 1))
    with pytest.raises(TypeMismatch):
        run_exact(shown, (1, 3))


def test_sympy_is_natural_and_finds_short_forms():
    shown = parse_program(
        "def p(x: real, y: real) -> real =\n  max(x, y) + x * 0.5 - x / 2 + abs(y) * sigmoid(x)\n"
    )
    assert str(to_sympy(shown)) == "Max(x, y) + Abs(y)/(1 + exp(-x))"
    shorter = simplify(shown)
    assert shorter is not None and "sigmoid(x)" in str(shorter)
    logical = parse_program("def p(a: bool, b: bool) -> bool =\n  a and b or a and not b\n")
    assert str(simplify(logical)) == "def p(a: bool, b: bool) -> bool =\n  a\n"
    assert simplify(parse_program("def p(a: bool) -> bool =\n  a\n")) is None


def test_from_sympy_says_what_it_cannot():
    x = sympy.Symbol("x", real=True)
    parameters = (("x", REAL),)
    assert repr(from_sympy(sympy.Max(0, x) + x**2, parameters)) == "square(x) + relu(x)"
    for strange in (sympy.gamma(x), x**x, sympy.Symbol("y"), sympy.zoo, x ** sympy.Rational(1, 3)):
        with pytest.raises(Unsupported):
            from_sympy(strange, parameters)


CONDITIONS_OF_TRUTHS = [
    "rank(as_int(x))[1]",
    "if as_int(x[0]) <= as_int(x[1]) then 1 else 0",
    "if count(x) > 1 then 1 else 0",
    "if count(x) % 2 == as_int(x[1]) then 2 else count(x)",
    "if (if x[0] then n else -n) < 1 then n else as_int(x[2])",
    "if as_int(x[0]) < n or not (as_int(x[1]) + n > 1) then as_int(x[0]) else n",
]


@pytest.mark.parametrize("text", CONDITIONS_OF_TRUTHS)
def test_sympy_decides_on_truths_as_numbers_as_the_program_does(text):
    shown = parse_program(f"def p(x: bool[3], n: int) -> int =\n  {text}\n")
    named = symbols(shown.main.parameters)
    term = formula(shown, named)
    for truths in product((False, True), repeat=3):
        for number in (-2, 0, 1, 3):
            table = dict(zip(named["x"], map(sympy_value, truths), strict=True))
            found = sympy.sympify(term).subs(table | {named["n"]: number})
            assert found == run_exact(shown, (truths, number)), (truths, number)


def test_sympy_counts_many_truths_in_a_condition_without_trying_all_of_them():
    shown = parse_program("def p(x: bool[10]) -> int =\n  if count(x) > 7 then 1 else 0\n")
    named = symbols(shown.main.parameters)
    term = formula(shown, named)
    for missing in (2, 3):
        table = {s: sympy_value(i >= missing) for i, s in enumerate(named["x"])}
        assert term.subs(table) == int(missing == 2)


@pytest.mark.parametrize("power", [0, 1, 4730, 4731, 9999])
def test_z3_is_given_numbers_of_any_length(power):
    value = (-7) ** power
    digits = decimal(value)
    pieces = re.findall(r"\d{1,1000}", digits)
    read = reduce(lambda total, piece: total * 10 ** len(piece) + int(piece), pieces, 0)
    assert (-read if digits.startswith("-") else read) == value
    shown = program((("n", INT),), prim("add", var("n", INT), const(value)))
    solver = z3.Solver()
    solver.add(to_z3(shown, (z3.IntVal(1),)).value <= z3.IntVal(digits))
    assert solver.check() == z3.unsat


PYTHON_IN_BRACKETS = {
    "int[4] = concat(if c then x else y, y)": "(x if c else y) + y",
    "int[6] = concat(x, concat(y, if c then x else y))": "x + y + (x if c else y)",
    "int = index(category(x[0] + 1, 9)) * 2": "(x[0] + 1) * 2",
    "int = index(category(x[0] + 1, 9)) - x[1]": "x[0] + 1 - x[1]",
}


@pytest.mark.parametrize("text", PYTHON_IN_BRACKETS)
def test_python_brackets_what_binds_less_tightly(text):
    shown = parse_program(f"def p(c: bool, x: int[2], y: int[2]) -> {text}")
    assert to_python(shown).endswith(f"    return {PYTHON_IN_BRACKETS[text]}\n")


def test_latex_of_hostile_names_and_shapes():
    names = ("__", "a_b", "lambda_", "alpha")
    body = prim("add", *(var(n, REAL) for n in names))
    shown = program(tuple((n, REAL) for n in names), body)
    assert r"\mathrm{a\_b}" in to_latex(shown) and r"\mathrm{\_\_}" in to_latex(shown)
    matrix = parse_program("def p(x: real[2]) -> real[2,2] =\n  [x, reverse(x)]\n")
    assert to_latex(matrix).count("&") == 2


def test_calls_inside_expressions_find_their_definitions():
    shown = parse_program("def f(a: int) -> int =\n  a * 2\ndef p(a: int) -> int =\n  f(a)\n")
    expression = prim("add", call("f", (const(4),), INT), const(1))
    assert evaluate(expression, Exact(), {}, shown.definitions) == 9


@pytest.mark.parametrize("comparison", ["<", "<=", "=="])
def test_sympy_compares_truths_as_numbers(comparison):
    text = f"as_int(as_int(a) {comparison} as_int(b)) + as_int(a)"
    shown = parse_program(f"def predict(a: bool, b: bool) -> int =\n  {text}\n")
    named = symbols(shown.main.parameters)
    for a in (False, True):
        for b in (False, True):
            values = {named["a"]: sympy.sympify(a), named["b"]: sympy.sympify(b)}
            assert formula(shown, named).subs(values) == run_exact(shown, (a, b))


def test_a_matrix_of_truths_is_no_matrix():
    with pytest.raises(ParseError, match="takes numbers"):
        parse("affine([[p]], [p], [p])", {"p": BOOL})


def test_choices_that_are_joined_stand_in_brackets():
    shown = parse_program(
        "def predict(x: bool, v: bool[1]) -> bool[2] =\n"
        "  not concat(if x then v else [x], if x then [x] else v)\n"
    )
    source = to_python(shown)
    assert "[not w for w in (v if x else [x]) + ([x] if x else v)]" in source
    scope: dict = {}
    exec(source, scope)
    assert scope["predict"](True, [False]) == [True, False]
    assert scope["predict"](False, [True]) == [True, False]
