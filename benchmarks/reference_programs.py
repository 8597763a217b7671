"""What a Boolean program is measured against: the shorter of two references, in bits.

One is written by hand in the language, the other is the smallest sum of products
(Quine-McCluskey with a minimal cover, per output bit) written in the language.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from benchmarks import columns as batches
from benchmarks.boolean_reference import minimise
from benchmarks.task import Columns, Task, as_float
from benchmarks.tasks import BY_NAME
from dsl.cost import program_bits
from dsl.domain_text import parse_domain
from dsl.program import Program, program
from dsl.text import parse
from dsl.types import Vector

BY_HAND = {
    "majority5": "count(x) > 2",
    "majority7": "count(x) > 3",
    "majority9": "count(x) > 4",
    "at_least_two6": "count(x) > 1",
    "exactly_two5": "count(x) == 2",
    "xor2": "a xor b",
    "parity4_0123": "x[0] xor x[1] xor x[2] xor x[3]",
    "parity6_025": "x[0] xor x[2] xor x[5]",
    "parity8_1346": "x[1] xor x[3] xor x[4] xor x[6]",
    "parity10_03579": "x[0] xor x[3] xor x[5] xor x[7] xor x[9]",
    "mux3": "if s then a else b",
    "mux6": "d[number(s, 2)]",
    "palindrome6": "same(x, reverse(x))",
    "palindrome8": "same(x, reverse(x))",
    "palindrome10": "same(x, reverse(x))",
    "less3": "number(a, 2) < number(b, 2)",
    "less4": "number(a, 2) < number(b, 2)",
    "equal4": "same(a, b)",
    "add2": "bits(number(a, 2) + number(b, 2), 3)",
    "add3": "bits(number(a, 2) + number(b, 2), 4)",
    "multiply2x2": "bits(number(a, 2) * number(b, 2), 4)",
    "multiply3x2": "bits(number(a, 2) * number(b, 2), 5)",
}
"""By task; the random formulas are written out by the tasks themselves."""


def by_hand(task: Task) -> Program:
    """The reference that a person wrote."""
    return _program(task, BY_HAND.get(task.name, task.reference))


def sum_of_products(task: Task) -> Program:
    """The smallest sum of products of every output bit."""
    columns: Columns = batches.enumerate_all(task.inputs)
    table = as_float(task.truth(columns)) > 0.5
    names = _leaves(task)
    written = [_formula(table[:, k], names) for k in range(table.shape[1])]
    vector = "[" in task.outputs
    return _program(task, f"[{', '.join(written)}]" if vector else written[0])


@cache
def reference_bits(name: str) -> float:
    """Bits of the shorter reference of a Boolean task."""
    task = BY_NAME[name]
    return min(program_bits(by_hand(task)), program_bits(sum_of_products(task)))


def _program(task: Task, text: str) -> Program:
    domain = parse_domain(task.inputs)
    return program(domain.parameters, parse(text, dict(domain.parameters)))


def _leaves(task: Task) -> list[str]:
    found = []
    for name, item in parse_domain(task.inputs).parameters:
        width = item.shape[0] if isinstance(item, Vector) else 0
        found += [f"{name}[{i}]" for i in range(width)] or [name]
    return found


def _formula(table: NDArray[np.bool_], names: list[str]) -> str:
    cubes = [_term(cube, names) for cube in minimise(table).cubes]
    return " or ".join(f"({c})" for c in cubes) or "false"


def _term(cube: tuple[bool | None, ...], names: list[str]) -> str:
    signs = [(name, sign) for name, sign in zip(names, cube, strict=True) if sign is not None]
    return " and ".join(name if sign else f"not {name}" for name, sign in signs) or "true"
