"""Stages of a run as content and as results: what they follow from, written and read back.

Of the search, programs are kept as text and are judged again when they are read: they are
candidates, whatever the text says. Claims are kept as they were made; they are believed because
their key is a hash of all that they follow from (network, domain, program, tolerance, seed, steps,
the code itself), and because the seal says that this user's own run wrote them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distill.evidence import Attempt, Claim
from distill.normal_form import Affine, Elementwise, Input, NormalForm
from distill.recurrent_target import Oracle
from distill.run.budget import Budget
from distill.run.memory import Memory, Written
from distill.synthesize.candidate import candidate
from distill.synthesize.judge import judge
from distill.synthesize.loop import Pool, Vocabulary
from distill.synthesize.loops.search import Found
from distill.target import Target
from dsl.domain import DomainError
from dsl.domain_text import parse_domain
from dsl.loop_text import parse_loop
from dsl.program import Expression
from dsl.text import ParseError, parse

Content = tuple[Any, ...]


def target_content(target: Target) -> Content | None:
    """All that a target is; None for a plain function, or a domain that its text doesn't give."""
    if target.core.opaque or target.network.opaque:
        return None
    domain = str(target.domain)
    try:
        if parse_domain(domain) != target.domain:
            return None
    except DomainError:
        return None
    return (
        target.core.sha256(), target.network.sha256(), domain, str(target.output.type),
        target.output.level, target.tolerance, target.margin, target.soft, target.data,
    )  # fmt: skip


def oracle_content(oracle: Oracle) -> Content | None:
    """The same for a recurrent network on sequences."""
    network = oracle.network
    if network.cell.opaque:
        return None
    return (
        network.cell.sha256(), network.initial, network.at_end, network.length, str(oracle.domain),
        str(oracle.output.type), oracle.output.level, oracle.length, oracle.at_end,
        oracle.tolerance, oracle.soft,
    )  # fmt: skip


def vocabulary_content(vocabulary: Vocabulary) -> Content | None:
    """Names; None where there are primitives of the user's own, which are Python functions, or
    functions of a library, which programs call without holding them."""
    if vocabulary.own or vocabulary.functions:
        return None
    allowed = None if vocabulary.allowed is None else sorted(vocabulary.allowed)
    return allowed, sorted(vocabulary.forbidden)


def joined(*parts: Content | None) -> Content | None:
    """Contents as one; None where one of them isn't known."""
    return None if any(part is None for part in parts) else tuple(parts)


def search_recalled(
    memory: Memory, pool: Pool, content: Content | None, budget: Budget, search: Callable[[], bool]
) -> bool:
    """Fill a pool by a search, or with the programs that it found before, in their order.

    content: all that the search follows from beside the pool. Returns what the search does.
    """
    before = dict(pool.judged)
    if content is not None:
        known = [[str(body), judged.candidate.route] for body, judged in before.items()]
        content = joined((target_content(pool.target),), content, (pool.learned, known))

    def write(ended: bool) -> Written | None:
        fresh = {body: j for body, j in pool.judged.items() if body not in before}
        if not all(_as_text(body, pool) for body in fresh):
            return None
        found = [[str(body), judged.candidate.route] for body, judged in fresh.items()]
        return {"ended": ended, "found": found}, {}

    def read(data: Any, _: Mapping[str, NDArray]) -> bool:
        domain, result = pool.target.domain, pool.target.output.type
        found = {}
        for text, route in data["found"]:
            body = parse(text, dict(domain.parameters))
            made = candidate(domain.parameters, body, result, route)
            found[body] = judge(pool.target, made, pool.points)
        pool.judged.update(found)
        return bool(data["ended"])

    return memory.recall("search", content, budget, search, write, read)


def _as_text(body: Expression, pool: Pool) -> bool:
    """Whether an expression's text gives the very same expression again."""
    try:
        return parse(str(body), dict(pool.target.domain.parameters)) is body
    except ParseError:
        return False


def judgement_recalled(
    memory: Memory,
    content: Content | None,
    budget: Budget,
    target: Target,
    make: Callable[[], tuple[Target, Claim]],
) -> tuple[Target, Claim]:
    """A claim with the target that it is about, which differs in its tolerance alone.

    As made before for this content or made now; either way the claim is as its JSON says it.
    """

    def write(made: tuple[Target, Claim]) -> Written:
        beside, claim = made
        return {"tolerance": beside.tolerance, "soft": beside.soft} | _claim_data(claim), {}

    def read(data: Any, _: Mapping[str, NDArray]) -> tuple[Target, Claim]:
        return replace(target, tolerance=data["tolerance"], soft=data["soft"]), _claim(data)

    def plainly() -> tuple[Target, Claim]:
        beside, claim = make()
        return beside, _claim(json.loads(json.dumps(_claim_data(claim))))

    return memory.recall("claim", content, budget, plainly, write, read)


def claim_recalled(
    memory: Memory, content: Content | None, budget: Budget, make: Callable[[], Claim]
) -> Claim:
    """A claim by itself, as `judgement_recalled`."""

    def plainly() -> Claim:
        return _claim(json.loads(json.dumps(_claim_data(make()))))

    return memory.recall(
        "claim", content, budget, plainly, lambda c: (_claim_data(c), {}), lambda d, _: _claim(d)
    )


def _claim_data(claim: Claim) -> Any:
    attempts = [[a.name, a.verdict, a.achieved, a.seconds, a.count, a.note] for a in claim.attempts]
    return {"claim": claim.to_json(), "attempts": attempts}


def _claim(data: Any) -> Claim:
    attempts = tuple(Attempt(*entry) for entry in data["attempts"])
    return replace(Claim.from_json(data["claim"]), attempts=attempts)


def forms_recalled(
    memory: Memory, content: Content | None, budget: Budget, make: Callable[[], list[NormalForm]]
) -> list[NormalForm]:
    """Networks that a stage found, with the very same weights."""

    def write(forms: list[NormalForm]) -> Written:
        arrays: dict[str, NDArray] = {}
        return [_form_data(form, number, arrays) for number, form in enumerate(forms)], arrays

    def read(data: Any, arrays: Mapping[str, NDArray]) -> list[NormalForm]:
        return [_form(entry, arrays) for entry in data]

    return memory.recall("networks", content, budget, make, write, read)


def _form_data(form: NormalForm, number: int, arrays: dict[str, NDArray]) -> Any:
    nodes: list[Any] = []
    for place, node in enumerate(form.nodes):
        name = f"{number}.{place}"
        if isinstance(node, Input):
            nodes.append(["input", node.width])
        elif isinstance(node, Elementwise):
            nodes.append(["elementwise", node.function, list(node.sources)])
        else:
            arrays[f"{name}.bias"] = np.asarray(node.bias, dtype=np.float64)
            for term, (_, matrix) in enumerate(node.terms):
                arrays[f"{name}.{term}"] = np.asarray(matrix, dtype=np.float64)
            nodes.append(["affine", name, [source for source, _ in node.terms]])
    return {"nodes": nodes, "output": form.output}


def _form(data: Any, arrays: Mapping[str, NDArray]) -> NormalForm:
    return NormalForm(tuple(_node(entry, arrays) for entry in data["nodes"]), data["output"])


def _node(entry: Any, arrays: Mapping[str, NDArray]) -> Input | Elementwise | Affine:
    if entry[0] == "input":
        return Input(entry[1])
    if entry[0] == "elementwise":
        return Elementwise(entry[1], tuple(entry[2]))
    _, name, sources = entry
    terms = tuple((source, arrays[f"{name}.{i}"]) for i, source in enumerate(sources))
    return Affine(terms, arrays[f"{name}.bias"])


def loops_recalled(
    memory: Memory, content: Content | None, budget: Budget, make: Callable[[], list[Found]]
) -> list[Found]:
    """Loops that a search found, shortest first."""

    def write(found: list[Found]) -> Written | None:
        if not all(_loop_as_text(f) for f in found):
            return None
        return [[str(f.loop), f.bits, f.route, f.error, f.wrong] for f in found], {}

    def read(data: Any, _: Mapping[str, NDArray]) -> list[Found]:
        return [Found(parse_loop(text), *rest) for text, *rest in data]

    return memory.recall("loops", content, budget, make, write, read)


def _loop_as_text(found: Found) -> bool:
    try:
        return parse_loop(str(found.loop)) == found.loop
    except ParseError:
        return False
