"""Whatever evidence.json and front.json hold, a check ends in a verdict or in one sentence."""

import json
import shutil
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from folders import copied, edited, first, make

from distill.checker.folder import check_folder
from distill.errors import BadInput
from distill.export.folder import load_distillation

DEEP = "[" * 3000 + "]" * 3000
WRONG = st.one_of(
    st.sampled_from(
        [None, True, -1, 0, 10**400, -(10**30), 1e308, float("nan"), float("inf"), "", "proved",
         [], {}, [1], {"a": 1}, "9" * 5000, "(" * 3000, "x: bool[1000000000]", "real[99999999]",
         "category(999999999)", "a.b", "x: int(0," + "9" * 400 + ")"]
    ),
    st.integers(), st.floats(), st.text(max_size=8),
)  # fmt: skip
FUZZ = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    place = tmp_path_factory.mktemp("hostile")
    return {"listed": make("listed", place), "side": make("side", place)}


def places(data, above=()):
    """Paths to all that a JSON value holds."""
    pairs = data.items() if isinstance(data, dict) else enumerate(data)
    for key, value in pairs:
        yield (*above, key)
        if isinstance(value, dict | list):
            yield from places(value, (*above, key))


def replaced(data, place, value):
    *above, last = place
    for key in above:
        data = data[key]
    data[last] = value


def sentence_or_verdict(folder):
    """The check must not end in any other way."""
    try:
        return check_folder(folder).verdict
    except BadInput as error:
        told = str(error)
    assert len(told) < 1000
    assert "\n" not in told
    return "bad input"


@FUZZ
@given(data=st.data())
@pytest.mark.parametrize("name", ["listed", "side"])
def test_no_value_in_the_files_ends_in_a_traceback(made, tmp_path, name, data):
    folder = tmp_path / "copy"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(made[name], folder)
    file = folder / data.draw(st.sampled_from(["evidence.json"] * 3 + ["front.json"]))
    content = json.loads(file.read_text())
    place = data.draw(st.sampled_from(sorted(places(content), key=str)))
    replaced(content, place, data.draw(WRONG))
    file.write_text(json.dumps(content))
    sentence_or_verdict(folder)


@pytest.mark.parametrize("file", ["evidence.json", "front.json"])
@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe\x00", b"[]", b"3", b"null", DEEP.encode(), b'{"schema": 1}',
     b'{"schema": ' + b"9" * 9000 + b"}"],
)  # fmt: skip
def test_files_that_are_no_record_are_bad_input(made, tmp_path, file, content):
    folder = copied(made, "listed", tmp_path)
    (folder / file).write_bytes(content)
    for read in (check_folder, load_distillation):
        with pytest.raises(BadInput, match=file.replace(".", r"\.")):
            read(folder)


def test_truncated_evidence_is_bad_input(made, tmp_path):
    folder = copied(made, "side", tmp_path)
    whole = (folder / "evidence.json").read_bytes()
    for length in range(1, len(whole) - 2, max(len(whole) // 40, 1)):
        (folder / "evidence.json").write_bytes(whole[:length])
        assert sentence_or_verdict(folder) == "bad input"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda data: data.pop("seed"), "lacks seed"),
        (lambda data: data.update(steps=-5), "must give steps as a whole number"),
        (lambda data: first(data).update(count=10**400), "program_vs_deployed.count"),
        (lambda data: first(data).update(share_left_out=1.5), "from 0 to 1"),
        (lambda data: data.update(surprise=1), "which no run writes"),
        (lambda data: data["sha256"].pop("network"), "must give sha256"),
        (lambda data: data["bits"].update(program=0), "must give bits"),
        (lambda data: data.update(parts=[3]), "must give parts"),
    ],
)
def test_the_sentence_says_what_would_be_right(made, tmp_path, change, words):
    folder = edited(copied(made, "listed", tmp_path), change)
    with pytest.raises(BadInput) as caught:
        check_folder(folder)
    assert "evidence.json" in str(caught.value)
    assert words in str(caught.value)
