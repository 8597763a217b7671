"""Operations and evaluation for the bank's tests."""

import itertools

import numpy as np

from distill.synthesize.bank import Leaf, Operation, grow, start

NUMBERS = ("number", "number")
BOOLS = ("bool", "bool")

OPERATIONS = {
    operation.name: operation
    for operation in (
        Operation("+", NUMBERS, "number", lambda xp, a, b: a + b, 1, True, kind="add"),
        Operation("-", NUMBERS, "number", lambda xp, a, b: a - b, kind="sub"),
        Operation("*", NUMBERS, "number", lambda xp, a, b: a * b, 1, True, kind="mul"),
        Operation(
            "/", NUMBERS, "number", lambda xp, a, b: a / b, 1, False, lambda xp, a, b: b != 0, "div"
        ),
        Operation("max", NUMBERS, "number", lambda xp, a, b: xp.maximum(a, b), 1, True, kind="max"),
        Operation("min", NUMBERS, "number", lambda xp, a, b: xp.minimum(a, b), 1, True, kind="min"),
        Operation(
            "dist", NUMBERS, "number", lambda xp, a, b: xp.abs(a - b), 1, True, kind="abs_diff"
        ),
        Operation("<", NUMBERS, "bool", lambda xp, a, b: a < b, kind="less"),
        Operation("<=", NUMBERS, "bool", lambda xp, a, b: a <= b, kind="less_equal"),
        Operation("and", BOOLS, "bool", lambda xp, a, b: a & b, 1, True, kind="and"),
        Operation("or", BOOLS, "bool", lambda xp, a, b: a | b, 1, True, kind="or"),
        Operation("xor", BOOLS, "bool", lambda xp, a, b: a ^ b, 1, True, kind="xor"),
        Operation("not", ("bool",), "bool", lambda xp, a: ~a, kind="not"),
        Operation("neg", ("number",), "number", lambda xp, a: -a),
        Operation("sqrt", ("number",), "number", lambda xp, a: xp.sqrt(a), 2, False,
                  lambda xp, a: a >= 0),
        Operation("hypot", NUMBERS, "number", lambda xp, a, b: xp.sqrt(a * a + b * b), 1, True),
        Operation("if", ("bool", *NUMBERS), "number", lambda xp, c, a, b: xp.where(c, a, b),
                  kind="if"),
        Operation("choose", ("bool", *BOOLS), "bool", lambda xp, c, a, b: xp.where(c, a, b),
                  kind="if"),
        Operation("count", BOOLS, "number", lambda xp, a, b: a * 1.0 + b * 1.0, 1, True),
    )
}  # fmt: skip


def some(*names):
    return tuple(OPERATIONS[name] for name in names)


def number_leaves(examples=12, seed=0):
    random = np.random.default_rng(seed)
    named = [Leaf(name, "number", random.normal(size=examples) * 2) for name in "xy"]
    return [*named, Leaf("1", "number", np.ones(examples))]


def bool_leaves(count):
    rows = np.array(list(itertools.product([False, True], repeat=count)))
    return [Leaf(f"b{k}", "bool", rows[:, k]) for k in range(count)]


def grown(leaves, names, cost, **limits):
    return grow(start(leaves), some(*names), cost, **limits)


def run(tree, leaves):
    """Values of a rebuilt expression."""
    if isinstance(tree, str):
        return next(leaf.values for leaf in leaves if leaf.name == tree)
    name, *children = tree
    return OPERATIONS[name].array(np, *(run(child, leaves) for child in children))


def tree_cost(tree):
    if isinstance(tree, str):
        return 1
    return OPERATIONS[tree[0]].cost + sum(tree_cost(child) for child in tree[1:])
