"""A headless Chromium that is told what to do through two pipes, in its own protocol."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "chrome")
BROWSER = next((path for path in map(shutil.which, NAMES) if path), None)


class Page:
    """One page; `faults` are console errors, exceptions and requests that it made."""

    def __init__(self, send: int, receive: int) -> None:
        self.out, self.into = os.fdopen(send, "wb"), os.fdopen(receive, "rb")
        self.number, self.session, self.faults = 0, "", []
        self.events: list[str] = []
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        attached = self.ask("Target.attachToTarget", targetId=target, flatten=True)
        self.session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command; what it answers."""
        self.number += 1
        words = {"id": self.number, "method": method, "params": parameters}
        words |= {"sessionId": self.session} if self.session else {}
        self.out.write(json.dumps(words).encode() + b"\0")
        self.out.flush()
        while True:
            answer = self._read()
            if answer.get("id") == self.number:
                assert "error" not in answer, answer
                return answer["result"]

    def _read(self) -> dict[str, Any]:
        text = bytearray()
        while (byte := self.into.read(1)) != b"\0":
            assert byte, "the browser ended"
            text += byte
        found = json.loads(text)
        self._note(found)
        return found

    def _note(self, event: dict[str, Any]) -> None:
        method, told = event.get("method", ""), event.get("params", {})
        self.events.append(method)
        if method == "Runtime.exceptionThrown" or (
            method == "Runtime.consoleAPICalled" and told["type"] in ("error", "warning")
        ):
            self.faults.append(json.dumps(told)[:500])
        if method == "Log.entryAdded" and told["entry"]["level"] in ("error", "warning"):
            self.faults.append(told["entry"]["text"])
        if method == "Network.requestWillBeSent":
            address = told["request"]["url"]
            if not address.startswith(("file:", "about:")):
                self.faults.append(address)

    def open(self, path: Path, width: int = 1100, dark: bool = False, fragment: str = "") -> None:
        """Load a file and wait until it is loaded."""
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=800,
                 deviceScaleFactor=1, mobile=width < 500)  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.ask("Emulation.setEmulatedMedia", features=[scheme])
        self.events.clear()
        self.ask("Page.navigate", url=path.as_uri() + fragment)
        while "Page.loadEventFired" not in self.events:
            self._read()

    def value(self, script: str) -> Any:
        """What an expression of the page's language is worth."""
        found = self.ask("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")


@contextmanager
def browser(folder: Path) -> Iterator[Page]:
    """A browser with a profile of its own, ended with the block."""
    assert BROWSER is not None
    theirs_in, ours_out = os.pipe()
    ours_in, theirs_out = os.pipe()
    options = [
        "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe",
        "--disable-dev-shm-usage", f"--user-data-dir={folder}",
    ]  # fmt: skip
    shell = 'exec 3<&"$1" 4>&"$2"; shift 2; exec "$@"'
    process = subprocess.Popen(
        ["bash", "-c", shell, "browser", str(theirs_in), str(theirs_out), BROWSER, *options],
        pass_fds=(theirs_in, theirs_out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(theirs_in)
    os.close(theirs_out)
    try:
        yield Page(ours_out, ours_in)
    finally:
        process.kill()
        process.wait()
