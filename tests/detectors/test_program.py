"""Networks of convolutions as programs that call detectors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from distill.detectors.program import detector_program
from distill.target import Target, make_target, parse_output
from dsl.domain_text import parse_domain
from dsl.meanings.array import run
from dsl.text import parse_program
from dsl.text_show import show_program
from tests.detectors.networks import SOBEL, convolutional, known

INPUTS = "x: image(6,6,int(0,16))"


def target_of(network, inputs: str = INPUTS, outputs: str = "category(2)") -> Target:
    return make_target(network, parse_domain(inputs), parse_output(outputs))


def test_filters_that_are_multiples_of_each_other_call_one_function() -> None:
    found = detector_program(target_of(known()))
    assert found is not None
    names = [d.name for d in found.definitions]
    assert names[:3] == ["vertical_edge", "blob", "template"]
    text = show_program(found)
    assert "[[[[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]]]" in text
    assert "vertical_edge([x])" in text
    assert text.count("vertical_edge([x])") == 2
    assert parse_program(text).definitions == found.definitions


@pytest.mark.parametrize("outputs", ["category(2)", "real[2]"])
def test_the_program_is_the_network(outputs: str) -> None:
    target = target_of(known(), outputs=outputs)
    found = detector_program(target)
    assert found is not None
    columns = target.domain.sample(np.random.default_rng(0), 300)
    ours = run(found, columns)
    wanted = target.output.decode(target.form.run(target.domain.encode(columns)))
    assert np.array_equal(ours, wanted)


def test_a_program_with_a_wrong_filter_is_told_from_the_network() -> None:
    target = target_of(known(), outputs="real[2]")
    found = detector_program(target)
    assert found is not None
    wrong = parse_program(show_program(found).replace("[-2, 0, 2]", "[-2, 0, 1]"))
    columns = target.domain.sample(np.random.default_rng(0), 20)
    wanted = target.form.run(target.domain.encode(columns))
    assert not np.allclose(run(wrong, columns), wanted)


def test_what_has_no_words_is_left_to_others() -> None:
    assert detector_program(target_of(known(pad=1))) is None
    signed = parse_domain("x: image(6,6,bool) as -1/1")
    target = target_of(known())
    assert detector_program(replace(target, domain=signed)) is None


def test_weights_that_are_no_whole_multiples_stay_as_they_are() -> None:
    rng = np.random.default_rng(0)
    taps = np.array([SOBEL * 0.3711, rng.standard_normal((3, 3))])[:, None]
    network = convolutional(taps, np.zeros(2), rng.standard_normal((1, 2, 2, 2)))
    target = target_of(network, outputs="real[2]")
    found = detector_program(target)
    assert found is not None
    assert "[[[[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]]]" in show_program(found)
    columns = target.domain.sample(np.random.default_rng(0), 50)
    wanted = target.form.run(target.domain.encode(columns))
    assert np.allclose(run(found, columns), wanted, rtol=1e-12)
