"""How the cost of finding modules grows with them: `python -m benchmarks.structure.cost`.

Writes benchmarks/results/structure_cost.md and the picture beside it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.machine import provenance
from benchmarks.report import table
from benchmarks.side_by_side import publish
from benchmarks.store import code_version
from benchmarks.structure.known import LAYOUTS, many, network_of
from distill.decompose.cut import cut
from distill.decompose.links import links_of
from distill.decompose.parts import parts_of
from distill.hierarchy.composed import composed
from distill.load import network_from_normal_form
from distill.run.budget import Budget
from distill.standing import Settings
from distill.target import make_target, parse_output
from dsl.domain_text import parse_domain

PAGE = Path(__file__).parents[1] / "results" / "structure_cost.md"
PICTURE = PAGE.with_suffix(".svg")
COUNTS = (10, 30, 100, 300, 1000)
PROGRAMS_UP_TO = 100
_SECONDS = 300.0
"""Wall clock that programs for one network may take."""
_COLOURS = ("#1b6ca8", "#c2571a", "#3a7d44", "#8a3a8f", "#777777", "#b59a00")
Entry = dict[str, Any]


def main() -> None:
    """Measure everything, write the page and the picture after each layout."""
    torch.set_num_threads(1)
    head = provenance("python -m benchmarks.structure.cost", code_version())
    entries = []
    for layout in LAYOUTS:
        for count in COUNTS:
            entries.append(measured(layout, count))
        PICTURE.write_text(picture(entries))
        publish(page(entries, head), PAGE, True)


def measured(layout: str, count: int) -> Entry:
    """Processor seconds for one network: parts, values and, up to `PROGRAMS_UP_TO`, programs."""
    plan = many(layout, count)
    form, labels = network_of(plan)
    begin = time.process_time()
    links = links_of(form)
    parts = parts_of(links)
    found = time.process_time()
    values = cut(links)
    end = time.process_time()
    entry: Entry = {
        "layout": layout, "count": count, "units": len(labels), "parts": len(parts),
        "values": len(values), "finding": found - begin, "cutting": end - found,
        "programs": None, "right": None,
    }  # fmt: skip
    if count <= PROGRAMS_UP_TO:
        domain = parse_domain(f"x: real(-1,1)[{plan.inputs}]")
        output = parse_output(f"real[{len(plan.outputs)}]")
        target = make_target(network_from_normal_form(form), domain, output)
        begin = time.process_time()
        made = next(composed(target, Settings(), Budget(10**9, _SECONDS)), None)
        entry["programs"] = time.process_time() - begin
        entry["right"] = made is not None
    return entry


def exponent(entries: Sequence[Entry], key: str) -> float:
    """The slope of logarithms of seconds over those of numbers of modules, by least squares."""
    known = [(e["count"], e[key]) for e in entries if e[key]]
    x, y = np.log(np.array(known)).T
    return float(np.polyfit(x, y, 1)[0])


def page(entries: Sequence[Entry], head: str) -> str:
    """The table as markdown."""
    lines = []
    for layout in dict.fromkeys(e["layout"] for e in entries):
        mine = [e for e in entries if e["layout"] == layout]
        steep = {k: exponent(mine, k) for k in ("finding", "cutting", "programs")}
        late = exponent(mine[-3:], "cutting")
        lines.append(
            f"- {layout}: parts n^{steep['finding']:.2f}, values n^{steep['cutting']:.2f} "
            f"(the last three: n^{late:.2f}), programs n^{steep['programs']:.2f}"
        )
    columns = ("modules stand", "modules", "hidden units", "parts", "values", "parts found, s",
               "values cut, s", "programs put together, s")  # fmt: skip
    rows = [
        (e["layout"], e["count"], e["units"], e["parts"], e["values"], f"{e['finding']:.3f}",
         f"{e['cutting']:.3f}", _told(e))
        for e in entries
    ]  # fmt: skip
    return "\n\n".join([
        "# Cost by the number of planted modules", head,
        "Modules of two numbers (larger, smaller, distance) stand side by side on inputs of their "
        "own, in a chain with a fresh input each, or in a grid, each reading two numbers of the "
        "row before; in a grid neighbours share what they read, so that parts are whole rows. "
        "Seconds are a processor's; cutting includes finding the parts. Programs: all values from "
        f"reading to claims, up to {PROGRAMS_UP_TO} modules and {_SECONDS:.0f} seconds.",
        "\n".join(lines),
        f"![Seconds over modules, both logarithmic]({PICTURE.name})",
        table(columns, rows),
    ]) + "\n"  # fmt: skip


def _told(entry: Entry) -> str:
    if entry["programs"] is None:
        return ""
    return f"{entry['programs']:.1f}" + ("" if entry["right"] else " (**none**)")


def picture(entries: Sequence[Entry]) -> str:
    """Seconds over numbers of modules, both logarithmic, with a line that is linear, as SVG."""
    curves = []
    for layout in dict.fromkeys(e["layout"] for e in entries):
        for key, name in (("cutting", "values"), ("programs", "programs")):
            points = [(e["count"], e[key]) for e in entries if e["layout"] == layout and e[key]]
            curves.append((f"{layout}, {name}", points))
    seconds = [s for _, points in curves for _, s in points]
    low, high = np.floor(np.log10(min(seconds))), np.ceil(np.log10(max(seconds)))

    def at(count: float, value: float) -> tuple[float, float]:
        x = 60 + 340 * (np.log10(count) - 1) / 2
        return float(x), float(290 - 260 * (np.log10(value) - low) / (high - low))

    parts = ['<svg xmlns="http://www.w3.org/2000/svg" width="620" height="340" '
             'font-family="sans-serif" font-size="12">',
             '<rect width="620" height="340" fill="white"/>']  # fmt: skip
    for power in range(int(low), int(high) + 1):
        x, y = at(10, 10.0**power)
        parts.append(f'<path d="M{x:.0f} {y:.0f}H400" stroke="#ddd"/>')
        label = f"{10.0**power:g} s"
        parts.append(f'<text x="52" y="{y + 4:.0f}" text-anchor="end">{label}</text>')
    for count in COUNTS:
        x, _ = at(count, 1)
        parts.append(f'<text x="{x:.0f}" y="308" text-anchor="middle">{count}</text>')
    parts.append('<text x="230" y="328" text-anchor="middle">modules</text>')
    for number, (name, points) in enumerate(curves):
        colour = _COLOURS[number % len(_COLOURS)]
        places = [at(*point) for point in points]
        parts += [f'<path d="M{a:.1f} {b:.1f}L{c:.1f} {d:.1f}" stroke="{colour}" stroke-width="2"/>'
                  for (a, b), (c, d) in pairwise(places)]  # fmt: skip
        parts += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="{colour}"/>' for a, b in places]
        parts.append(f'<text x="415" y="{40 + 18 * number}" fill="{colour}">{name}</text>')
    (a, b), (c, d) = at(10, 10.0**low), at(1000, 10.0 ** (low + 2))
    parts.append(f'<path d="M{a:.0f} {b:.0f}L{c:.0f} {d:.0f}" stroke="#999" '
                 'stroke-dasharray="4 4"/>')  # fmt: skip
    parts.append(f'<text x="415" y="{40 + 18 * len(curves)}" fill="#777">dashed: linear</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


if __name__ == "__main__":
    main()
