"""Every inner variable of a program looked for in the network that it stands for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from distill.align.feed_forward import FeedForward, sites_of
from distill.align.interchange import Interchange, fresh_pairs, interchanged
from distill.align.locate import FOLLOWED, READ, Trial, located, training_pairs
from distill.align.place import Site, same_up_to_affine
from distill.align.report import LOCATED, NOT_LOCATED, AlignmentReport, VariableReport
from distill.align.sequences import STATE, InSequences
from distill.align.setting import Setting
from distill.align.variables import MOST, Values, Variable, loop_variables, open_program
from distill.errors import BadInput
from distill.recurrent import RecurrentNetwork
from distill.recurrent_target import Oracle
from distill.run.budget import Progress, silent
from distill.target import Target
from dsl.loop import Loop
from dsl.program import Program

SAMPLES = 1000
"""Pairs of inputs for each accuracy."""
_EXPLAINED = 0.99
"""Share of a real output's change; programs that compute it otherwise come close to all of it."""

_LEAD = 0.2
_ENOUGH = 20
_LONGEST = 24
_DRAWS = 512
_MOST = 1_000_000


def align_program(
    program: Program, target: Target, samples: int = SAMPLES, seed: int = 0,
    progress: Progress = silent,
) -> AlignmentReport:  # fmt: skip
    """Look for a program's inner variables in the target's network.

    Raises:
        BadInput: `samples` isn't a number of pairs.
    """
    _check(samples)
    whole = open_program(program)
    rows = target.domain.sample(np.random.default_rng(seed), _DRAWS)
    given = target.domain.encode(rows)
    sites = sites_of(target.core, given, target.raw(rows))
    ends = (whole.run(rows), given)
    names = [v for v in whole.variables if any(_renames(whole.values(v, rows), e) for e in ends)]
    settings = [
        FeedForward(whole, v, target.core, target.domain, target.output, target.tolerance, sites)
        for v in whole.variables
        if v not in names
    ]
    found = _reports(settings, samples, seed, progress)
    return AlignmentReport(found, samples, seed, whole.omitted, tuple(v.label for v in names))


def align_loop(
    loop: Loop, oracle: Oracle, samples: int = SAMPLES, seed: int = 0, progress: Progress = silent
) -> AlignmentReport:
    """Look for a loop's registers in the state and for its lets in the cell of a network.

    Raises:
        BadInput: `samples` isn't a number of pairs.
    """
    _check(samples)
    domain = oracle.domain
    length = max(min(oracle.length, _LONGEST), domain.shortest, 2)
    length = min(length, domain.longest or length)
    every = loop_variables(loop)
    variables = every[:MOST]
    state = (Site(STATE, "the state", oracle.network.hidden),)
    cell = _cell_sites(oracle, length, seed) if any(v.kind == "let" for v in variables) else ()
    settings = [
        InSequences(loop, v, oracle, length, state if v.kind == "register" else cell)
        for v in variables
        if length > 1 or v.kind == "let"
    ]
    settings = [replace(s, any_step=s.follows_step) for s in settings]
    found = _reports(settings, samples, seed, progress)
    return AlignmentReport(found, samples, seed, len(every) - len(variables))


def _check(samples: int) -> None:
    if not 1 <= samples <= _MOST:
        raise BadInput(f"the samples must be a number from 1 to {_MOST:,}, not {samples}")


def _reports(
    settings: Sequence[FeedForward | InSequences], samples: int, seed: int, progress: Progress
) -> tuple[VariableReport, ...]:
    found = []
    for place, setting in enumerate(settings):
        progress(f"locating {setting.variable.label}", place / len(settings))
        rng = np.random.default_rng([seed, place])
        found.append(_report(setting, setting.variable, samples, rng))
    return tuple(found)


def _report(
    setting: Setting, variable: Variable, samples: int, rng: np.random.Generator
) -> VariableReport:
    """One variable: a place from training pairs, tried on fresh ones."""
    training = training_pairs(setting, rng)
    name, kind = variable.label, variable.kind
    if not training.matters.any():
        reason = "no change of it changes the output"
        return VariableReport(name, kind, None, 0.0, None, NOT_LOCATED, reason)
    best = located(setting, training, rng)
    if best is None:
        reason = "no wire of the network tells it"
        return VariableReport(name, kind, None, 0.0, None, NOT_LOCATED, reason)
    pairs = fresh_pairs(setting, rng, samples)
    if not len(pairs[1]):
        reason = "hardly any change of it changes the output"
        return VariableReport(name, kind, best.place, best.read, None, NOT_LOCATED, reason)
    found = interchanged(setting, best.place, pairs, rng)
    reason = _objection(setting, best, found)
    verdict = NOT_LOCATED if reason else LOCATED
    return VariableReport(name, kind, best.place, best.read, found, verdict, reason)


def _objection(setting: Setting, best: Trial, found: Interchange) -> str:
    """Why a place isn't where the variable lives; empty where it is."""
    if best.read < READ:
        return "it can't be read there"
    if best.owned < FOLLOWED:
        return "it is there only together with more"
    if found.where_it_matters.trials < _ENOUGH:
        return "too few changes of it change the output"
    if not setting.output.discrete:
        return _objection_to_reals(found)
    if min(found.where_it_matters.value, found.everywhere.value) < FOLLOWED:
        return "the output doesn't follow it"
    controls = [c for c in (found.random, found.shuffled) if c is not None and c.trials]
    if any(c.high >= found.where_it_matters.low for c in controls):
        return "a control does as well"
    return ""


def _objection_to_reals(found: Interchange) -> str:
    explained = found.explained or 0.0
    if explained < _EXPLAINED:
        return "the output doesn't follow it"
    controls = (found.random_explained, found.shuffled_explained)
    if any(c is not None and c > explained - _LEAD for c in controls):
        return "a control does as well"
    return ""


def _renames(values: Values, end: Values) -> bool:
    """Whether a variable is the input or output under another name: each tells the other."""
    first, second = values.reshape(len(values), -1), end.reshape(len(end), -1)
    both = np.column_stack([first, second])
    kinds = [len(np.unique(part, axis=0)) for part in (first, second, both)]
    if kinds[2] <= len(both) // 4:
        return kinds[0] == kinds[1] == kinds[2]
    return same_up_to_affine(first.astype(np.float64), second.astype(np.float64))


def _cell_sites(oracle: Oracle, length: int, seed: int) -> tuple[Site, ...]:
    """The wires of the cell, but for those that only hold state and item."""
    network: RecurrentNetwork = oracle.network
    columns = oracle.domain.sample(np.random.default_rng(seed), max(_DRAWS // length, 8), length)
    items = oracle.domain.encode(columns)
    states = network.run(items)[0]
    first = np.broadcast_to(network.initial, states[:, :1].shape)
    before = np.concatenate([first, states[:, :-1]], 1)
    given = np.concatenate([before, items], 2).reshape(-1, network.cell.input_width)
    return sites_of(network.cell, given)
