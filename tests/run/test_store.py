"""Results in files: shared by processes, bounded, whole after a kill, and never believed when they
are damaged or someone else's."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from distill.run.cache import cache, unfinished
from distill.run.hashing import content_hash
from distill.run.packed import pack, unpack
from distill.run.seal import own_key
from distill.run.store import FILE, MEBIBYTE, Store, remove

KEY = b"k" * 32
ROOT = Path(__file__).resolve().parents[2]


def store(folder: Path, limit: int | None = None, key: bytes = KEY) -> Store:
    return Store(folder, key, limit)


def noise(count: int, seed: int) -> bytes:
    return np.random.default_rng(seed).bytes(count)


def test_results_are_found_by_another_store_of_the_same_folder(tmp_path: Path) -> None:
    store(tmp_path).put("a", "search", b"one")
    assert store(tmp_path).get("a") == b"one"
    assert store(tmp_path).get("b") is None


@pytest.mark.parametrize("column", ["value", "seal", "kind", "key"])
def test_a_row_that_was_changed_is_a_miss(tmp_path: Path, column: str) -> None:
    store(tmp_path).put("a", "claim", b"one")
    with sqlite3.connect(tmp_path / FILE) as file:
        other = "b" if column in ("kind", "key") else b"other"
        file.execute(f"update results set {column} = ?", (other,))
    file.close()
    assert store(tmp_path).get("b" if column == "key" else "a") is None


@pytest.mark.parametrize("value", [None, 3, "text"])
def test_a_row_of_another_kind_of_value_is_a_miss(tmp_path: Path, value: object) -> None:
    store(tmp_path).put("a", "claim", b"one")
    with sqlite3.connect(tmp_path / FILE) as file:
        file.execute("pragma ignore_check_constraints = 1")
        file.execute("create table other as select * from results")
        file.execute("drop table results")
        file.execute("alter table other rename to results")
        file.execute("update results set value = ?", (value,))
    file.close()
    assert store(tmp_path).get("a") is None


def test_what_another_user_wrote_is_not_believed(tmp_path: Path) -> None:
    store(tmp_path, key=b"o" * 32).put("a", "claim", b"proved")
    assert store(tmp_path).get("a") is None


def test_the_key_is_made_once_and_for_the_user_alone(tmp_path: Path) -> None:
    place = tmp_path / "state" / "seal"
    first = own_key(place)
    assert own_key(place) == first
    assert place.stat().st_mode & 0o077 == 0
    place.chmod(0o644)
    assert own_key(place) != first  # anyone may have read it


def test_the_least_recently_used_go_first(tmp_path: Path) -> None:
    kept = store(tmp_path, limit=3500)
    for name in "abc":
        kept.put(name, "x", noise(1000, ord(name)))
    assert kept.get("a") is not None
    kept.put("d", "x", noise(1000, 4))
    assert kept.keys() == {"a", "c", "d"}
    kept.put("e", "x", noise(5000, 5))  # more than there is room for: it alone isn't kept
    assert kept.keys() == {"a", "c", "d"}
    held = kept.contents()
    assert held is not None
    assert held.size <= 3500


def test_a_bound_that_was_set_stays(tmp_path: Path) -> None:
    kept = store(tmp_path, limit=8 * MEBIBYTE)
    for number in range(3):
        kept.put(str(number), "x", noise(600_000, number))
    kept.bound(1)
    assert kept.keys() == {"2"}
    again = store(tmp_path, limit=8 * MEBIBYTE)
    again.put("3", "x", noise(600_000, 3))
    assert again.keys() == {"3"}
    assert (tmp_path / FILE).stat().st_size < 2 * MEBIBYTE


@pytest.mark.parametrize("damage", ["head", "middle", "text"])
def test_a_damaged_file_is_one_warning_and_no_store(tmp_path: Path, damage: str) -> None:
    kept = store(tmp_path)
    for number in range(20):
        kept.put(str(number), "x", noise(5000, number))
    kept.close()
    raw = bytearray((tmp_path / FILE).read_bytes())
    if damage == "text":
        raw = bytearray(b"not a database at all " * 400)
    else:
        begin = 0 if damage == "head" else 4096
        raw[begin : begin + 12_000] = noise(12_000, 99)
    (tmp_path / FILE).write_bytes(raw)
    said: list[str] = []
    again = Store(tmp_path, KEY, MEBIBYTE, said.append)
    for number in range(20):
        assert again.get(str(number)) in (None, noise(5000, number))
        again.put(f"new {number}", "x", b"y")
    assert len(said) == 1
    remove(tmp_path)
    fresh = store(tmp_path)
    fresh.put("a", "x", b"y")
    assert fresh.get("a") == b"y"


def test_a_folder_that_cannot_be_made_is_one_warning(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said: list[str] = []
    kept = Store(tmp_path / "file" / "cache", KEY, None, said.append)
    kept.put("a", "x", b"y")
    assert kept.get("a") is None
    assert len(said) == 1


WRITER = """
import sys
from pathlib import Path
from distill.run.store import Store
store = Store(Path(sys.argv[1]), b"k" * 32, warn=lambda s: sys.exit(s))
print("ready", flush=True)
sys.stdin.readline()
for number in range(200):
    store.put(f"{sys.argv[2]} {number}", "x", str(number).encode() * 50)
"""


def python(code: str, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def together(processes: Sequence[subprocess.Popen[str]]) -> list[int]:
    """Let processes begin at once, and wait for them."""
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        process.communicate()
    return [process.returncode for process in processes]


def test_two_processes_write_at_once_and_nothing_is_lost(tmp_path: Path) -> None:
    assert together([python(WRITER, str(tmp_path), name) for name in "ab"]) == [0, 0]
    kept = store(tmp_path)
    for name in "ab":
        for number in range(200):
            assert kept.get(f"{name} {number}") == str(number).encode() * 50


KILLED = """
import os, signal, sqlite3, sys
from pathlib import Path
from distill.run import store
kept = store.Store(Path(sys.argv[1]), b"k" * 32)
kept.put("before", "x", b"whole")
left = int(sys.argv[2])
def tick(statement):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
kept._connection.set_trace_callback(tick)
kept.put("during", "x", b"whole too")
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("statement", [1, 2, 3, 9])
def test_a_kill_in_the_middle_of_writing_leaves_what_was_there(
    tmp_path: Path, statement: int
) -> None:
    process = python(KILLED, str(tmp_path), str(statement))
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    kept = store(tmp_path)
    assert kept.get("before") == b"whole"
    assert kept.get("during") in (None, b"whole too")
    kept.put("after", "x", b"y")
    assert kept.get("after") == b"y"


def test_packed_results_are_safetensors_files(tmp_path: Path) -> None:
    arrays = {"w": np.arange(6.0).reshape(2, 3), "n": np.array([1, -2]), "t": np.array([True])}
    raw = pack({"a": [1, 0.1, "ä", None]}, arrays)
    data, found = unpack(raw)
    assert data == {"a": [1, 0.1, "ä", None]}
    assert all((found[k] == v).all() and found[k].dtype == v.dtype for k, v in arrays.items())
    library = pytest.importorskip("safetensors.numpy", reason="safetensors isn't installed")
    assert (library.load(raw)["w"] == arrays["w"]).all()
    (tmp_path / "one.safetensors").write_bytes(raw)
    with pytest.importorskip("safetensors").safe_open(tmp_path / "one.safetensors", "np") as file:
        assert json.loads(file.metadata()["json"]) == data


@pytest.mark.parametrize("cut", [0, 4, 8, 30, -1])
def test_bytes_that_are_no_packed_result_are_refused(cut: int) -> None:
    raw = pack([1], {"w": np.arange(3.0)})
    with pytest.raises(ValueError, match=r"packed|Expecting|Unterminated|array|decode"):
        unpack(raw[:cut])


def test_contents_that_differ_have_different_hashes() -> None:
    different = [
        (1,), (1.0,), ("1",), (True,), (None,), (b"1",), ((1,),), (1, 2), ((1, 2),), ("ab", "c"),
        ("a", "bc"), (np.array([1.0, 2.0]),), (np.array([[1.0], [2.0]]),), (np.array([1, 2]),),
        (0.1 + 0.2,), (0.3,), (-0.0,), (0.0,), ((1, (2,)),), ((1, 2), ()),
    ]  # fmt: skip
    assert len({content_hash(*parts) for parts in different}) == len(different)
    with pytest.raises(TypeError):
        content_hash(lambda: 1)


def test_an_unfinished_run_is_forgotten_unless_it_is_resumed(tmp_path: Path) -> None:
    out = tmp_path / "out"
    unfinished(out, resume=False).memory.shelves[0].put("a", "x", b"y")
    again = unfinished(out, resume=True)
    assert again.found_before == 1
    again.close()
    anew = unfinished(out, resume=False)
    assert anew.found_before == 0
    assert anew.memory.shelves[0].get("a") is None
    anew.done()
    assert list(tmp_path.iterdir()) == []


def test_the_cache_is_where_it_is_said_to_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISTILL_CACHE", str(tmp_path / "here"))
    found = cache()
    assert found is not None
    assert found.folder == tmp_path / "here"
    monkeypatch.setenv("DISTILL_CACHE", "")
    assert cache() is None
