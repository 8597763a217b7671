"""What excites filters, their pictures, and the command that draws them."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

import distill
from distill.cli import answer
from distill.detectors.filters import filter_layers, window_of
from distill.detectors.pictures import grey, sheet, signed
from distill.errors import BadInput
from distill.load import network_from_normal_form, write_onnx
from tests.detectors.networks import SOBEL, known

ROWS = np.random.default_rng(3).integers(0, 17, (40, 36)).astype(float)


def test_the_made_up_input_is_the_best_one_there_is() -> None:
    found = distill.detect(known(), ROWS)
    first = found.detectors[0]
    assert np.array_equal(first.made.window[0], np.where(SOBEL > 0, 16, np.where(SOBEL < 0, 0, 8)))
    assert first.made.value == pytest.approx(4 * 16 + 0.5)


def test_the_made_up_input_excites_filters_of_the_second_layer_more_than_data_do() -> None:
    found = distill.detect(known(), ROWS)
    second = [d for d in found.detectors if d.layer == 2]
    assert len(second) == 2
    for detector in second:
        assert detector.made.window.shape == (1, 4, 4)
        assert detector.made.value > detector.seen[0].value


def test_windows_of_the_data_are_those_that_excite_most() -> None:
    found = distill.detect(known(), ROWS).detectors[0]
    images = ROWS.reshape(-1, 6, 6)
    best = max(
        (float((SOBEL * image[r : r + 3, c : c + 3]).sum()) + 0.5, number)
        for number, image in enumerate(images)
        for r in range(4)
        for c in range(4)
    )
    assert (found.seen[0].value, found.seen[0].row) == pytest.approx(best)
    assert float((SOBEL * found.seen[0].window[0]).sum()) + 0.5 == pytest.approx(best[0])
    values = [e.value for e in found.seen]
    assert values == sorted(values, reverse=True)
    assert len({e.row for e in found.seen}) == len(found.seen) == 5


def test_the_same_seed_gives_the_same_pictures() -> None:
    first, second = (distill.detect(known(), ROWS, seed=4) for _ in range(2))
    assert first.to_json() == second.to_json()
    assert [first.picture(d) for d in first.detectors] == [
        second.picture(d) for d in second.detectors
    ]


def test_filters_found_in_dense_layers_are_detectors_too() -> None:
    layers = filter_layers(network_from_normal_form(known().normal_form(), "image", "scores"))
    assert len(layers) == 1
    filters = sorted(np.abs(t).max() for t in layers[0].taps)
    assert filters == pytest.approx([1, 2, 4, 7])
    assert window_of(layers[0], 0).shape == (1, 3, 3)


def test_windows_are_cut_off_where_there_is_padding() -> None:
    layer = filter_layers(known(pad=1))[0]
    assert window_of(layer, 0).tolist() == [[[0, 1], [6, 7]]]
    assert window_of(layer, 7).shape == (1, 3, 3)


def test_a_network_without_filters_is_refused() -> None:
    model = Path(__file__).resolve().parents[2] / "examples" / "majority" / "model.onnx"
    with pytest.raises(BadInput, match="no filters"):
        distill.detect(model, np.zeros((3, 5)))
    with pytest.raises(BadInput, match="36 inputs"):
        distill.detect(known(), np.zeros((3, 5)))


def test_pictures_are_grey_and_signs_readable_without_colour() -> None:
    picture = ElementTree.fromstring(sheet("a", [("b", signed(SOBEL[None], 2.0), (42, 42))]))
    fills = [e.get("fill") for e in picture.iter() if e.tag.endswith("rect")]
    assert fills.count("black") == 3
    assert set(fills) == {"black", "white"}
    shades = ElementTree.fromstring(f"<g>{grey(np.array([[[0.0, 8.0, 99.0]]]), 0.0, 16.0)}</g>")
    assert [e.get("fill") for e in shades] == ["rgb(255,255,255)", "rgb(128,128,128)", "rgb(0,0,0)"]


def test_names_in_pictures_are_escaped() -> None:
    text = sheet("<script>&", [("<b>", "", (10, 10))])
    assert "<script>" not in text and "<b>" not in text
    assert ElementTree.fromstring(text)[0].text == "<script>&"


def test_the_command_writes_a_picture_for_every_filter(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_onnx(known(), tmp_path / "net.onnx")
    np.savez(tmp_path / "data.npz", x=ROWS)
    words = ["detectors", str(tmp_path / "net.onnx"), "--data", str(tmp_path / "data.npz"), "--to"]
    assert answer([*words, str(tmp_path / "pictures")]) == 0
    assert "vertical edges, brighter right" in capsys.readouterr().out
    files = sorted(p.name for p in (tmp_path / "pictures").iterdir())
    assert len(files) == 7
    for name in files[:-1]:
        assert ElementTree.parse(tmp_path / "pictures" / name).getroot().tag.endswith("svg")
    table = json.loads((tmp_path / "pictures" / "detectors.json").read_text())
    assert [d["family"] for d in table[:4]] == ["edge", "edge", "blob", "template"]
    (tmp_path / "taken").write_text("")
    assert answer([*words, str(tmp_path / "taken")]) == 2
