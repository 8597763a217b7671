"""Single examples through program.py and through onnxruntime: which is faster, and by how much."""

from __future__ import annotations

import runpy
import timeit
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.distil_one import NETWORKS
from benchmarks.report import table
from dsl.domain import rows
from dsl.domain_text import parse_domain
from dsl.program import Expression, Prim, Program, walk
from dsl.text import parse_program
from dsl.types import Vector

EXAMPLES = 20
REPEATS = 5
SHORTEST = 0.005
SMALL = 200
"""Operations up to which a program has to be as fast as the network."""
Entry = dict[str, Any]


@dataclass(frozen=True)
class Latency:
    """Microseconds for one example, medians over repeats, and the program's size."""

    name: str
    operations: int
    program: float
    network: float

    @property
    def ratio(self) -> float:
        """Time of the program over time of the network."""
        return self.program / self.network


def operations(program: Program) -> int:
    """Scalar operations: for each primitive the larger of its result and its largest argument."""
    nodes = (n for d in program.definitions for n in walk(d.body))
    return sum(_work(node) for node in nodes if isinstance(node, Prim))


def _work(node: Prim) -> int:
    if node.primitive.name in ("item", "slice", "vector"):
        return 1
    return max(_size(one) for one in (node, *node.children))


def _size(node: Expression) -> int:
    return int(np.prod(node.type.shape)) if isinstance(node.type, Vector) else 1


def latency(entry: Entry, folder: Path) -> Latency | None:
    """Time both on the same random inputs; None where there is no program.py that runs."""
    place = folder / f"{entry['name']}.distilled"
    if not (place / "program.py").exists():
        return None
    domain = parse_domain(entry["inputs"])
    columns = domain.sample(np.random.default_rng(0), EXAMPLES)
    arguments = [plain(domain.row(columns, i)) for i in range(rows(columns))]
    predict = runpy.run_path(str(place / "program.py"))["predict"]
    if not runs(predict, arguments):
        return None
    program = parse_program((place / "program.dsl").read_text(encoding="utf-8"))
    network = onnx_runner(entry, place)
    inputs = [row[None] for row in domain.encode(columns).astype(np.float32)]
    ours = microseconds(lambda: [predict(*some) for some in arguments])
    theirs = microseconds(lambda: [network(some) for some in inputs])
    return Latency(entry["name"], operations(program), ours, theirs)


def runs(predict: Callable[..., Any], arguments: Sequence[Any]) -> bool:
    """Whether a program raises nothing; what it raises is in the table of its family."""
    try:
        for some in arguments:
            predict(*some)
    except Exception:  # whatever a generated program may do
        return False
    return True


def plain(value: Any) -> Any:
    """Tuples as lists below the top, as program.py takes vectors."""
    return tuple(_listed(v) for v in value)


def _listed(value: Any) -> Any:
    return [_listed(v) for v in value] if isinstance(value, tuple | list) else value


def onnx_runner(entry: Entry, place: Path) -> Callable[[np.ndarray], Any]:
    """The original network in a session with one thread; .pt2 files by their saved ONNX form."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    saved = place / "original.onnx"
    written = saved if saved.exists() else place / "network.onnx"
    file = NETWORKS / entry["file"] if entry["file"].endswith(".onnx") else written
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda x: session.run(None, {name: x})


def microseconds(run: Callable[[], object]) -> float:
    """Median over repeats of the time for one of `EXAMPLES` examples."""
    timer = timeit.Timer(run)
    number = 1
    while timer.timeit(number) < SHORTEST:
        number *= 2
    return float(np.median(timer.repeat(REPEATS, number))) / number / EXAMPLES * 1e6


def page(entries: Sequence[Entry], folder: Path, made: str) -> str:
    """Both groups of programs, with how many are not slower than their network."""
    found = [one for e in entries if (one := latency(e, folder)) is not None]
    small = [one for one in found if one.operations <= SMALL]
    large = [one for one in found if one.operations > SMALL]
    missing = f"Timed: {len(found)} of {len(entries)}; the others have no program.py that runs."
    parts = ["# One example: program.py and onnxruntime", made, EXPLANATION, missing]
    parts += [f"## Up to {SMALL} operations", *_group(small)]
    parts += [f"## More than {SMALL} operations", *_group(large)]
    return "\n\n".join(parts) + "\n"


def _group(found: Sequence[Latency]) -> list[str]:
    if not found:
        return ["None."]
    good = sum(one.ratio <= 1 for one in found)
    median = float(np.median([one.ratio for one in found]))
    share = 100 * good / len(found)
    head = ("network", "operations", "program, us", "onnxruntime, us", "ratio")
    rows = [(one.name, one.operations, f"{one.program:.2f}", f"{one.network:.2f}",
             f"{one.ratio:.2f}") for one in sorted(found, key=lambda one: -one.ratio)]  # fmt: skip
    text = f"Not slower: {good} of {len(found)} ({share:.1f} %); median ratio {median:.2f}."
    return [text, table(head, rows)]


EXPLANATION = """\
Time of one `predict(...)` of program.py, checks of the domain included, beside one `run` of an
onnxruntime session with one thread on the original network; the same random inputs, a call for
each, median of repeats. Ratio below 1: the program is faster. Operations are scalar: each primitive
counts with the larger of its result and its largest argument."""
