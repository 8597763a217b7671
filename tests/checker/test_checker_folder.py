"""Honest folders hold; a folder in which anything was changed doesn't."""

import json
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from folders import JOBS, copied, edited, first, forged, make, verdict

from distill.checker.folder import check_folder
from distill.errors import BadInput
from distill.load import load, write_onnx
from distill.load.examples import examples_hash, read_examples
from dsl.domain_text import parse_domain


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    place = tmp_path_factory.mktemp("folders")
    return {name: make(name, place) for name in JOBS}


@pytest.mark.parametrize(
    ("name", "claim", "method"),
    [
        ("listed", "proved", "exhaustive"),
        ("largest", "proved", "bounds"),
        ("within", "proved", "bounds"),
        ("choice", "proved", "bounds"),
        ("side", "proved", "bounds"),
        ("drawn", "tested", "sampling"),
        ("own", "proved", "relational"),
        ("measured", "tested", "sampling"),
    ],
)
def test_honest_folders_hold(made, name, claim, method):
    found = check_folder(made[name])
    data = json.loads((made[name] / "evidence.json").read_text())
    assert (data["verdict"], data["method"]) == (claim, method)
    assert found.verdict == "holds", found.lines
    assert all(line.startswith(("holds: ", "note: ")) for line in found.lines)


def test_a_forger_who_changes_nothing_is_not_accused(made, tmp_path):
    for name in ("listed", "side"):
        assert verdict(forged(copied(made, name, tmp_path))) == "holds"


def test_proofs_say_how_many_leaves_were_confirmed(made):
    (line,) = [text for text in check_folder(made["side"]).lines if "boxes of the proof" in text]
    good, total = map(int, re.findall(r"(\d+) of (\d+) boxes", line)[0])
    assert good == total > 1


def replaced(path, before, after):
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


@pytest.mark.parametrize("name", ["program.py", "test_program.py", "summary.txt"])
def test_changed_exports_are_refuted_and_never_run(made, tmp_path, name):
    folder = copied(made, "listed", tmp_path)
    mark = tmp_path / "was_run"
    path = folder / name
    path.write_text(path.read_text() + f"\nopen({str(mark)!r}, 'w')\n")
    assert verdict(folder) == "refuted"
    assert not mark.exists()


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [("listed", "> 2", "> 1"), ("within", "=\n  ", "=\n  1 + "), ("side", "0.3", "0.4")],
)
def test_a_changed_program_is_refuted_even_when_all_files_agree(
    made, tmp_path, name, before, after
):
    folder = copied(made, name, tmp_path)
    replaced(folder / "program.dsl", before, after)
    assert verdict(folder) == "refuted"
    assert verdict(forged(folder)) == "refuted"


@pytest.mark.parametrize("name", ["listed", "within", "side"])
def test_a_changed_weight_is_refuted_even_when_all_files_agree(made, tmp_path, name):
    folder = copied(made, name, tmp_path)
    network = load(folder / "network.onnx")
    largest = max(network.constants, key=lambda k: network.constants[k].size)
    network.constants[largest][...] *= -1  # pyright: ignore
    write_onnx(network, folder / "network.onnx")
    assert verdict(folder) == "refuted"
    digest = load(folder / "network.onnx").sha256()
    forged(folder, lambda data: data["sha256"].update(network=digest, original=digest))
    assert verdict(folder) == "refuted"


def test_the_networks_own_arithmetic_has_to_be_exactly_that(made, tmp_path):
    folder = copied(made, "own", tmp_path)
    text = (folder / "program.dsl").read_text()
    longest = max(re.findall(r"\d+\.\d+", text), key=len)
    last = {"1": "2"}.get(longest[-1], "1")
    replaced(folder / "program.dsl", longest, longest[:-1] + last)
    assert verdict(forged(folder)) == "refuted"


def test_an_exception_smaller_than_the_rounding_does_not_hold(made, tmp_path):
    def narrowed(data):
        margin = first(data)["margin"] / 100
        first(data).update(margin=margin)
        first(data)["except"] = f"network's decision margin <= {margin:.4g}"

    assert verdict(forged(copied(made, "own", tmp_path), narrowed)) == "unknown"


@pytest.mark.parametrize("key", ["achieved", "tolerance"])
def test_a_bound_that_is_too_tight_is_refuted(made, tmp_path, key):
    folder = copied(made, "within", tmp_path)
    assert verdict(forged(folder, lambda data: first(data).update({key: 1e-6}))) == "refuted"


def test_both_bounds_lowered_below_what_the_proof_shows_do_not_hold(made, tmp_path):
    folder = copied(made, "within", tmp_path)
    worst = float(re.search(r"difference in them is (\S+);", str(check_folder(folder))).group(1))
    tight = {"achieved": 1.002 * worst, "tolerance": 1.002 * worst}
    assert verdict(forged(folder, lambda data: first(data).update(tight))) != "holds"


@pytest.mark.parametrize("name", ["drawn", "within"])
def test_a_raised_verdict_is_refuted(made, tmp_path, name):
    folder = copied(made, name, tmp_path)
    edited(folder, lambda data: data.update(verdict="proved_to_length"))
    assert verdict(folder) == "refuted"
    forged(folder, lambda data: first(data).update(verdict="proved", method="sampling"))
    assert verdict(folder) == "refuted"


@pytest.mark.parametrize("method", ["bounds", "smt", "exhaustive", "relational"])
def test_a_test_that_is_renamed_to_a_proof_does_not_hold(made, tmp_path, method):
    folder = copied(made, "drawn", tmp_path)
    forged(folder, lambda data: first(data).update(verdict="proved", method=method))
    assert verdict(folder) != "holds"


def pruned(data):
    piece = first(data)["certificate"]["pieces"][0]
    piece["cuts"] = piece["cuts"][:-1]


def uncut(data):
    """More leaves than boxes."""
    first(data)["certificate"]["pieces"][0]["cuts"] = ".."


def moved(data):
    piece = first(data)["certificate"]["pieces"][0]
    piece["cuts"] = "a@1e3;" + piece["cuts"][1:]


def beyond(data):
    piece = first(data)["certificate"]["pieces"][0]
    piece["cuts"] = "z" + piece["cuts"][1:]


def listed(data):
    first(data)["certificate"]["pieces"][0]["cuts"] = ["a", ".", "."]


@pytest.mark.parametrize("change", [uncut, moved, beyond, listed])
def test_cuts_that_do_not_tile_the_domain_do_not_hold(made, tmp_path, change):
    for name in ("within", "side"):
        assert verdict(edited(copied(made, name, tmp_path), change)) == "unknown"


def test_a_lost_leaf_or_piece_does_not_hold(made, tmp_path):
    assert verdict(edited(copied(made, "within", tmp_path), pruned)) == "unknown"

    def shortened(data):
        first(data)["certificate"]["pieces"].pop()

    assert verdict(edited(copied(made, "choice", tmp_path), shortened)) == "unknown"
    nothing = edited(
        copied(made, "side", tmp_path), lambda data: first(data).update(certificate=None)
    )
    assert verdict(nothing) == "unknown"


@pytest.mark.parametrize(
    ("name", "domain"),
    [("within", "x: real(-9,4)"), ("side", "x: real(-90,2)")],
)
def test_a_wider_domain_does_not_hold(made, tmp_path, name, domain):
    folder = copied(made, name, tmp_path)
    edited(folder, lambda data: data.update(domain=domain))
    assert verdict(folder) == "refuted"


def test_a_domain_of_another_size_is_refused(made, tmp_path):
    folder = copied(made, "listed", tmp_path)
    edited(folder, lambda data: data.update(domain="x: bool[6]"))
    with pytest.raises(BadInput, match="6 network inputs"):
        check_folder(folder)


def test_a_wider_domain_is_proved_anew_or_not_at_all(made, tmp_path):
    folder = copied(made, "within", tmp_path)
    forged(folder, lambda data: data.update(domain="x: real(-900,4)"))
    assert verdict(folder) != "holds"


def test_exceptions_are_measured_again(made, tmp_path):
    def hidden(data):
        first(data).update(share_left_out=0.0)

    def narrowed(data):
        first(data).update(margin=1e-3)
        first(data)["except"] = "network's decision margin <= 0.001"

    def widened(data):
        first(data).update(margin=1e6)
        first(data)["except"] = "network's decision margin <= 1e+06"

    for number, change in enumerate((hidden, narrowed, widened)):
        folder = forged(copied(made, "drawn", tmp_path / str(number)), change)
        assert verdict(folder) == "refuted", change.__name__


def test_counts_and_sizes_are_counted_again(made, tmp_path):
    folder = copied(made, "listed", tmp_path)
    assert verdict(forged(folder, lambda data: first(data).update(count=31))) == "refuted"
    folder = copied(made, "drawn", tmp_path)
    assert verdict(forged(folder, lambda data: data["bits"].update(program=5.0))) == "refuted"


def test_a_refutation_is_replayed(made, tmp_path):
    def refute(example):
        def change(data):
            first(data).update(verdict="refuted", counterexample=example)

        return change

    folder = copied(made, "listed", tmp_path)
    example = {"inputs": {"x": [True, True, False, False, False]}}
    assert verdict(forged(folder, refute(example))) == "unknown"
    replaced(folder / "program.dsl", "> 2", "> 1")
    found = check_folder(forged(folder, refute(example)))
    assert found.verdict == "refuted"
    assert any("shows it again" in line for line in found.lines)
    assert verdict(forged(folder, refute(None))) == "unknown"


def test_a_tested_second_square_is_drawn_again_and_data_cannot_be(made, tmp_path):
    def claimed(statement):
        second = {"verdict": "tested", "method": "sampling", "statement": statement}

        def change(data):
            data["deployed_vs_original"].update(second)

        return change

    folder = copied(made, "listed", tmp_path)
    shutil.copy(folder / "network.onnx", folder / "original.onnx")
    drawn = "same decision on 50,000 of 50,000 independent uniform draws"
    assert verdict(forged(folder, claimed(drawn))) == "holds"
    assert verdict(forged(folder, claimed("same decision on 9 of 9 data inputs"))) == "unknown"
    network = load(folder / "original.onnx")
    for value in network.constants.values():
        np.negative(value, out=value)
    write_onnx(network, folder / "original.onnx")
    digest = load(folder / "original.onnx").sha256()

    def swapped(data):
        claimed(drawn)(data)
        data["sha256"]["original"] = digest

    assert verdict(forged(folder, swapped)) == "refuted"


def test_claims_about_data_are_made_again_on_the_data(made, tmp_path):
    assert "examples in data.csv agree" in str(check_folder(made["measured"]).lines)
    folder = copied(made, "measured", tmp_path)
    lines = (folder / "data.csv").read_text().splitlines()
    (folder / "data.csv").write_text("\n".join([lines[0], *lines[2:]]) + "\n")
    assert verdict(folder) == "refuted"

    def shorter(data):
        domain = parse_domain(data["domain"])
        examples = read_examples(folder / "data.csv", domain)
        data["sha256"]["data"] = examples_hash(domain, examples)

    assert verdict(forged(edited(folder, shorter))) == "refuted"


@pytest.mark.parametrize(
    "change",
    [lambda text: text.replace("x1", "y"), lambda text: text + "5.5,4.2\n",
     lambda text: text + "nan,3.4,1.7,0.2\n", lambda text: text + "a,b,c,d\n"],
)  # fmt: skip
def test_data_of_another_form_is_bad_input(made, tmp_path, change):
    folder = copied(made, "measured", tmp_path)
    path = folder / "data.csv"
    path.write_text(change(path.read_text()))
    with pytest.raises(BadInput, match=r"data\.csv"):
        check_folder(folder)
    path.unlink()
    with pytest.raises(BadInput, match=r"data\.csv"):
        check_folder(folder)


def test_bad_folders_are_refused_in_one_sentence(made, tmp_path):
    with pytest.raises(BadInput, match="isn't a folder"):
        check_folder(tmp_path / "nowhere")
    with pytest.raises(BadInput, match=r"evidence\.json"):
        check_folder(tmp_path)
    for name in ("program.py", "program.dsl", "network.onnx", "front.json"):
        folder = copied(made, "listed", tmp_path / name)
        (folder / name).unlink()
        with pytest.raises(BadInput) as caught:
            check_folder(folder)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "wrong",
    [{"verdict": "certain"}, {"method": 3}, {"margin": "wide"}, {"count": float("nan")},
     {"tolerance": -1.0}, {"except": 5}],
)  # fmt: skip
def test_evidence_that_no_run_writes_is_refused(made, tmp_path, wrong):
    folder = edited(copied(made, "listed", tmp_path), lambda data: first(data).update(wrong))
    with pytest.raises(BadInput, match=r"evidence\.json"):
        check_folder(folder)
