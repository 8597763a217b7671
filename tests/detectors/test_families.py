"""Filters that are known are called what they are; random ones are templates."""

from __future__ import annotations

import numpy as np
import pytest

from distill.detectors.families import CHANCE, LIKE, classify, pictures

SOBEL = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1.0]])
PREWITT = np.array([[-1, 0, 1]] * 3, float)
LAPLACE = np.array([[0, -1, 0], [-1, 4, -1], [0, -1, 0.0]])
LINE = np.array([[-1, 2, -1]] * 3, float)
CORNER = np.array([[-1, -1, -1], [-1, 1, 1], [-1, 1, 1.0]])
DIAGONAL = np.array([[2, 1, 0], [1, 0, -1], [0, -1, -2.0]])


@pytest.mark.parametrize(
    ("taps", "family", "name", "words"),
    [
        (SOBEL, "edge", "vertical_edge", "vertical edges, brighter right"),
        (-SOBEL, "edge", "vertical_edge", "vertical edges, brighter left"),
        (PREWITT.T, "edge", "horizontal_edge", "horizontal edges, brighter below"),
        (DIAGONAL, "edge", "rising_edge", "rising edges, brighter upper left"),
        (LINE, "line", "vertical_line", "bright vertical lines"),
        (-LINE.T, "line", "horizontal_line", "dark horizontal lines"),
        (LAPLACE, "blob", "blob", "bright spots"),
        (CORNER, "corner", "top_left_corner", "top left corners of bright shapes"),
        (CORNER[::-1], "corner", "bottom_left_corner", "bottom left corners of bright shapes"),
        (np.ones((3, 3)), "average", "average", "brightness"),
    ],
)
@pytest.mark.parametrize("scale", [1.0, 0.013, 40.0])
def test_known_filters_have_their_names(
    taps: np.ndarray, family: str, name: str, words: str, scale: float
) -> None:
    found = classify(scale * taps)
    assert (found.family, found.name, found.words) == (family, name, words)
    assert found.likeness > 0.95


def test_noise_on_a_filter_changes_its_likeness_and_not_its_name() -> None:
    rng = np.random.default_rng(0)
    found = classify(SOBEL + 0.2 * rng.standard_normal((3, 3)))
    assert found.name == "vertical_edge"
    assert 0.9 < found.likeness < 1.0


def test_few_random_filters_are_called_anything_but_templates() -> None:
    rng = np.random.default_rng(7)
    kinds = [classify(t) for t in rng.standard_normal((400, 3, 3))]
    share = np.mean([k.family != "template" for k in kinds])
    assert share <= 2 * CHANCE
    assert all(k.likeness >= LIKE for k in kinds if k.family != "template")


def test_windows_of_four_cells_are_hardly_ever_more_than_templates() -> None:
    rng = np.random.default_rng(7)
    kinds = [classify(t) for t in rng.standard_normal((200, 2, 2))]
    assert np.mean([k.family != "template" for k in kinds]) <= 2 * CHANCE


def test_a_filter_of_several_channels_is_one_picture_in_a_mix_of_them() -> None:
    mixed = np.array([1.0, -2.0, 0.5])[:, None, None] * SOBEL
    assert classify(mixed).name == "vertical_edge"
    assert "mix of channels" in classify(mixed).words
    other = np.array([SOBEL, SOBEL.T, LAPLACE])
    assert classify(other).likeness < 0.8


def test_a_filter_of_zeros_and_one_of_a_cell_are_templates() -> None:
    assert classify(np.zeros((1, 3, 3))).words == "nothing: all its weights are zero"
    assert classify(np.ones((4, 1, 1))).family == "template"


def test_no_picture_is_empty_and_zero_mean_but_averages() -> None:
    for rows, columns in ((2, 2), (3, 3), (5, 5), (1, 4), (3, 5)):
        for picture in pictures(rows, columns):
            assert np.abs(picture.cells).max() > 0
            if picture.family != "average":
                assert abs(picture.cells.sum()) < 1e-9
