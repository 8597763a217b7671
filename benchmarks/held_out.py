"""What a program of a real data set is worth on the held-out part, which `distill` never sees."""

from __future__ import annotations

import ast
from typing import Any

import numpy as np

from benchmarks import realdata
from distill.distillation import Distillation
from distill.literal import literal_program
from distill.normal_form import NormalForm
from distill.target import resolve_output
from dsl.cost import program_bits
from dsl.meanings.array import run


def held_out(found: Distillation, entry: dict[str, Any]) -> dict[str, Any]:
    """Right answers of network and program, where only one is right, lines, baseline bits."""
    part = realdata.split(entry["task"], entry["seed"])
    x, labels = part.x_held_out, part.y_held_out
    original = resolve_output(found.original, entry["outputs"]).decode(
        np.asarray(found.original.run(x), dtype=np.float64)
    )
    program = np.asarray(run(found.program, found.domain.decode(x)))
    before, after = original == labels, program == labels
    return {
        "held_out": len(labels),
        "network_right": int(before.sum()),
        "program_right": int(after.sum()),
        "lost": int((before & ~after).sum()),
        "gained": int((after & ~before).sum()),
        "agree": int((original == program).sum()),
        "lines": code_lines(found.source),
        "baseline_bits": baseline_bits(found, entry, part),
    }


def code_lines(source: str) -> int:
    """Lines of code of a module: neither blank, comment, docstring nor domain check."""
    tree = ast.parse(source)
    left_out: set[int] = set()
    for node in ast.walk(tree):
        if _is_text(node) or _is_domain_check(node):
            left_out |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    numbered = enumerate(source.splitlines(), 1)
    return sum(
        n not in left_out and line.strip() != "" and not line.lstrip().startswith("#")
        for n, line in numbered
    )


def _is_text(node: ast.AST) -> bool:
    constant = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return constant and isinstance(node.value.value, str)  # type: ignore[attr-defined]


def _is_domain_check(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and len(node.body) == 1 and isinstance(node.body[0], ast.Raise)


def baseline_bits(found: Distillation, entry: dict[str, Any], part: realdata.Split) -> float | None:
    """Bits of the network after plain pruning and rounding; its own where that finds nothing.

    None where the baseline is not there.
    """
    try:
        from benchmarks.prune_and_round import prune_and_round
    except ImportError:
        return None
    output, form = resolve_output(found.original, entry["outputs"]), found.original.normal_form()

    def accuracy(one: NormalForm) -> float:
        return float((output.decode(one.run(part.x)) == part.y).mean())

    def bits(one: NormalForm) -> float:
        return program_bits(literal_program(one, found.domain, output))

    plain = prune_and_round(form, part.x, accuracy, bits)
    return float(found.evidence.bits["network"] if plain is None else bits(plain))
