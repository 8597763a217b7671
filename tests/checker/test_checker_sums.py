"""Exact sums: what is equal by the laws of addition has one form, what isn't has another."""

from fractions import Fraction
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distill.checker.sums import Sum, Sums
from dsl.algebra import Unsupported

HALF = Fraction(1, 2)


def start() -> tuple[Sums, Sum, Sum]:
    ops = Sums()
    return ops, ops.atom("x"), ops.atom("y")


def started_with_truths() -> tuple[Sums, Sum, Sum, Sum, Sum]:
    ops, x, y = start()
    return ops, x, y, ops.atom("p", truth=True), ops.atom("q", truth=True)


def written(ops: Sums, value: Sum) -> str:
    """A sum with its atoms spelled out, in the order in which they were made."""
    return _written(ops, value.key)


def _written(ops: Sums, key: tuple) -> str:
    names = {number: named for named, number in ops.atoms.items()}
    terms, constant = key
    parts = []
    for number, weight in terms:
        name, *arguments = names[number]
        inner = ", ".join(_written(ops, a) for a in arguments)
        atom = f"{name}({inner})" if arguments else name
        parts.append(atom if weight == 1 else f"{weight} {atom}")
    return " + ".join([*parts, str(constant)] if constant or not parts else parts)


def test_a_plain_value_is_a_sum_without_atoms():
    ops = Sums()
    for value, constant, truth in [(HALF, HALF, False), (3, 3, False), (True, 1, True)]:
        found = ops.term(value)
        assert (found.terms, found.constant, found.truth) == ({}, constant, truth)
        assert ops.is_truth(found) is truth
        assert ops.is_truth(value) is truth
    assert ops.term(False).constant == 0
    made = ops.atom("x")
    assert ops.term(made) is made


def test_what_is_neither_a_truth_nor_a_sum_is_no_truth():
    assert Sums().is_truth("x") is False
    assert Sums().is_truth(1) is False


def test_a_function_of_the_same_values_is_the_same_atom():
    ops, x, y = start()
    assert (x.terms, x.constant, x.truth) == ({0: 1}, 0, False)
    assert (y.terms, y.constant, y.truth) == ({1: 1}, 0, False)
    assert ops.atom("x").key == x.key
    assert ops.atom("x", 1).key != x.key
    assert ops.atom("sin", x).key == ops.atom("sin", x).key
    assert ops.atom("sin", x).key != ops.atom("cos", x).key
    assert ops.atom("sin", x).key != ops.atom("sin", y).key
    assert ops.atom("sin", ops.add(x, HALF)).key != ops.atom("sin", x).key
    assert len(ops.atoms) == 7
    assert ops.atom("p", truth=True).truth is True


@pytest.mark.parametrize("name", ["mul", "max", "min", "equal", "both", "either"])
def test_the_order_of_two_values_does_not_count_where_they_are_alike(name):
    ops, x, y = start()
    assert ops.atom(name, x, y).key == ops.atom(name, y, x).key
    assert ops.atom(name, x, y).key != ops.atom(name, x, x).key


@pytest.mark.parametrize("name", ["greater", "pow", "relu_change", "choose"])
def test_the_order_of_two_values_counts_elsewhere(name):
    ops, x, y = start()
    assert ops.atom(name, x, y).key != ops.atom(name, y, x).key


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.sampled_from("xy1"), st.integers(-3, 3)), max_size=8), st.integers(0))
def test_sums_are_equal_however_they_are_added_up(parts, seed):
    ops, x, y = start()
    random = Random(seed)
    units = {"x": x, "y": y, "1": ops.term(HALF)}

    def total(items: list) -> Sum:
        if len(items) < 2:
            return ops.mul(items[0][1], units[items[0][0]]) if items else ops.term(0)
        cut = random.randint(1, len(items) - 1)
        return ops.add(total(items[:cut]), total(items[cut:]))

    counts = {unit: sum(times for name, times in parts if name == unit) for unit in units}
    expected = {number: counts[name] for number, name in enumerate("xy") if counts[name]}
    shuffled = random.sample(parts, len(parts))
    for found in (total(parts), total(shuffled)):
        assert (found.terms, found.constant) == (expected, HALF * counts["1"])
        assert found.key == total(shuffled).key


def test_parts_are_weighed_and_what_cancels_is_gone():
    ops, x, y = start()
    z = ops.combined([(Fraction(2), x), (Fraction(3), y), (HALF, ops.add(x, 5))], Fraction(7))
    assert (z.terms, z.constant, z.truth) == ({0: Fraction(5, 2), 1: 3}, Fraction(19, 2), False)
    gone = ops.combined([(Fraction(2), x), (Fraction(-2), x)], Fraction(7))
    assert (gone.terms, gone.constant) == ({}, 7)


def test_addition_subtraction_and_the_opposite_take_sums_apart():
    ops, x, y = start()
    z, w = ops.add(x, 3), ops.add(ops.add(x, y), HALF)
    assert written(ops, z) == "x + 3"
    assert written(ops, w) == "x + y + 1/2"
    assert written(ops, ops.add(z, w)) == "2 x + y + 7/2"
    assert written(ops, ops.sub(z, w)) == "-1 y + 5/2"
    assert written(ops, ops.sub(x, y)) == "x + -1 y"
    assert written(ops, ops.sub(z, z)) == "0"
    assert written(ops, ops.neg(w)) == "-1 x + -1 y + -1/2"


def test_products_with_constants_are_sums():
    ops, x, y = start()
    z = ops.add(x, 3)
    assert written(ops, ops.mul(HALF, z)) == "1/2 x + 3/2"
    assert written(ops, ops.mul(z, HALF)) == "1/2 x + 3/2"
    assert written(ops, ops.mul(ops.term(2), ops.term(5))) == "10"
    assert written(ops, ops.mul(z, y)) == "mul(x + 3, y)"
    assert ops.mul(y, z).key == ops.mul(z, y).key
    assert written(ops, ops.square(z)) == "mul(x + 3, x + 3)"
    assert written(ops, ops.square(ops.term(3))) == "9"


def test_quotients_by_constants_are_sums():
    ops, x, y = start()
    assert written(ops, ops.div(ops.add(x, 3), 2)) == "1/2 x + 3/2"
    assert written(ops, ops.div(x, y)) == "mul(x, reciprocal(y))"
    assert written(ops, ops.div(6, y)) == "6 reciprocal(y)"
    assert written(ops, ops.div(x, ops.add(y, 1))) == "mul(x, reciprocal(y + 1))"
    assert written(ops, ops.div(x, 0)) == "mul(x, reciprocal(0))"
    assert written(ops, ops.div(3, 0)) == "3 reciprocal(0)"


def test_whole_parts_and_remainders_go_by_the_floor():
    ops, x, y = start()
    assert written(ops, ops.floor(x)) == "floor(x)"
    assert written(ops, ops.floordiv(x, 2)) == "floor(1/2 x)"
    assert written(ops, ops.floordiv(x, y)) == "floor(mul(x, reciprocal(y)))"
    assert written(ops, ops.mod(ops.add(x, 1), 3)) == "x + -3 floor(1/3 x + 1/3) + 1"
    assert written(ops, ops.mod(7, y)) == "-1 mul(y, floor(7 reciprocal(y))) + 7"


def test_a_maximum_with_zero_is_a_relu_and_no_other_is():
    ops, x, y = start()
    assert written(ops, ops.maximum(x, 0)) == "relu(x)"
    assert written(ops, ops.maximum(0, ops.add(x, 2))) == "relu(x + 2)"
    assert written(ops, ops.maximum(x, y)) == "max(x, y)"
    assert written(ops, ops.maximum(x, 1)) == "max(1, x)"
    assert written(ops, ops.maximum(-1, x)) == "max(-1, x)"
    assert written(ops, ops.minimum(x, 0)) == "min(0, x)"
    assert written(ops, ops.minimum(y, x)) == "min(x, y)"


def test_comparisons_are_truths():
    ops, x, y = start()
    for found, expected in [
        (ops.less(x, y), "greater(y, x)"),
        (ops.less(x, 2), "greater(2, x)"),
        (ops.less_equal(x, y), "-1 greater(x, y) + 1"),
        (ops.equal(y, x), "equal(x, y)"),
    ]:
        assert written(ops, found) == expected
        assert ops.is_truth(found) is True


def test_truths_are_joined_as_truths():
    ops, _, _, p, q = started_with_truths()
    for found, expected in [
        (ops.both(q, p), "both(p, q)"),
        (ops.either(q, p), "either(p, q)"),
        (ops.negate(p), "-1 p + 1"),
        (ops.negate(ops.negate(p)), "p"),
    ]:
        assert written(ops, found) == expected
        assert ops.is_truth(found) is True
    assert ops.both(True, p) is p
    assert ops.both(p, False) is False
    assert ops.is_truth(ops.sub(p, q)) is False


def test_a_choice_between_values_a_constant_apart_is_a_sum():
    ops, x, y, p, q = started_with_truths()
    assert written(ops, ops.choose(p, 1, 0)) == "p"
    assert written(ops, ops.choose(p, -2, 5)) == "-7 p + 5"
    assert written(ops, ops.choose(p, ops.add(x, 3), x)) == "x + 3 p"
    assert written(ops, ops.choose(p, ops.add(x, y), ops.add(y, x))) == "x + y"
    assert written(ops, ops.choose(ops.negate(p), 0, 4)) == "4 p"
    assert written(ops, ops.choose(p, x, y)) == "choose(p, x, y)"
    assert written(ops, ops.choose(p, y, x)) == "choose(p, y, x)"
    assert ops.is_truth(ops.choose(p, x, y)) is False
    assert ops.is_truth(ops.choose(p, q, p)) is True


def test_named_functions_are_atoms():
    ops, x, _ = start()
    for name in ("sqrt", "exp", "log", "sin", "cos", "tanh", "sigmoid", "erf"):
        assert written(ops, ops.function(name, x)) == f"{name}(x)"
    assert ops.function("sqrt", 4) == 2
    assert written(ops, ops.function("sqrt", 2)) == "sqrt(2)"
    assert sorted(ops.spellings) == ["abs", "round", "sign"]
    for name, spelling in ops.spellings.items():
        assert written(ops, spelling(x)) == f"{name}(x)"
    with pytest.raises(Unsupported, match="gamma has no exact sum"):
        ops.function("gamma", x)
