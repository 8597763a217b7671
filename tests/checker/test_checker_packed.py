"""Arrays of a certificate: what was packed comes out, anything else is refused."""

import base64
import zlib

import numpy as np
import pytest

from distill.checker.packed import unpacked_floats, unpacked_rows
from distill.checker.tree import Refused
from distill.verify.packed import packed_floats, packed_rows


def text(data, kind="<i8"):
    return base64.b64encode(zlib.compress(np.asarray(data).astype(kind).tobytes())).decode()


def test_rows_are_sums_of_their_differences():
    assert unpacked_rows(text([[1, 2], [1, -1], [0, 5]]), 2).tolist() == [[1, 2], [2, 1], [2, 6]]
    assert unpacked_rows(text([3, -1, 2]), 1).tolist() == [[3], [2], [4]]
    assert unpacked_rows(text([]), 3).shape == (0, 3)
    assert unpacked_rows(text([[1, 2]]), 2).dtype == np.int64
    rows = np.random.default_rng(0).integers(-99, 99, size=(20, 3))
    assert unpacked_rows(packed_rows(rows), 3).tolist() == rows.tolist()


def test_floats_come_out_as_they_went_in():
    values = np.random.default_rng(0).normal(size=(7, 3))
    assert unpacked_floats(packed_floats(values), 3).tolist() == values.tolist()
    found = unpacked_floats(text([[0.1, -3.0]], "<f8"), 2)
    assert found.tolist() == [[0.1, -3.0]]
    assert found.dtype == np.float64
    found[0, 0] = 1.0


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_floats_that_are_no_numbers_are_refused(value):
    with pytest.raises(Refused, match="finite"):
        unpacked_floats(text([[1.0, value]], "<f8"), 2)


def test_whole_numbers_that_are_too_large_are_refused():
    most = (1 << 40) - 1
    for value in (most, -most):
        assert unpacked_rows(text([value]), 1).tolist() == [[value]]
    for values in ([most + 1], [-most - 1], [most, 1], [-most, -1], [1 << 62, 1 << 62, 1 << 62]):
        with pytest.raises(Refused, match="too large"):
            unpacked_rows(text(values), 1)
    with pytest.raises(Refused, match="too large"):
        unpacked_rows(text([most, 1, -5]), 1)


good = text([[1, 2]])
raw = base64.b64decode(good)


@pytest.mark.parametrize(
    "wrong",
    [
        None, 7, "", "!" + good, good[:8] + "?" + good[9:], base64.b64encode(b"hello").decode(),
        base64.b64encode(raw[:-6]).decode(), base64.b64encode(raw[:-1]).decode(),
        base64.b64encode(zlib.compress(b"1234567")).decode(),
        base64.b64encode(zlib.compress(b"12345678")).decode(), [good],
    ],
)  # fmt: skip
def test_what_is_no_array_is_refused(wrong):
    for unpack in (unpacked_rows, unpacked_floats):
        with pytest.raises(Refused, match=r"can't be unpacked|cut off"):
            unpack(wrong, 2)


def test_an_array_of_another_width_is_refused():
    with pytest.raises(Refused, match="cut off or too long"):
        unpacked_rows(text([1, 2, 3]), 2)
    with pytest.raises(Refused, match="cut off or too long"):
        unpacked_floats(text([[1, 2]], "<f8"), 3)


def test_an_array_that_unpacks_to_too_much_is_refused():
    large = base64.b64encode(zlib.compress(bytes((1 << 26) + 8), 1)).decode()
    with pytest.raises(Refused, match="too long"):
        unpacked_floats(large, 1)
