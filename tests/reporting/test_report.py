"""The report: what stands on it, that it loads nothing, and that nothing gets in unescaped."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import distill
from distill.cli import answer
from distill.distillation import Distillation
from distill.piece import Piece
from distill.reporting.markup import Markup, escaped, tag
from dsl.domain_text import parse_domain
from dsl.text import parse_program
from tests.reporting.pages import (
    HOSTILE,
    Reader,
    addition,
    digits,
    hostile,
    largest,
    majority,
    page_of,
)

TAGS = """html head meta title style body script header main footer nav section article h1 h2 h3 p
span div small a b em code pre input ul ol li dl dt dd table thead tbody tr th td figure figcaption
details summary svg g path rect circle text defs marker pattern"""
ALLOWED = set(TAGS.split())


def test_the_page_shows_program_evidence_sizes_and_a_truth_table():
    page = Reader(page_of(majority(), name="majority.distilled"))
    for wanted in ("majority.distilled", "count(x) > 2", "✓ Proved", "equal on all 32 inputs",
                   "29 bits", "x[4]", "✓ located", "the network's own arithmetic"):  # fmt: skip
        assert wanted in page.text
    rows = [a for t, a in page.tags if t == "td" and (a.get("class") or "").startswith("value")]
    assert len(rows) == 64


def test_two_inputs_are_a_map_beside_the_networks():
    page = page_of(largest())
    assert page.count("its values over a and b") == 2
    assert re.search(r"the two differ by 0\.000\d+ at most here", page)


def test_a_loop_is_drawn_as_a_machine():
    page = Reader(page_of(addition()))
    states = [a for t, a in page.tags if t == "circle" and a.get("class") == "state"]
    assert len(states) == 2
    assert "1, 1 → 0" in page.text
    assert "After every item carry becomes" in page.text


def test_the_largest_network_of_the_suite_stays_small():
    page = page_of(digits())
    assert len(page.encode()) < 2_000_000
    assert "what the 16 strongest first units read" in page


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_names_appear_escaped(text: str):
    found = hostile(text)
    page = page_of(found, name=text)
    reader = Reader(page)
    assert {t for t, _ in reader.tags} <= ALLOWED
    assert [t for t, _ in reader.tags].count("script") == 1
    handlers = [n for _, a in reader.tags for n in a if n.startswith("on")]
    links = [a["href"] or "" for _, a in reader.tags if "href" in a]
    assert handlers == []
    assert all(link.startswith("#") for link in links)
    visible = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    assert visible[:60] in reader.text
    assert not set(page) & set("\0\u202e")


def test_names_with_labels_of_categories_are_escaped():
    domain = parse_domain('x: category("<i>", "\\"") * y: category("a","b")')
    program = parse_program("def predict(x: category(2), y: category(2)) -> bool =\n  x == y\n")
    found = replace(majority(), domain=domain, program=program, located=None)
    with pytest.raises(distill.errors.BadInput):
        page_of(found)  # the network has other inputs than this domain


ODD_PLACES = (
    {"wire": 3, "read": [[1.0]]},
    {"wire": "x", "read": [[1.0], [1.0, 2.0]]},
    {"wire": [], "read": [], "neurons": 7},
    {"wire": "x", "read": [["1"]], "label": None, "neurons": ["a"]},
)


@pytest.mark.parametrize("place", ODD_PLACES, ids=range(len(ODD_PLACES)))
def test_a_place_that_no_run_writes_is_told_and_not_drawn(place):
    row = {
        "variable": "count(x)",
        "verdict": "located",
        "place": place,
        "interchange": {"everywhere": 1},
    }
    page = Reader(page_of(replace(majority(), located={"variables": [row, 3]})))
    assert "✓ located" in page.text
    assert not any(a.get("class") == "chip" for _, a in page.tags)


def test_how_often_the_network_followed_a_variable_is_told():
    row = (majority().located or {})["variables"][0]
    counted = row["interchange"]["everywhere"]
    share = 100 * counted["passed"] / counted["trials"]
    page = Reader(page_of(majority()))
    assert f"{share:.1f} %" in page.text
    assert any(a.get("class") == "chip" for _, a in page.tags)


def test_markup_escapes_all_that_it_did_not_make():
    made = tag("p", "<b>", tag("i", "&"), None, ["x", Markup("<br>")], title="\"'<>", hidden=True)
    assert made == (
        "<p title=\"&quot;&#x27;&lt;&gt;\" hidden>&lt;b&gt;<i>&amp;</i>x<br></p>"
    )  # fmt: skip
    assert escaped("a\0b\u202e") == "a\\x00b\\u202e"


@pytest.mark.parametrize("make", [majority, largest, addition, digits])
def test_the_page_refers_to_nothing_outside(make):
    reader = Reader(page_of(make()))
    names = [(t, n) for t, a in reader.tags for n in a if n in ("src", "srcset", "action", "data")]
    assert names == []
    assert all((a["href"] or "").startswith("#") for _, a in reader.tags if "href" in a)
    policy = next(a["content"] for t, a in reader.tags if a.get("http-equiv"))
    assert policy is not None and policy.startswith("default-src 'none'")
    page = page_of(make())
    assert (
        "http://" not in page and "https://" not in page and "url(" not in page.replace("url(#", "")
    )


@pytest.mark.parametrize("make", [majority, largest, addition])
def test_every_link_leads_somewhere_and_every_id_is_there_once(make):
    reader = Reader(page_of(make()))
    ids = [a["id"] for _, a in reader.tags if "id" in a]
    assert len(ids) == len(set(ids))
    wanted = {(a["href"] or "")[1:] for _, a in reader.tags if "href" in a}
    assert wanted <= set(ids)


def test_the_same_result_gives_the_same_page():
    assert page_of(majority()) == page_of(majority())


def refuted() -> Distillation:
    """The larger of two numbers, claimed to be the first."""
    found = largest()
    counter = {"inputs": [-0.5, 0.5], "network": 0.5, "program": -0.5}
    claim = replace(
        found.evidence.program_vs_deployed, verdict="refuted", counterexamples=[counter]
    )
    evidence = replace(found.evidence, program_vs_deployed=claim)
    program = parse_program("def predict(a: real, b: real) -> real =\n  a - b * b * b\n")
    return replace(found, program=program, evidence=evidence)


def test_counterexamples_are_marked_in_the_map_and_can_be_opened():
    reader = Reader(page_of(refuted()))
    marks = [a for t, a in reader.tags if t == "a" and a.get("aria-label") == "counterexample"]
    assert {a["href"] for a in marks} == {"#counterexample-1"}
    assert any(t == "details" and a.get("id") == "counterexample-1" for t, a in reader.tags)
    assert "✗ Refuted" in reader.text


def test_definitions_and_pieces_are_modules_with_links():
    found = majority()
    text = (
        "def most(n: int, k: int) -> bool =\n  n * 2 > k\n"
        "def predict(x: bool[5]) -> bool =\n  most(count(x), 5)\n"
    )
    spec = parse_program("def v1(n: int) -> int =\n  n + 1\n")
    domain = parse_domain("n: int(0,5)")
    claim = found.evidence.program_vs_deployed
    last = parse_program("def y(m: int) -> bool =\n  m > 3\n")
    pieces = (
        Piece("v1", spec, spec, ("count(x)",), domain, claim),
        Piece("y0", last, last, ("v1",), parse_domain("m: int(1,6)"), claim),
    )
    page = page_of(replace(found, program=parse_program(text), pieces=pieces))
    reader = Reader(page)
    assert {f"module-{i}" for i in range(4)} <= {a.get("id") for _, a in reader.tags}
    assert page.count('<a href="#module-1">most</a>') >= 2  # where it is defined, and called
    assert "It takes count(x)." in reader.text


def test_data_drive_the_lines(tmp_path: Path):
    x = np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]])
    text = (
        "def predict(x: bool[5]) -> bool =\n"
        "  if x[0] then count(x) > 2 else (if x[1] then x[2] else x[3])\n"
    )
    found = replace(majority(), program=parse_program(text))
    reader = Reader(page_of(found, (x, np.array([1, 0]))))
    assert "no example comes here" in reader.text
    assert "the program is right on 1 labels (50 %)" in reader.text
    unseen = [a for _, a in reader.tags if a.get("class") == "line unseen"]
    assert len(unseen) == 1


def test_the_command_writes_the_page_into_the_folder(tmp_path: Path, capsys):
    folder = majority().save(tmp_path / "run")
    assert answer(["report", str(folder)]) == 0
    assert "report.html" in capsys.readouterr().out
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert page == page_of(majority(), name="run")
    assert answer(["check", str(folder)]) == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["report", "missing"], "isn't the folder of a finished distillation"),
        (["report", "run", "--data", "missing.npz"], "doesn't exist"),
        (["report", "run", "--data", "wide.npz"], "the data has 3 columns"),
        (["report", "run", "--data", "outside.npz"], "no row of the data lies in the domain"),
        (["report", "run", "--out", "nowhere/page.html"], "Can't write to"),
        (["report", "run", "--out", "run"], "is a folder"),
        (["explain", "run"], "give either the data"),
        (["explain", "run", "--example", "3"], "give either the data"),
        (["explain", "run", "--input", "1, 2"], "the program takes 1 values"),
        (["explain", "run", "--input", "[1"], "can't read the input"),
        (["explain", "run", "--data", "rows.npz", "--example", "9"], "there is no example 9"),
        (["explain", "run", "--data", "rows.npz", "--example", "-1"], "there is no example -1"),
    ],
)  # fmt: skip
def test_bad_input_gets_one_sentence_and_leaves_nothing(words, told, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    majority().save(tmp_path / "run")
    np.savez("wide.npz", x=np.ones((2, 3)))
    np.savez("outside.npz", x=np.full((2, 5), 7.0))
    np.savez("rows.npz", x=np.ones((2, 5)))
    before = sorted(p.name for p in tmp_path.rglob("*"))
    assert answer(words) == 2
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1
    assert sorted(p.name for p in tmp_path.rglob("*")) == before


def test_from_python(tmp_path: Path):
    folder = majority().save(tmp_path / "run")
    place = distill.report(folder)
    assert place == folder / "report.html"
