"""The last operation of a bool target: and, or, xor, if, and cuts of a number at a constant."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from distill.synthesize.bank.cover import choices, covering_pairs
from distill.synthesize.bank.data import Bank
from distill.synthesize.bank.keys import word_keys
from distill.synthesize.bank.near import Pairs
from distill.synthesize.bank.packing import pack
from distill.synthesize.bank.target import BoolTarget, NumberTarget, Target


def ands(bank: Bank, target: BoolTarget) -> Iterator[Pairs]:
    """Proposals for a & b: both hold the target, and share nothing else that matters."""
    words, wanted = bank.bool.values, target.wanted
    rows = np.flatnonzero(((wanted & ~words) == 0).all(axis=1))
    unwanted = target.mask & ~wanted
    left, right = covering_pairs(unwanted & ~words[rows], unwanted)
    yield rows[left], rows[right]


def ors(bank: Bank, target: BoolTarget) -> Iterator[Pairs]:
    """Proposals for a | b: both stay inside the target, together they fill it."""
    words, wanted = bank.bool.values, target.wanted
    rows = np.flatnonzero(((words & target.mask & ~wanted) == 0).all(axis=1))
    left, right = covering_pairs(words[rows] & wanted, wanted)
    yield rows[left], rows[right]


def xors(bank: Bank, target: BoolTarget) -> Iterator[Pairs]:
    """Proposals for a ^ b: b is a ^ target; the first such b for each a."""
    known = word_keys(bank.bool.values & target.mask)
    needed = word_keys((bank.bool.values ^ target.wanted) & target.mask)
    order = np.argsort(known, kind="stable")
    place = np.minimum(np.searchsorted(known[order], needed), max(0, len(known) - 1))
    partner = order[place] if len(known) else place
    rows = np.flatnonzero(known[partner] == needed)
    yield rows, partner[rows]


BOOL_PROPOSERS = {"and": ands, "or": ors, "xor": xors}
"""By kind: for every different pair of behaviours that meets the target its cheapest pair."""


def conditionals(bank: Bank, target: Target) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Proposals (c, a, b) for if(c, a, b): for each condition the first fitting branches."""
    if isinstance(target, NumberTarget):
        values = bank.number.values
        agree = pack((values >= target.low) & (values <= target.high))
        mask = pack(np.ones((1, bank.examples), dtype=np.bool_))[0]
    else:
        mask = target.mask
        agree = ~(bank.bool.values ^ target.wanted) & mask
    return choices(bank.bool.values, agree, agree, mask)
