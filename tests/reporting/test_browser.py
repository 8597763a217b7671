"""The report in a browser: it opens without an error, folds, searches, fits a phone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.reporting.browser import BROWSER, Page, browser
from tests.reporting.pages import HOSTILE, addition, digits, hostile, largest, majority, page_of
from tests.reporting.test_report import refuted

pytestmark = pytest.mark.skipif(
    BROWSER is None, reason="no Chromium is installed (Debian: apt-get install chromium)"
)
TALLER = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browser(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture
def opened(tab: Page, tmp_path: Path) -> Any:
    """A function that writes a result's page and opens it."""

    def show(found: Any, name: str = "a run", data: Any = None, **options: Any) -> Page:
        path = tmp_path / "report.html"
        path.write_text(page_of(found, data, name), encoding="utf-8")
        tab.faults.clear()
        tab.open(path, **options)
        return tab

    return show


@pytest.mark.parametrize("make", [majority, largest, addition, digits])
@pytest.mark.parametrize(("width", "dark"), [(1100, False), (1100, True), (375, False)])
def test_it_opens_without_an_error_and_fits(opened: Any, make: Any, width: int, dark: bool):
    page = opened(make(), width=width, dark=dark)
    assert page.faults == []
    assert page.value(TALLER)
    shown = "getComputedStyle(document.body).backgroundColor"
    assert (page.value(shown) == "rgb(21, 23, 27)") == dark


def test_the_largest_network_of_the_suite_opens_within_two_seconds(opened: Any):
    opened(majority())  # the browser itself is warm
    page = opened(digits())
    times = "performance.timing.loadEventEnd - performance.timing.navigationStart"
    deadline = time.monotonic() + 5
    while page.value(times) <= 0 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert 0 < page.value(times) < 2000


def test_levels_fold_and_unfold(opened: Any):
    page = opened(majority())
    levels = "[...document.querySelectorAll('.level')].map(e => e.open)"
    assert page.value(levels) == [True, False]
    page.value("document.querySelectorAll('.level')[1].firstElementChild.click()")
    assert page.value(levels) == [True, True]
    page.value("document.querySelectorAll('.level')[0].firstElementChild.click()")
    assert page.value(levels) == [False, True]
    assert page.faults == []


def test_search_opens_what_holds_the_word_and_hides_the_rest(opened: Any):
    page = opened(majority())
    find = "(w => {{ const b = document.getElementById('search'); b.value = w;"
    find += "b.dispatchEvent(new Event('input')); }})('{}')"
    shown = "[...document.querySelectorAll('main section[id]')].filter(e => !e.hidden)"
    shown += ".map(e => e.id)"
    every = page.value(shown)
    page.value(find.format("hidden layer"))
    assert page.value(shown) == ["variables"]
    page.value(find.format("exhaustive"))
    assert page.value("document.querySelector('#evidence details:not(.x)').open") in (True, False)
    assert "evidence" in page.value(shown)
    page.value(find.format("nothing has this"))
    assert page.value(shown) == []
    assert not page.value("document.getElementById('nothing').hidden")
    page.value(find.format(""))
    assert page.value(shown) == every
    assert page.value("[...document.querySelectorAll('.level')].map(e => e.open)") == [True, False]


def test_a_counterexample_in_the_map_opens_what_is_told_of_it(opened: Any):
    page = opened(refuted())
    box = "document.getElementById('counterexample-1').open"
    assert page.value(box) is False
    page.value("location.hash = '#counterexample-1'")
    page.value("new Promise(r => setTimeout(r, 50))")
    deadline = time.monotonic() + 5
    while not page.value(box) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert page.value(box) is True
    assert page.faults == []


def test_decisions_are_reached_from_their_lines(opened: Any):
    import numpy as np

    page = opened(majority(), data=np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]]))
    link = page.value("document.querySelector('.count a').getAttribute('href')")
    page.value("document.querySelector('.count a').click()")
    deadline = time.monotonic() + 5
    open_ = f"document.querySelector('{link}').open"
    while not page.value(open_) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert page.value(open_) is True


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_names_do_nothing(opened: Any, text: str):
    page = opened(hostile(text), name=text, width=375)
    assert page.faults == []
    assert page.value("window.hacked") is None
    assert page.value("document.scripts.length") == 1
    assert page.value("document.images.length") == 0
    assert page.value(TALLER)
