"""Every primitive of the registry: all its meanings agree on random well-typed arguments."""

import numpy as np
import pytest
import sympy
import torch
import z3
from typed_arguments import cases, draw_columns, nested, values

from dsl import primitives as _vocabulary  # noqa: F401 (fills the registry)
from dsl.algebra import Undefined, Unsupported, leaves
from dsl.meanings.array import run
from dsl.meanings.exact import run_exact
from dsl.meanings.from_sympy import from_sympy
from dsl.meanings.interval import evaluate_boxes, well_defined
from dsl.meanings.python import to_python
from dsl.meanings.sympy_ import formula, symbols
from dsl.meanings.z3_ import category_bounds, to_z3, variables
from dsl.primitive import REGISTRY
from dsl.program import const, prim, program, var
from dsl.types import BOOL, INT, Category, Vector, element

ROWS = 16
NAMES = sorted(REGISTRY)
ROUNDING = 1e-9


def exact_rows(case, columns):
    """(row, exact result or None where it isn't rational) of the rows where it is defined."""
    found = []
    for row in range(len(columns[0])):
        try:
            found.append((row, run_exact(case.program, values(columns, row))))
        except Undefined:
            continue
        except Unsupported:
            found.append((row, None))
    return found


def positive(columns):
    return tuple(c if c.dtype == bool else np.abs(c) + 1 for c in columns)


def defined(case):
    """Columns of rows on which the program is defined, and the exact results."""
    columns = draw_columns(case, ROWS, 0)
    rows = exact_rows(case, columns)
    if not rows:
        columns = positive(columns)
        rows = exact_rows(case, columns)
    assert rows, case.name
    kept = [row for row, _ in rows]
    return tuple(c[kept] for c in columns), [result for _, result in rows]


def close(found, expected):
    found, expected = np.asarray(found), np.asarray(expected)
    if found.dtype == bool or np.issubdtype(found.dtype, np.integer):
        return bool((found == expected).all())
    return np.allclose(found, expected.astype(float), rtol=ROUNDING, atol=ROUNDING)


def floats(value):
    return np.array([float(x) for x in leaves(value)])


def test_every_primitive_has_signatures_that_are_tried():
    assert [name for name in NAMES if not cases(name)] == []


@pytest.mark.parametrize("name", NAMES)
def test_examples_hold(name):
    for example in REGISTRY[name].examples:
        body = prim(name, *(const(a) for a in example.arguments))
        shown = program((("unused", INT),), body)
        try:
            assert run_exact(shown, (0,)) == example.result
        except Unsupported:
            assert not REGISTRY[name].exact
        for xp in (np, torch):
            result = np.asarray(run(shown, (xp.zeros(1, dtype=xp.int64),), xp))[0]
            assert close(floats(nested(result)), floats(example.result))


@pytest.mark.parametrize("name", NAMES)
def test_numpy_torch_and_exact_agree(name):
    for case in cases(name):
        columns, results = defined(case)
        by_numpy = run(case.program, columns)
        by_torch = run(case.program, tuple(map(torch.from_numpy, columns)), torch)
        assert close(by_torch.numpy(), by_numpy), case.name
        for row, result in enumerate(results):
            if result is not None:
                assert close(floats(nested(by_numpy[row])), floats(result)), (case.name, row)


@pytest.mark.parametrize("name", NAMES)
def test_python_agrees(name):
    for case in cases(name):
        columns, _ = defined(case)
        scope = {}
        exec(to_python(case.program), scope)
        by_numpy = run(case.program, columns)
        for row in range(len(columns[0])):
            arguments = [c[row].tolist() for c in columns]
            found = np.asarray(scope["predict"](*arguments))
            assert np.allclose(found.astype(float), np.asarray(by_numpy[row]).astype(float))


def z3_value(z3_item, value):
    if z3.is_bool(z3_item):
        return z3.BoolVal(value)
    if z3.is_int(z3_item):
        return z3.IntVal(value)
    top, bottom = float(value).as_integer_ratio()
    return z3.RealVal(f"{top}/{bottom}")


@pytest.mark.parametrize("name", NAMES)
def test_z3_agrees(name):
    for case in cases(name):
        columns, results = defined(case)
        arguments = variables(case.program.main.parameters)
        try:
            terms = to_z3(case.program, arguments)
        except Unsupported:
            assert not REGISTRY[name].exact
            return
        for row in range(min(4, len(results))):
            given = zip(leaves(arguments), leaves(values(columns, row)), strict=True)
            facts = [(a, z3_value(a, x)) for a, x in given]
            holds = [z3.substitute(t, *facts) for t in (*terms.constraints, *boolean(terms))]
            if results[row] is None:
                continue
            for term, expected in zip(leaves(terms.value), leaves(results[row]), strict=True):
                assert equals(term, expected, facts, holds), (case.name, row)


def boolean(terms):
    return [] if isinstance(terms.defined, bool) else [terms.defined]


def equals(term, expected, facts, holds):
    """Whether z3 finds the term equal to the value, and that consistent."""
    if isinstance(term, bool | int) or not hasattr(term, "sort"):
        return term == expected
    value = z3.substitute(term, *facts)
    same = value == (expected if z3.is_bool(term) else z3_number(expected))
    solver = z3.Solver()
    solver.set("timeout", 5000)
    solver.add(*holds)
    solver.push()
    solver.add(z3.Not(same))
    refuted = solver.check() == z3.unsat
    solver.pop()
    return refuted and solver.check() == z3.sat


def z3_number(value):
    top, bottom = value.as_integer_ratio()
    return z3.IntVal(top) if bottom == 1 else z3.RealVal(f"{top}/{bottom}")


def test_category_variables_are_bounded():
    parameters = (("c", Category(3)), ("v", Vector(Category(2), (2,))))
    found = variables(parameters)
    solver = z3.Solver()
    solver.add(*category_bounds(parameters, found))
    count = 0
    while solver.check() == z3.sat:
        model = solver.model()
        solver.add(z3.Or(*(x != model.eval(x, True) for x in leaves(found))))
        count += 1
    assert count == 12


def sympy_value(value):
    if isinstance(value, bool):
        return sympy.true if value else sympy.false
    return sympy.Rational(*value.as_integer_ratio())


@pytest.mark.parametrize("name", NAMES)
def test_sympy_agrees_and_maps_back(name):
    for case in cases(name):
        columns, _ = defined(case)
        named = symbols(case.program.main.parameters)
        terms = leaves(formula(case.program, named))
        by_numpy = run(case.program, columns)
        for row in range(min(2, len(columns[0]))):
            given = zip(leaves(tuple(named.values())), leaves(values(columns, row)), strict=True)
            table = {symbol: sympy_value(x) for symbol, x in given}
            for term, expected in zip(terms, leaves(nested(by_numpy[row])), strict=True):
                assert abs(number(term.subs(table)) - float(expected)) < ROUNDING, case.name
        for term in terms:
            check_way_back(case, columns, term)


def number(term):
    if term in (sympy.true, sympy.false):
        return float(bool(term))
    return float(term.evalf(30))


def check_way_back(case, columns, term):
    """What is read back from the formula has the formula's values."""
    try:
        body = from_sympy(term, case.program.main.parameters)
    except Unsupported:
        return
    named = symbols(case.program.main.parameters)
    found = run(program(case.program.main.parameters, body), columns)
    given = zip(leaves(tuple(named.values())), leaves(values(columns, 0)), strict=True)
    expected = number(term.subs({symbol: sympy_value(x) for symbol, x in given}))
    assert abs(float(found[0]) - expected) < ROUNDING


def as_boxes(case, low, high):
    names = [name for name, _ in case.program.main.parameters]
    ends = [(np.minimum(a, b), np.maximum(a, b)) for a, b in zip(low, high, strict=True)]
    return dict(zip(names, ends, strict=True))


def real(columns):
    return tuple(c.astype(float) for c in columns)


@pytest.mark.parametrize("name", NAMES)
def test_intervals_of_points_are_tight(name):
    for case in cases(name):
        columns, results = defined(case)
        low, high = evaluate_boxes(case.program, as_boxes(case, real(columns), real(columns)))
        assert not np.isnan(low).any() and not np.isnan(high).any()
        assert (high - low <= ROUNDING).all(), case.name
        assert well_defined(case.program, as_boxes(case, real(columns), real(columns))).all()
        for row, result in enumerate(results):
            if result is not None:
                for a, b, x in zip(
                    low[row].ravel(), high[row].ravel(), leaves(result), strict=True
                ):
                    assert a <= x <= b  # exact: Python compares a Fraction with a float exactly


@pytest.mark.parametrize("name", NAMES)
def test_intervals_of_boxes_contain_what_is_inside(name):
    random = np.random.default_rng(1)
    for case in cases(name):
        first, second = real(draw_columns(case, 40, 2)), real(draw_columns(case, 40, 3))
        boxes = as_boxes(case, first, second)
        low, high = evaluate_boxes(case.program, boxes)
        sure = well_defined(case.program, boxes)
        assert (low <= high).all()
        for _ in range(4):
            columns = inside(case, boxes, random)
            kept = np.array([row for row, _ in exact_rows(case, columns)], dtype=int)
            assert set(np.flatnonzero(sure)) <= set(kept)
            if len(kept):
                found = run(case.program, tuple(c[kept] for c in columns)).astype(float)
                slack = 1e-9 * np.abs(found) + 1e-12  # of numpy's rounding, not of the bounds
                assert (low[kept] <= found + slack).all(), case.name
                assert (found - slack <= high[kept]).all(), case.name


def inside(case, boxes, random):
    """A random point of every box, often at an end."""
    found = []
    for name, item in case.program.main.parameters:
        low, high = boxes[name]
        share = np.clip(random.uniform(-0.3, 1.3, low.shape), 0, 1)
        value = low + share * (high - low)
        if element(item) == BOOL:
            found.append(value > 0.5)
        elif element(item) == INT or isinstance(element(item), Category):
            found.append(np.round(value).astype(np.int64))
        else:
            found.append(value)
    return tuple(found)


def test_undefined_applications_are_reported_everywhere():
    case = program((("x", INT), ("y", INT)), prim("floordiv", var("x", INT), var("y", INT)))
    with pytest.raises(Undefined):
        run_exact(case, (1, 0))
    ends = {"x": (np.zeros(3), np.ones(3)), "y": (np.array([-1, 0, 1]), np.array([1, 0, 2]))}
    assert well_defined(case, ends).tolist() == [False, False, True]
    low, high = evaluate_boxes(case, ends)
    assert np.isneginf(low[0]) and np.isposinf(high[0])
    x, y = variables(case.main.parameters)
    solver = z3.Solver()
    solver.add(to_z3(case, (x, y)).defined, y == 0)
    assert solver.check() == z3.unsat
