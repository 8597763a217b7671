"""How fast the bank enumerates and solves, beside a plain enumerator and pyoperon.

    python benchmarks/search_speed.py [--targets 50] [--limit 3]

Rates are candidates per second of processor time of one core, deduplicated, with key,
operation and arguments of every new behaviour kept. Each row starts from a bank of real
behaviours (what + - * / max min ... make of x, y, z, 1, 2), so that duplicates are as
common as in a search; "new" is the share of candidates that are kept.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import ctypes
import time
from collections.abc import Callable, Sequence

import numpy as np
from search_operations import BOOLEAN, MIX, leaves
from search_rivals import operon_solver, plain_solver
from search_targets import SEED, Hidden, hidden_targets, is_solution, our_solver

from distill.synthesize.bank import Bank, Leaf, Operation, grow, start

BANK_SIZE = 2000
REPEATS = 3


def main() -> None:
    """Print the tables."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--targets", type=int, default=50)
    options.add_argument("--limit", type=float, default=3.0, help="seconds per target and method")
    given = options.parse_args()
    keep_memory()
    print(f"memory bandwidth (copy, read + write): {copy_bandwidth():.1f} GB/s")
    print_number_rates()
    print_bool_rates()
    print_solving(given.targets, given.limit)


def keep_memory() -> None:
    """Let glibc keep freed memory: some virtual machines are very slow to hand out new pages."""
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
        for parameter in (-1, -3):  # M_TRIM_THRESHOLD, M_MMAP_THRESHOLD
            mallopt(parameter, 2**31 - 1)
    except OSError:
        pass
    np.ones(1 << 27)


def copy_bandwidth() -> float:
    """GB/s read plus written by a large numpy copy, best of a few."""
    source = np.ones(1 << 25)
    target = np.empty_like(source)
    return 2 * source.nbytes / least_seconds(lambda: np.copyto(target, source), 7) / 1e9


def least_seconds(run: Callable[[], object], repeats: int = REPEATS) -> float:
    """Least processor time of several runs."""
    found = []
    for _ in range(repeats):
        before = time.process_time()
        run()
        found.append(time.process_time() - before)
    return min(found)


def as_leaves(bank: Bank, count: int) -> list[Leaf]:
    """The first numbers of a bank as leaves of cost 1."""
    return [Leaf(str(k), "number", row) for k, row in enumerate(bank.number.values[:count])]


def print_rate(name: str, bank: Bank, operations: Sequence[Operation], cost: int) -> None:
    """One row: growing the bank up to a cost."""
    grown: list[Bank] = []

    def run() -> None:
        grown[:] = [grow(bank, operations, cost, materialise_last=False)]

    seconds = least_seconds(run)
    steps = grown[0].steps - bank.steps
    kept = sum(len(grown[0].entries(t)) - len(bank.entries(t)) for t in ("number", "bool"))
    print(f"{name:<44}{steps / 1e6:9.1f} M{steps / seconds / 1e6:9.1f} M/s{kept / steps:8.0%}")


def print_number_rates() -> None:
    """Rates at 64 numeric examples, by operation and for the mix."""
    print(f"\n{'64 numeric examples':<44}{'candidates':>11}{'rate':>13}{'new':>8}")
    pool = as_leaves(grow(start(leaves(64)), MIX, 5), BANK_SIZE)
    for operation in MIX:
        if len(operation.arguments) == 2:
            print_rate(operation.name, start(pool), [operation], 3)
    print_rate("mix: " + " ".join(one.name for one in MIX), start(pool), MIX, 3)
    print_rate("mix from x y z 1 2, costs 1 to 8, with values", start(leaves(64)), MIX, 8)


def print_bool_rates() -> None:
    """Rates on truth tables: a space that is full, and growing ones of one word and of four."""
    print(f"\n{'and or xor not on truth tables':<44}{'candidates':>11}{'rate':>13}{'new':>8}")
    for inputs, before, cost in ((4, 15, 17), (5, 11, 12), (6, 9, 11), (6, 11, 12), (8, 8, 9)):
        bank = grow(start(bits(inputs)), BOOLEAN, before)
        name = f"{inputs} inputs, {bank.examples} examples, cost {before + 1} to {cost}"
        print_rate(name, bank, BOOLEAN, cost)


def bits(inputs: int) -> list[Leaf]:
    """The inputs as leaves on all their combinations; 64 examples at least, some twice then."""
    rows = np.arange(max(64, 1 << inputs))[:, None] >> np.arange(inputs) & 1
    return [Leaf(f"b{k}", "bool", rows[:, k] == 1) for k in range(inputs)]


def print_solving(count: int, limit: float) -> None:
    """Solved hidden targets and seconds, ours and others'."""
    targets = hidden_targets(count)
    sizes = f"{min(t.nodes for t in targets)} to {max(t.nodes for t in targets)} nodes"
    print(f"\n{count} random hidden targets of {sizes}, seed {SEED}, at most {limit:g} s each")
    print(f"{'method':<44}{'solved':>8}{'median s':>10}{'total s':>10}")
    for name, solver in (
        ("bank and lookup", our_solver),
        ("plain Python enumerator", plain_solver),
        ("pyoperon", operon_solver()),
    ):
        if solver is None:
            print(f"{name:<44}   is not installed")
        else:
            print_solver(name, solver, targets, limit)


def print_solver(name: str, solver: Callable, targets: list[Hidden], limit: float) -> None:
    """One row: how many targets a method finds; unsolved ones count with the time they took."""
    seconds, solved = [], 0
    for target in targets:
        before = time.perf_counter()
        found = solver(target, limit)
        seconds.append(time.perf_counter() - before)
        solved += found is not None and is_solution(found, target)
    row = f"{solved:>5}/{len(targets)}{np.median(seconds):10.2f}{sum(seconds):10.1f}"
    print(f"{name:<44}{row}", flush=True)


if __name__ == "__main__":
    main()
