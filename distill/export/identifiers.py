"""Names from models and people as identifiers and comments of other languages.

A name is data: what isn't a letter, a digit or `_` of ASCII becomes `_`, long names end in a hash
of the whole, and in comments a name stands quoted with everything escaped that could end it.
"""

from __future__ import annotations

import hashlib
import keyword
import re
from collections.abc import Iterable

_LONGEST = 40
_SHOWN = 200
_OURS = re.compile(r"[cnrt]\d+")
"""What generated code calls constants, steps and registers, also their next values."""

_C = """auto break case char const continue default do double else enum extern float for goto if
    inline int long register restrict return short signed sizeof static struct switch typedef union
    unsigned void volatile while bool true false asm typeof class new delete this template main
    int64_t uint64_t size_t abs exp log sin cos tanh sqrt erf floor ceil rint fabs fmod fmax fmin
    gamma y0 y1 yn j0 j1 jn index signbit isnan isinf out n i
    pow round trunc log2 log10 log1p exp2 expm1 cbrt hypot lgamma tgamma erfc asin acos atan atan2
    asinh acosh atanh fma fdim logb ilogb ldexp frexp modf scalbn scalbln remainder remquo nan
    nextafter nearbyint lrint lround llrint llround copysign isfinite isnormal fpclassify
    NAN INFINITY HUGE_VAL NULL INT64_C INT64_MIN INT64_MAX I offsetof ptrdiff_t wchar_t linux unix
    """
C_WORDS = frozenset(_C.split())
PYTHON_WORDS = frozenset(
    [
        *keyword.kwlist,
        "np",
        "torch",
        "self",
        "columns",
        "number",
        "items",
        "outputs",
        "valid",
        "t",
        "n",
        "length",
        "found",
    ]
)


def identifier(name: str, taken: Iterable[str] = (), reserved: frozenset[str] = C_WORDS) -> str:
    """A valid identifier for a name that is neither reserved, nor ours, nor taken."""
    found = re.sub(r"[^A-Za-z0-9_]", "_", name)
    if len(found) > _LONGEST:
        digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
        found = f"{found[: _LONGEST - 9]}_{digest[:8]}"
    if not found or not found[0].isalpha():
        found = f"v{found}" if found.startswith("_") else f"v_{found}"
    used = set(taken)
    base, count = found, 1
    while found in used or found in reserved or _OURS.fullmatch(found):
        count += 1
        found = f"{base}_{count}"
    return found


def identifiers(
    names: Iterable[str], taken: Iterable[str] = (), reserved: frozenset[str] = C_WORDS
) -> list[str]:
    """Different identifiers for names, in order."""
    found: list[str] = []
    used = list(taken)
    for name in names:
        found.append(identifier(name, [*used, *found], reserved))
    return found


def quoted(text: str) -> str:
    """A text for a comment of any language: on one line, in quotes, escaped, at most 200 long."""
    body = ascii(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")
    for risky in ("*/", "/*", "??", "-->", "<!--", "</"):
        body = body.replace(risky, " ".join(risky))
    return body
