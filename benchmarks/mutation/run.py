"""Run the mutants of the bounders, the invariant prover and the checker; write the page.

python -m benchmarks.mutation.run                                  # what is left of all files
python -m benchmarks.mutation.run --files distill/verify/crown.py  # of some
python -m benchmarks.mutation.run --sample 60                      # so many of each file
python -m benchmarks.mutation.run --page                           # the page only
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import Phase, settings

from benchmarks.mutation.mutants import Mutant, mutants_of
from benchmarks.mutation.page import reasons, write
from benchmarks.mutation.session import Forks, Settings, own_tests
from benchmarks.mutation.store import FOLDER, ROOT, add, results

TESTS = ("tests/verify", "tests/checker", "tests/loops")
BOUNDERS = (
    "rounding", "image", "relaxation", "smooth", "crown", "envelope", "split", "decide", "bounds",
    "lockstep", "layers", "ascent", "branching",
)  # fmt: skip
PROVER = (
    "images", "hulls", "cells", "frames", "machine", "linear_loops", "template", "exchange",
    "polytopes",
)  # fmt: skip
_FOLDERS = ("checker_methods", "checker_folder", "checker_proof", "checker_smt", "checker_hostile",
            "phases")  # fmt: skip
"""Tests of whole checks, which reach the files that no test calls by themselves."""
_BY_FOLDERS = (
    "draws", "files", "finding", "folder", "lockstep", "lower", "parts", "phases", "points",
    "proof", "relus", "same", "second", "sides", "sums", "tally", "tuned",
)  # fmt: skip
MORE = {
    **dict.fromkeys(_BY_FOLDERS, _FOLDERS),
    "replay": ("counterexamples", "checker_folder"),
    "cuts": ("checker_tree",),
    "curves": ("checker_smooth", "checker_quick"),
    "layers": ("lockstep",),
    "branching": ("split", "bounds_search"),
    "bounds": ("bounds_search", "bounds_sound"),
    "images": ("checker_frame", "loop_images", "loop_checker"),
    "frames": ("loop_images", "loop_checker"),
    "hulls": ("loop_proofs", "loop_images", "loop_checker", "cells"),
    "cells": ("loop_proofs", "loop_images", "loop_checker"),
    "induction": ("loop_checker",),
    "polytopes": ("loop_polytopes",),
    "template": ("loop_polytopes",),
    "exchange": ("loop_polytopes",),
    "crown": ("loop_polytopes",),
    "machine": ("loop_checker", "loop_proofs"),
    "linear_loops": ("loop_proofs", "loop_reals", "loop_checker"),
    "impulses": ("loop_checker",),
    "real_impulses": ("loop_reals", "loop_checker"),
    "sequences": ("loop_checker", "loop_exceptions"),
    "loops": ("loop_checker",),
    "loop_folder": ("loop_folder_check",),
    "float_states": ("float_states",),
    "unrolled": ("literal_loop", "loop_checker"),
}
"""Tests that are asked beside those named after a file."""


def files(root: Path = ROOT) -> list[str]:
    """The files that are mutated: bounders, invariant prover, checker."""
    checker = sorted(p.name for p in (root / "distill" / "checker").glob("[a-z]*.py"))
    verify = [f"distill/verify/{name}.py" for name in (*BOUNDERS, *PROVER)]
    return verify + [f"distill/checker/{name}" for name in checker]


def main() -> None:
    """Judge every mutant that no test has killed yet; results go on where they stopped."""
    parser = argparse.ArgumentParser(
        description="Run mutants, write benchmarks/results/mutation.md."
    )
    parser.add_argument("--files", nargs="+", default=files())
    parser.add_argument("--slowest", type=float, default=0.7, help="leave out slower tests, s")
    parser.add_argument("--most", type=float, default=6.0, help="tests of one mutant, s in all")
    parser.add_argument("--sample", type=int, help="only so many mutants of a file, by their hash")
    parser.add_argument("--page", action="store_true", help="only write the page")
    asked = parser.parse_args()
    if not asked.page:
        _run(asked.files, Settings(asked.slowest, asked.most), asked.sample)
    write(files(), "make bench-mutation")


def _run(names: list[str], limits: Settings, sample: int | None) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    settings.register_profile(
        "mutation", max_examples=10, deadline=None, derandomize=True, database=None,
        phases=[Phase.explicit, Phase.generate],
    )  # fmt: skip
    settings.load_profile("mutation")

    def run(forks: Forks) -> None:
        for name in names:
            judge_file(forks, name, sample)

    quiet = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--assert=plain", "--tb=native"]
    pytest.main([*TESTS, *quiet], plugins=[Forks(ROOT, files(), FOLDER, limits, run)])


def judge_file(forks: Forks, file: str, sample: int | None = None) -> None:
    """Judge what is left of a file: neither killed nor a survivor with a reason.

    sample: so many of its mutants instead of all, always the same ones.
    """
    known = results(file)
    mutants = [m for m in mutants_of(ROOT / file, ROOT) if not m.wording]
    if sample is not None:
        mutants = sorted(mutants, key=lambda m: m.id)[:sample]
    why = reasons()
    done = {m for m, how in known.items() if how in ("killed", "timeout") or m in why}
    left = [m for m in mutants if m.id not in done]
    if not left:
        return
    forks.trace([own_tests(file), *(f"test_{name}.py" for name in MORE.get(Path(file).stem, ()))])
    for name in forks.noticing_nothing(file):
        print(f"\nleft out, fails with the file unchanged: {name}")
    begun = time.monotonic()
    for number, mutant in enumerate(left, 1):
        outcome, killer = forks.judge(mutant)
        known[mutant.id] = outcome
        add(file, mutant.id, outcome, killer)
        if outcome in ("survived", "unreached"):
            print(
                f"\n{outcome} {mutant.id} {file}:{mutant.line} {mutant.function}: {mutant.change}"
            )
        if number % 100 == 0:
            print(f"\n... {file} {number}/{len(left)}", flush=True)
    print("\n" + summary(file, mutants, known, time.monotonic() - begun), flush=True)


def summary(file: str, mutants: list[Mutant], known: dict[str, str], seconds: float) -> str:
    """A line on a file."""
    counts = Counter(known.get(m.id, "left") for m in mutants)
    dead = counts["killed"] + counts["timeout"]
    share = 100.0 * dead / max(len(mutants), 1)
    return f"== {file}: {dead}/{len(mutants)} = {share:.1f} % {dict(counts)} in {seconds:.0f} s"


if __name__ == "__main__":
    main()
