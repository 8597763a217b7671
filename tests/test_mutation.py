"""The runner of mutants: a change reaches everybody, lines know their statements, results last."""

from __future__ import annotations

import ast
import sys
from types import ModuleType

import pytest

from benchmarks.mutation import page, store
from benchmarks.mutation.mutants import Mutant, _places, _wordings
from benchmarks.mutation.session import in_fork, install

TEXT = '''"""Something."""
from dataclasses import dataclass, field

LIMIT = 3


@dataclass(frozen=True)
class Pair:
    first: int
    rest: list = field(default_factory=list)

    def total(self):
        return self.first + LIMIT


def double(x, times=2):
    return times * x


TABLE = {"double": double, "add": lambda x: x + 1}
'''


@pytest.fixture
def module(monkeypatch):
    made, user = ModuleType("test_made"), ModuleType("test_user")
    made.__dict__["__name__"] = "test_made"
    for name, one in (("test_made", made), ("test_user", user)):
        monkeypatch.setitem(sys.modules, name, one)
    exec(TEXT, vars(made))
    exec("from test_made import LIMIT, Pair, TABLE, double", vars(user))
    return made, user


@pytest.mark.parametrize(
    ("old", "new", "asked", "before", "after"),
    [
        ("times * x", "times + x", "double(5)", 10, 7),
        ("times=2", "times=3", "double(5)", 10, 15),
        ("LIMIT = 3", "LIMIT = 4", "LIMIT", 3, 4),
        ("LIMIT = 3", "LIMIT = 4", "Pair(1).total()", 4, 5),
        ("self.first +", "self.first -", "Pair(1).total()", 4, -2),
        ("x + 1", "x - 1", "TABLE['add'](5)", 6, 4),
        ("times * x", "times + x", "TABLE['double'](5)", 10, 7),
        ("default_factory=list", "default_factory=lambda: [7]", "Pair(1).rest", [], [7]),
    ],
)
def test_a_change_reaches_those_who_have_imported(module, old, new, asked, before, after):
    made, user = module
    assert eval(asked, vars(user)) == before
    install(made, compile(TEXT.replace(old, new), "made", "exec"))
    assert eval(asked, vars(user)) == after
    assert eval(asked, vars(made)) == after


def test_what_is_equal_stays_the_same_object(module):
    """So that `is` means what it did for those who took a constant before."""
    made, _ = module
    exec("LIST = [1.5]", vars(made))
    before = made.LIST
    install(made, compile(TEXT + "LIST = [1.5]", "made", "exec"))
    assert made.LIST is before
    install(made, compile(TEXT + "LIST = [2.5]", "made", "exec"))
    assert made.LIST == [2.5]


def test_lines_know_their_function_and_statement():
    text = "A = 1\ndef f(x=1):\n    if x > (\n        2\n    ):\n        y = [\n            1,\n"
    text += "        ]\n    return y\n"
    places = _places(ast.parse(text))
    assert places(1) == ("", range(0))
    assert places(2) == ("f", range(3, 10))
    assert places(4) == ("f", range(3, 6))
    assert places(7) == ("f", range(6, 9))
    assert places(9) == ("f", range(9, 10))


def test_wording_is_told_apart():
    text = 'Name = int\n_LIMIT = 3\ndef f():\n    x = "a sentence"\n    raise E("why", 1)\n'
    assert [start for start, _ in _wordings(ast.parse(text))] == [(5, 10), (4, 8), (1, 0)]


def test_a_fork_answers_or_ends():
    assert in_fork(lambda: 7, 5.0) == 7
    assert in_fork(lambda: sys.exit(1), 5.0) is None

    def forever():
        while True:
            pass

    assert in_fork(forever, 0.1) is None


def test_results_last_and_the_last_one_counts(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "FOLDER", tmp_path)
    assert store.results("a/b.py") == {}
    store.add("a/b.py", "x", "survived", "")
    store.add("a/b.py", "y", "killed", "test_b")
    store.add("a/b.py", "x", "killed", "test_a")
    assert store.results("a/b.py") == {"x": "killed", "y": "killed"}


def test_the_page_counts_and_lists_survivors_with_reasons(monkeypatch):
    monkeypatch.setattr(page.metadata, "version", lambda name: "1.0")
    mutants = [
        Mutant(name, "a/b.py", "f", 3, range(3, 4), f"x + {name} → x - {name}", False, "")
        for name in "uvw"
    ]
    some = page.File("a/b.py", mutants, {"u": "killed", "v": "survived", "w": "unreached"}, 2)
    rest = page.File("a/c.py", mutants, {"u": "killed"}, 0)
    none = page.File("a/d.py", mutants, {}, 0)
    text = page.page([some, rest, none], {"v": page.Reason("the same value", True)}, "make it")
    assert "| `a/b.py` | 3 | 1 | 2 | 1 | 33.3 % | 50.0 % | 2 |" in text
    assert "Not run, so not counted: `a/d.py`" in text
    assert "| `a/c.py` | 3 | 1 | 100.0 % |" in text
    assert "| with those run in full | 6 | 4 | 66.7 % ± " in text
    assert "The same value:\n\n- 3, f: `x + v` → `x - v`" in text
    assert "Not looked at:\n\n- 3, f: `x + w` → `x - w`" in text
