"""Multipliers of few rows: which rows are exchanged, and what a basis shows, by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from distill.verify import exchange
from distill.verify.exchange import Polytopes, coordinates, improved, least
from distill.verify.rounding import SLACK, TINY, down, gamma

pytestmark = pytest.mark.filterwarnings("error")
X, Y = (1.0, 0.0), (0.0, 1.0)


def polytope(*rows) -> Polytopes:
    """Of rows with their lower and upper ends: ((1, 0), 0, 2), ..."""
    matrix, lower, upper = zip(*rows, strict=True)
    return Polytopes(np.array([matrix]), np.array([lower], float), np.array([upper], float))


def exchanged(bounded: Polytopes, *forms, rounds=1) -> Any:
    wanted = np.array([forms], dtype=float)
    return improved(bounded, wanted, coordinates(1, len(forms), wanted.shape[2]), rounds)[0]


CORNER = polytope((X, 0, 2), (Y, 0, 2), ((1.0, 1.0), 1, 5))
"""0 to 2 on both axes, less the corner at 0."""


def test_polytopes_are_picked_with_their_ends():
    both = Polytopes(np.arange(8.0).reshape(2, 2, 2), np.array([[1, -5], [2, 3]], float),
                     np.array([[4, 2], [9, 8]], float))  # fmt: skip
    found = both.at(np.array([1, 0, 1]))
    assert found.rows[:, 0, 0].tolist() == [4, 0, 4]
    assert found.lower.tolist() == [[2, 3], [1, -5], [2, 3]]
    assert found.upper.tolist() == [[9, 8], [4, 2], [9, 8]]
    assert both.largest.tolist() == [[4, 5], [9, 8]]
    assert CORNER.largest.tolist() == [[2, 2]]


def test_bases_begin_with_the_coordinates():
    found = coordinates(2, 3, 2)
    assert found.tolist() == [[[0, 1]] * 3] * 2
    found[0, 0, 0] = 7
    assert found[1, 0, 0] == found[0, 1, 0] == 0


def test_a_row_that_the_point_breaks_enters():
    """The point of x + y is 0, 0, where the sum is 1 short; of -x - y it is 2, 2, inside."""
    found = exchanged(CORNER, (1, 1), (-1, -1), (2, 1), (1, 2), (0, 1), (1, 0))
    assert found.tolist() == [[2, 1], [0, 1], [0, 2], [2, 1], [2, 1], [0, 2]]
    top = polytope((X, 0, 2), (Y, 0, 2), ((1.0, 1.0), -1, 3))
    assert exchanged(top, (-2, -1), (-1, -2), (1, 1)).tolist() == [[0, 2], [2, 1], [0, 1]]
    turned = polytope((X, 0, 2), (Y, 0, 2), ((1.0, -1.0), -9, -1))
    assert exchanged(turned, (-1, 2), (1, -1), (2, 3)).tolist() == [[2, 1], [0, 1], [0, 2]]


def test_the_row_that_is_broken_most_for_its_width_enters():
    for far, near, row in (((1, 5), (1.5, 21.5), 2), ((1, 1.1), (1.5, 1.7), 2),
                           ((1, 5), (1.5, 5.5), 3), ((1, 1), (1.5, 2.5), 2)):  # fmt: skip
        both = polytope((X, 0, 2), (Y, 0, 2), ((1.0, 1.0), *far), ((1.0, 2.0), *near))
        assert row in exchanged(both, (1, 1))[0].tolist()


def test_exchanges_go_on_from_where_they_are():
    """x + 2 y >= 3 shows more than x + y >= 1 of x + y: 1.5, at y = 1.5."""
    both = polytope((X, 0, 2), (Y, 0, 2), ((1.0, 1.0), 1, 5), ((1.0, 2.0), 3, 90))
    forms = np.array([[[1.0, 1.0], [-1.0, 0.0]]])
    first = exchanged(both, *forms[0])
    assert first.tolist() == [[2, 1], [0, 3]]
    assert exchanged(both, *forms[0], rounds=2).tolist() == [[2, 3], [0, 3]]
    last = exchanged(both, *forms[0], rounds=9)
    assert last.tolist() == exchanged(both, *forms[0], rounds=3).tolist() == [[0, 3], [0, 3]]
    assert least(both, forms, 0 * forms, last[None])[0] == pytest.approx([1.5, -2.0], abs=1e-12)
    given = coordinates(1, 2, 2)
    improved(both, forms, given, 9)
    assert given.tolist() == [[[0, 1], [0, 1]]]
    assert exchanged(both, *forms[0], rounds=0).tolist() == [[0, 1], [0, 1]]


def test_what_is_broken_by_little_is_kept(monkeypatch):
    share = 1.0 / (4.0 + 1e-12)
    monkeypatch.setattr(exchange, "_CLOSE", np.nextafter(share, 0.0))
    assert exchanged(CORNER, (1, 1)).tolist() == [[2, 1]]
    monkeypatch.setattr(exchange, "_CLOSE", share)
    assert exchanged(CORNER, (1, 1)).tolist() == [[0, 1]]


def test_pivots_are_not_too_small(monkeypatch):
    monkeypatch.setattr(exchange, "_FLAT", np.nextafter(1.0, 0.0))
    assert exchanged(CORNER, (1, 1)).tolist() == [[2, 1]]
    monkeypatch.setattr(exchange, "_FLAT", 1.0)
    assert exchanged(CORNER, (1, 1)).tolist() == [[0, 1]]


def test_every_polytope_has_its_own_rows():
    rows = np.array([[X, Y, (1.0, 1.0)], [X, Y, (1.0, -1.0)]])
    both = Polytopes(rows, np.array([[0.0, 0, 1], [0, 0, -9]]), np.array([[2.0, 2, 5], [2, 2, -1]]))
    forms = np.array([[[1.0, 1.0], [2.0, 1.0]], [[1.0, 1.0], [-1.0, -1.0]]])
    found = improved(both, forms, coordinates(2, 2, 2), 9)
    assert found.tolist() == [[[2, 1], [0, 2]], [[0, 2], [2, 1]]]
    values = least(both, forms, 0 * forms, found)
    assert values == pytest.approx(np.array([[1.0, 1.0], [1.0, -3.0]]), abs=1e-12)


def test_bases_of_rows_that_depend_on_each_other_show_nothing():
    bases = np.array([[[0, 0], [0, 2], [2, 2]]])
    found = exchange._inverses(CORNER, bases)[0]
    assert np.isnan(found[[0, 2]]).all()
    assert found[1].tolist() == [[1.0, 0.0], [-1.0, 1.0]]
    forms = np.array([[[1.0, 1.0]] * 3])
    assert improved(CORNER, forms, bases, 9).tolist() == [[[0, 0], [0, 2], [2, 2]]]
    values = least(CORNER, forms, 0 * forms, bases)[0]
    assert values.tolist()[::2] == [-np.inf, -np.inf]
    assert values[1] == pytest.approx(1.0, abs=1e-12)


def test_rows_that_all_but_depend_on_each_other_have_an_inverse():
    unit = 2.0**-52
    thin = polytope((X, 0, 2), (Y, 0, 2), ((1.0, 1.0), 1, 5), ((1.0, 1.0 + unit), 1, 5))
    found = exchange._inverses(thin, np.array([[[2, 3]]]))[0, 0]
    assert found * unit == pytest.approx(np.array([[1.0, -1.0], [-1.0, 1.0]]))


def test_infinite_ends_show_nothing():
    open_ = polytope((X, -np.inf, np.inf), (Y, 0, 2), ((1.0, 1.0), 1, 5))
    forms = np.array([[[1.0, 1.0], [0.0, 1.0]]])
    assert least(open_, forms, 0 * forms, coordinates(1, 2, 2)).tolist() == [[-np.inf, -np.inf]]
    assert improved(open_, forms, coordinates(1, 2, 2), 3).shape == (1, 2, 2)
    beside = polytope((X, 0, 2), (Y, 0, 2), ((1.0, 1.0), -np.inf, np.inf))
    assert exchanged(beside, (1, 1)).tolist() == [[0, 1]]


def test_a_row_with_ends_enters_for_one_without():
    line = polytope(((1.0,), -np.inf, np.inf), ((2.0,), 1, 3))
    assert exchanged(line, (1,)).tolist() == [[1]]


def test_infinite_ends_of_rows_that_have_no_weight_do_no_harm():
    half = polytope((X, 2, 3), (Y, 0, 2), ((1.0, 1.0), 1, np.inf))
    forms = np.array([[[1.0, 0.0]]])
    assert least(half, forms, 0 * forms, np.array([[[0, 2]]])) == pytest.approx(2.0, abs=1e-12)


def below(value: float, lost: float) -> float:
    """A value less what it loses, rounded down."""
    return float(down(np.array(value - lost * SLACK - TINY), 2))


def test_least_values_are_lowered_by_what_rounding_may_do():
    """x is from 2 to 3, y from 1 to 4: sizes of a form and its weights are the same, so each counts
    twice with the largest number of its axis, and once more with the end that it is put at."""
    box = polytope((X, 2, 3), (Y, 1, 4))
    forms = np.array([[[1.0, -2.0], [1.0, 0.0], [0.0, 0.0], [-0.5, 0.25]]])
    doubt = np.array([[[0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [1.0, 0.5]]])
    found = least(box, forms, doubt, coordinates(1, 4, 2))[0]
    room = gamma(6)
    assert found.tolist() == [
        below(-6.0, (2 * 3 + 4 * 4 + 10) * room),
        below(2.0, (2 * 3 + 2) * room),
        below(0.0, 0.0),
        pytest.approx(-1.25 - (3.0 + 2.0) * SLACK, abs=1e-13),
    ]
    assert found[3] < -6.25
    assert found[2] < 0


def test_what_a_basis_lacks_of_a_form_counts(monkeypatch):
    """Inverses that are wrong by an eighth leave an eighth of the form to the sizes."""
    monkeypatch.setattr(exchange, "_inverses", lambda *how: np.eye(2)[None, None] * [1.0, 0.875])
    box = polytope((X, 2, 3), (Y, 1, 4))
    forms = np.array([[[1.0, -2.0]]])
    found = least(box, forms, 0 * forms, coordinates(1, 1, 2))[0]
    assert found == pytest.approx([2.0 - 1.75 * 4 - 0.25 * 4 * SLACK], abs=1e-12)
