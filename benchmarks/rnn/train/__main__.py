"""Train families of networks: `python -m benchmarks.rnn.train --family F [--task T] [--minutes M]`.

Each is written to `benchmarks/rnn/networks/FAMILY` as soon as it is done, with a line of
`index.json`; what is learned already isn't trained again.
"""

from __future__ import annotations

import argparse
import time
import zlib

import torch

from benchmarks.rnn.networks import family_index
from benchmarks.rnn.train.fit import train
from benchmarks.rnn.train.keep import entry, write
from benchmarks.rnn.train.known import TASKS
from benchmarks.rnn.train.plans import PLANS, Job


def names(job: Job) -> list[str]:
    """The names of the networks that a job leaves."""
    kept = job.recipe(0).kept
    return [job.name] if kept == 1 else [f"{job.name}_s{i}" for i in range(kept)]


def tried(family: str, job: Job) -> tuple[int, bool]:
    """How often a job was trained before, and whether all its networks learned their task."""
    known, first = family_index(family), names(job)[0]
    count = (first in known["networks"]) + sum(d["name"] == first for d in known["discarded"])
    entries = [known["networks"].get(name) for name in names(job)]
    return count, all(e is not None and e["learned"] for e in entries)


def do(family: str, job: Job, count: int) -> bool:
    """One try; returns whether all that it left has learned the task."""
    task, shape, recipe = TASKS[job.task], job.shape(count), job.recipe(count)
    seed = zlib.crc32(f"{family}/{job.name}".encode()) % 10**6 + count
    begin = time.process_time()
    networks = train(task, shape, recipe, seed)
    seconds = time.process_time() - begin
    lines = [entry(task, shape, network, seed, seconds) for network in networks]
    for name, line, network in zip(names(job), lines, networks, strict=True):
        write(family, name, line, network.arrays)
        print(
            f"{family}/{name} {shape.label()} steps {line['steps']} share {line['share']:.5f} "
            f"error {line['largest_error']} {seconds:.0f} s",
            flush=True,
        )
    return all(line["learned"] for line in lines)


def main() -> None:
    """Train what the options choose."""
    parser = argparse.ArgumentParser(prog="benchmarks.rnn.train", description=__doc__)
    parser.add_argument("--family", choices=list(PLANS), action="append")
    parser.add_argument("--task", help="only jobs whose name holds this")
    parser.add_argument("--minutes", type=float, default=75, help="of the processor, in all")
    parser.add_argument("--tries", type=int, default=1, help="of each job, earlier ones counted")
    options = parser.parse_args()
    torch.set_num_threads(1)
    for family in options.family or PLANS:
        for job in PLANS[family]():
            count, learned = tried(family, job)
            if (options.task or "") not in job.name:
                continue
            while count < options.tries and not learned:
                if time.process_time() > 60 * options.minutes:
                    return
                learned = do(family, job, count)
                count += 1


if __name__ == "__main__":
    main()
