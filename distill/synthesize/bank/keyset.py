"""A set of 64-bit keys with open addressing, filled a block at a time with array operations."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from distill.synthesize.bank.keys import Keys

Positions = NDArray[np.intp]

_EMPTY = np.uint64(0xA3B195354A39B70D)  # a key of this value is taken for known: 1 in 2^64
_SPREAD = np.uint64(0xD6E8FEB86659FD93)
_UNSPREAD = np.uint64(pow(0xD6E8FEB86659FD93, -1, 1 << 64))
_SCRATCH_BITS = 17
_ROOM = 3  # slots per key: fewer collisions, and each round of them costs a dozen array calls


class KeySet:
    """Known keys; `insert` says which keys of a block are new, each once."""

    def __init__(self, bits: int = 16) -> None:
        self.count = 0
        self._scratch = np.empty(0, dtype=np.uint64)
        self._empty_table(bits)
        self._owner = np.zeros(1 << _SCRATCH_BITS, dtype=np.int32)

    def _empty_table(self, bits: int) -> None:
        self._bits = bits
        self._shift = np.uint64(64 - bits)
        self._table = np.full(1 << bits, _EMPTY, dtype=np.uint64)

    def insert(self, keys: Keys) -> Positions:
        """Add keys (n,); returns the ascending positions of the first occurrence of new ones."""
        self.reserve(len(keys))
        slots = self._slots(keys)
        held = self._table.take(slots)
        (unknown,) = (held != keys).nonzero()
        if not unknown.size:
            return unknown
        fresh = self._place(keys.take(unknown), slots.take(unknown), held.take(unknown))
        self.count += len(fresh)
        return unknown.take(fresh)

    def _slots(self, keys: Keys) -> Positions:
        slots = np.multiply(keys, _SPREAD, out=self._room(len(keys)))
        np.right_shift(slots, self._shift, out=slots)
        return slots.view(np.int64)

    def _room(self, count: int) -> Keys:
        """Scratch for one block: fresh memory would cost more than what is computed in it."""
        if len(self._scratch) < count:
            self._scratch = np.empty(count, dtype=np.uint64)
        return self._scratch[:count]

    def _place(self, keys: Keys, slots: Positions, held: Keys) -> Positions:
        """Walk each key to its own or an empty slot; returns ascending positions of placed keys.

        `held` is what the table holds at the slots: no key's own. Several keys may want one
        empty slot (equal keys do): one wins it, and the others look again.
        """
        placed = np.zeros(len(keys), dtype=np.bool_)
        open_ = np.arange(len(keys))
        while open_.size:
            (empty,) = (held == _EMPTY).nonzero()
            if empty.size:
                wanted = slots.take(empty)
                (won,) = self._elected(wanted).nonzero()
                self._table[wanted.take(won)] = keys.take(empty.take(won))
                placed[open_.take(empty.take(won))] = True
                held = self._table.take(slots)
            (rest,) = (held != keys).nonzero()
            keys, open_ = keys.take(rest), open_.take(rest)
            occupied = held.take(rest) != _EMPTY
            slots = (slots.take(rest) + occupied) & (len(self._table) - 1)
            held = self._table.take(slots)
            (rest,) = (held != keys).nonzero()
            keys, open_ = keys.take(rest), open_.take(rest)
            slots, held = slots.take(rest), held.take(rest)
        return placed.nonzero()[0]

    def _elected(self, slots: Positions) -> NDArray[np.bool_]:
        """One of those who want the same place of a table small enough for the cache: the first."""
        places = slots & (len(self._owner) - 1)
        numbers = np.arange(len(slots), dtype=np.int32)
        self._owner[places[::-1]] = numbers[::-1]
        return self._owner.take(places) == numbers

    def reserve(self, extra: int) -> None:
        """Keep the table sparse, even if all of `extra` further keys are new."""
        needed = _ROOM * (self.count + extra)
        if needed > len(self._table):
            known = self._table.take((self._table != _EMPTY).nonzero()[0])
            self._empty_table(max(self._bits + 2, int(needed).bit_length()))
            self._rebuild(known)

    def _rebuild(self, known: Keys) -> None:
        """Put different keys (overwritten) into the empty table, probing in order of slots.

        The k-th key of that order sits at the largest of slot[j] + (k - j), j <= k. The few
        that would run over the table's end are placed as any other key.
        """
        known *= _SPREAD
        known.sort()
        rank = np.arange(len(known))
        seats = (known >> self._shift).view(np.int64)
        seats -= rank
        np.maximum.accumulate(seats, out=seats)
        seats += rank
        known *= _UNSPREAD
        inside = int(np.searchsorted(seats, len(self._table)))
        self._table[seats[:inside]] = known[:inside]
        late = known[inside:]
        slots = self._slots(late)
        self._place(late, slots, self._table.take(slots))
