"""Try to break the verifiers: `python -m benchmarks.evidence.run [--trials N] [--only KIND] ...`

Trials are kept as JSON lines under build/evidence, so a run that was interrupted goes on where it
stopped; `--store FILE` goes on with a file that other sources have begun, which the page then says:
trials in it are asked of the verifiers that it doesn't know yet.
A run of all kinds writes benchmarks/results/evidence.md; one that `--only` narrows prints.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import shlex
import sys
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from pathlib import Path
from typing import Any

from benchmarks.evidence import corrupt, feedforward, recurrent_verifiers, report
from benchmarks.evidence.recurrent import LOOPS
from benchmarks.evidence.trials import KINDS
from benchmarks.machine import provenance
from benchmarks.store import ROOT, code_version

FOLDER = ROOT / "build" / "evidence"
PAGE = Path(__file__).parents[1] / "results" / "evidence.md"
TRIALS, CORRUPTIONS = 20_000, 2_000
QUICK, QUICK_CORRUPTIONS = 120, 100
_OF_ONE = 4
"""Corruptions that one claim is made into, about."""

_TURN = (
    *("finite", "missed", "rounding", "wild", "decision", "pyramid", "copy", "leaky"),
    *("finite", "smooth", "literal", "missed", "drift", "decision", "rounding", "leaky"),
    *("finite", "copy", "wild", "finite", "totals", "pyramid", "missed", "leaky"),
    *("finite", "rounding", "drift", "decision", "smooth", "literal", "finite", "leaky"),
    *("copy", "missed", "wild", "rounding", "finite", "decision"),
)
CYCLE = (*_TURN, "flag", "finite", *_TURN, "clock", "finite")
"""Kinds in the order in which they are tried."""

Job = tuple[str, str, int, int]
"""What is done ("trial" or "corruption"), the kind, the seed and the number."""

Result = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the options choose; 1 where a false proof or a lost corruption was found."""
    options = _parser().parse_args(arguments)
    code = f"{code_version()}-{own_version()}"
    store = options.store or FOLDER / f"{code}-{options.seed}.jsonl"
    jobs = list(chosen(options))
    results = run_all(jobs, store, options.jobs, options.seconds, code)
    command = shlex.join(["python", "-m", "benchmarks.evidence.run", *(arguments or sys.argv[1:])])
    done = (
        f"campaign's seed {options.seed}; {len(results):,} of {len(jobs):,} jobs done (trials, and "
        "claims to corrupt)"
    )
    made = f"made with the sources (and those of the campaign): {report.codes(results)}"
    page = report.page(results, provenance(command, code, [done, made]))
    print(page)
    if options.only is None and not options.quick:
        PAGE.write_text(page)
    return int(report.broken(results))


def own_version() -> str:
    """A short hash of the campaign's own sources."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(p.read_bytes() for p in sources)).hexdigest()[:6]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="benchmarks.evidence.run")
    add = parser.add_argument
    add("--trials", type=int, help=f"random squares and loops, by default {TRIALS}")
    add("--corruptions", type=int, help=f"certificates to corrupt, by default {CORRUPTIONS}")
    add("--seed", type=int, default=0)
    add("--only", choices=(*KINDS, *LOOPS), help="one kind of trial alone")
    add("--jobs", type=int, default=2, help="worker processes")
    add(
        "--store", type=Path,
        help="results to go on from and to add to, whatever sources they were made with; by "
        "default a file for the sources as they are",
    )  # fmt: skip
    add("--seconds", type=float, help="start no trial later than this")
    add("--quick", action="store_true", help="few of everything")
    return parser


def chosen(options: argparse.Namespace) -> Iterator[Job]:
    """The jobs in order, trials and corruptions mixed."""
    trials = options.trials or (QUICK if options.quick else TRIALS)
    corruptions = options.corruptions
    if corruptions is None:
        corruptions = QUICK_CORRUPTIONS if options.quick else CORRUPTIONS
    places = dict.fromkeys((*KINDS, *LOOPS), 0)
    done = 0
    for place in range(trials):
        kind = options.only or CYCLE[place % len(CYCLE)]
        yield "trial", kind, options.seed, places[kind]
        places[kind] += 1
        while options.only is None and done * trials * _OF_ONE < corruptions * (place + 1):
            yield "corruption", *corrupt.kind_seed_number(done, options.seed)
            done += 1


def run_all(
    jobs: list[Job], store: Path, workers: int, seconds: float | None, code: str
) -> list[Any]:
    """Results of all jobs that are done, old ones too; new ones are appended to the store, with
    the hash of the sources that made them."""
    known = {_key(r): r for r in _read(store)}
    wanted, waiting = set(jobs), iter(_left(jobs, known))
    store.parent.mkdir(parents=True, exist_ok=True)
    begin, running = time.monotonic(), set[Future]()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool, store.open("a") as out:
        if out.tell() and not store.read_bytes().endswith(b"\n"):
            out.write("\n")  # a line that was cut off counts for nothing
        try:
            while True:
                late = seconds is not None and time.monotonic() - begin > seconds
                while not late and len(running) < 2 * workers:
                    job = next(waiting, None)
                    if job is None:
                        break
                    running.add(pool.submit(one, job, known.get(job)))
                if not running:
                    break
                ready, running = wait(running, return_when=FIRST_COMPLETED)
                for future in ready:
                    result = future.result() | {"code": code}
                    known[_key(result)] = result
                    out.write(json.dumps(result) + "\n")
                    out.flush()
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            print("interrupted; the same command goes on from here", file=sys.stderr)
    return [result for key, result in known.items() if key in wanted]


def left(jobs: list[Job], store: Path) -> list[Job]:
    """The jobs that have no result yet, or none of some verifier."""
    return _left(jobs, {_key(result): result for result in _read(store)})


def _left(jobs: list[Job], known: Mapping[Job, Result]) -> list[Job]:
    return [job for job in jobs if job not in known or unasked(known[job])]


def unasked(result: Result) -> list[str]:
    """The verifiers that a trial was to be asked of and wasn't: newer than its result."""
    if result["what"] != "trial" or "error" in result:
        return []
    module = recurrent_verifiers if result["kind"] in LOOPS else feedforward
    answered = {line["by"] for line in result["lines"]}
    return [by for by in module.asked_in(result) if by not in answered]


def _read(store: Path) -> list[Any]:
    lines = store.read_text().splitlines() if store.exists() else []
    return [json.loads(line) for line in lines if line.endswith("}")]


def _key(result: Result) -> Job:
    return result["what"], result["kind"], result["seed"], result["number"]


def one(job: Job, known: Result | None = None) -> Result:
    """The result of one job; what goes wrong in it is part of the result.

    known: an earlier result, to which what its trial wasn't asked is added.
    """
    what, kind, seed, number = job
    begin, names = time.monotonic(), unasked(known) if known else None
    try:
        if what == "corruption":
            found = corrupt.result(kind, seed, number)
        elif kind in LOOPS:
            found = recurrent_verifiers.result(kind, seed, number, names)
        else:
            found = feedforward.result(kind, seed, number, names)
        if known:
            found["lines"] = known["lines"] + found["lines"]
    except Exception:
        found = {
            "kind": kind,
            "seed": seed,
            "number": number,
            "error": traceback.format_exc()[-800:],
        }
    return {"what": what, **found, "seconds": round(time.monotonic() - begin, 3)}


if __name__ == "__main__":
    sys.exit(main())
