"""The parts of the bank against their plain counterparts: key set, keys, packing, near pairs."""

import numpy as np
import pytest

from distill.synthesize.bank.cover import choices, covering_pairs
from distill.synthesize.bank.keys import number_keys, project, projection, word_keys
from distill.synthesize.bank.keyset import KeySet
from distill.synthesize.bank.near import pairs_near
from distill.synthesize.bank.packing import full_words, pack, unpack
from distill.synthesize.bank.tiles import tiles

RANDOM = np.random.default_rng(11)


def as_set(columns):
    return set(zip(*(column.tolist() for column in columns), strict=True))


def test_a_key_set_reports_exactly_the_first_of_each_new_key():
    known, keys = KeySet(bits=4), set()
    for size in (1, 50, 3000, 3000, 20_000, 7):
        block = RANDOM.integers(0, 9000, size=size).astype(np.uint64) * np.uint64(2**50 + 1)
        expected = []
        for position, key in enumerate(block.tolist()):
            if key not in keys:
                keys.add(key)
                expected.append(position)
        assert known.insert(block).tolist() == expected
        assert known.count == len(keys)


def test_a_key_set_survives_keys_that_all_want_the_same_slots():
    known = KeySet(bits=4)
    crowded = np.arange(2000, dtype=np.uint64)
    unspread = np.uint64(pow(0xD6E8FEB86659FD93, -1, 1 << 64))
    assert len(known.insert((crowded | np.uint64(2**64 - 4096)) * unspread)) == 2000
    assert len(known.insert((crowded | np.uint64(2**64 - 4096)) * unspread)) == 0


def test_keys_of_sums_follow_from_projections_but_for_rare_rounding():
    a, b = RANDOM.normal(size=(2, 5000, 64))
    direct = number_keys(project(a + b))
    linear = number_keys(project(a) + project(b))
    assert (direct == linear).mean() > 0.98


def test_keys_tell_functions_apart_that_differ_in_one_example():
    values = RANDOM.normal(size=(1000, 64))
    other = values.copy()
    other[np.arange(1000), RANDOM.integers(0, 64, 1000)] += 1e-7
    assert not (number_keys(project(values)) == number_keys(project(other))).any()
    assert np.abs(projection(64)).min() > 0.05


def test_keys_of_several_words_differ_where_bits_differ():
    words = np.zeros((128, 2), dtype=np.uint64)
    words[np.arange(128), np.arange(128) // 64] = (
        np.uint64(1) << np.arange(128, dtype=np.uint64) % 64
    )
    assert len(np.unique(word_keys(words))) == 128
    pairs = words[:, None] | words[None]
    assert len(np.unique(word_keys(pairs))) == 128 * 129 // 2


@pytest.mark.parametrize("examples", [1, 5, 64, 65, 130])
def test_packing_is_undone_by_unpacking(examples):
    bools = RANDOM.random((9, examples)) < 0.5
    np.testing.assert_array_equal(unpack(pack(bools), examples), bools)
    assert np.bitwise_count(full_words(examples)).sum() == examples


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_no_near_pair_is_missed(dimensions):
    points = RANDOM.normal(size=(300, dimensions))
    corners = RANDOM.normal(size=(200, dimensions))
    corners[3], points[5] = np.nan, np.inf
    widths = np.full(dimensions, 0.3)
    with np.errstate(invalid="ignore"):
        gaps = points[None] - corners[:, None]
        inside = ((gaps >= 0) & (gaps <= widths)).all(axis=2)
    assert as_set(np.nonzero(inside)) <= as_set(pairs_near(points, corners, widths, 10**6))
    assert len(pairs_near(points, corners, widths, 10)[0]) <= 10


def test_covering_pairs_are_all_pairs_that_cover():
    sets = pack(np.unique(RANDOM.random((60, 7)) < 0.6, axis=0))
    full = full_words(7)
    found = as_set(covering_pairs(sets, full))
    expected = {
        (i, j)
        for i in range(len(sets))
        for j in range(i, len(sets))
        if (sets[i] | sets[j])[0] == full[0]
    }
    assert found == expected


def test_choices_agree_everywhere():
    conditions, agree = (pack(RANDOM.random((40, 20)) < share) for share in (0.5, 0.8))
    mask = full_words(20)
    rows, then, other = choices(conditions, agree, agree, mask)
    for c, a, b in zip(rows, then, other, strict=True):
        assert ((conditions[c] & agree[a]) | (~conditions[c] & mask & agree[b]) == mask).all()
    possible = [
        any(not (c & ~a)[0] for a in agree) and any(not (~c & mask & ~b)[0] for b in agree)
        for c in conditions
    ]
    assert len(rows) == len(np.unique(conditions[possible]))


@pytest.mark.parametrize(
    ("a", "b", "same"), [((0, 900), (0, 900), True), ((3, 7), (10, 5000), False)]
)
def test_tiles_cover_every_pair_once(a, b, same):
    total, seen = 0, np.zeros((a[1], b[1]), dtype=int)
    for tile in tiles(a, b, same):
        seen[slice(*tile.a), slice(*tile.b)] += 1
        total += tile.candidates(True)
    rows, columns = np.meshgrid(np.arange(*a), np.arange(*b), indexing="ij")
    wanted = columns >= rows if same else np.ones_like(rows, dtype=bool)
    assert (seen[slice(*a), slice(*b)][wanted] == 1).all()
    assert total == wanted.sum()
