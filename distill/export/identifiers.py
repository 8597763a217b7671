"""Names from models as identifiers of the languages that programs are exported to."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable

_LONGEST = 40


def identifiers(names: Iterable[str], reserved: Callable[[str], bool]) -> dict[str, str]:
    """An ASCII identifier for each name, no two alike and none `reserved`; a short name that is one
    already stays. `t1`, `t2` ... are never given: steps have those names."""
    found: dict[str, str] = {}
    for name in names:
        plain = re.sub(r"\W", "_", name, flags=re.ASCII) or "_"
        if len(plain) > _LONGEST:
            mark = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
            plain = f"{plain[: _LONGEST - 9]}_{mark}"
        if plain[0].isdigit() or plain.startswith("_"):
            plain = "x" + plain
        while plain in found.values() or reserved(plain) or re.fullmatch(r"t\d+", plain):
            plain += "_"
        found[name] = plain
    return found


def comment(text: str) -> str:
    """Text that may stand in a comment of any language: printable ASCII on one line, without ends
    of comments, trigraphs or a backslash at the end."""
    plain = ascii(text)[1:-1].replace("*/", "* /").replace("/*", "/ *").replace("??", "? ?")
    return plain + "." if plain.endswith("\\") else plain
