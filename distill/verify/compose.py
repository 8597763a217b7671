"""Claims about a whole from claims about its parts.

If A is right within a and B within b, and B is steep by at most L, then B after A is right within
b + L a, provided that B's domain holds A's image with a more on all sides. Of two claims about the
same inputs, P beside N and N beside O, the distances add. A discrete wire whose margin exceeds a
takes the error back to 0. What can't be shown so is refused.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from distill.errors import BadInput
from distill.evidence import RANK, Claim, weaker
from distill.normal_form import Array, NormalForm
from distill.verify.slope import lipschitz

METHOD = "composition"


@dataclass(frozen=True, eq=False)
class Later:
    """The later part as its program or network computes it, over a box (n,) of its inputs.

    slope: a bound that is claimed for it; it is found where none is.
    """

    form: NormalForm
    lower: Array
    upper: Array
    slope: float | None = None

    def steepness(self) -> float:
        """The bound, computed anew in any case.

        Raises:
            BadInput: the claimed one is smaller than what can be shown, or none can be shown.
        """
        found = lipschitz(self.form, self.lower, self.upper)
        if not np.isfinite(found):
            raise BadInput("the later part jumps, so an error before it may grow without bound")
        if self.slope is not None and not self.slope >= found:
            raise BadInput(
                f"the later part is claimed to be steep by {self.slope:.6g} at most, and only "
                f"{found:.6g} can be shown"
            )
        return found if self.slope is None else self.slope


def after(first: Claim, second: Claim, later: Later, image: tuple[Array, Array]) -> Claim:
    """The claim about B after A, from claims about A (`first`) and B (`second`).

    later: the program of B (or B itself), on the box that `second` is about; image: a box (n,),
    (n,) that holds all of A's outputs. Where `second` rests on draws of its own domain the verdict
    is unknown: they say nothing of what A gives.

    Raises:
        BadInput: a claim has no distance, the box doesn't hold the image with A's error on all
            sides, or no slope can be shown.
    """
    a, b = _distance(first), _distance(second)
    low = np.nextafter(image[0] - a, -np.inf)
    high = np.nextafter(image[1] + a, np.inf)
    if not ((low >= later.lower).all() and (high <= later.upper).all()):
        raise BadInput(
            f"what the first part gives, {a:.4g} more on all sides, isn't within what the claim "
            "about the second is about"
        )
    steep = later.steepness()
    whole = _up(b + _up(steep * a))
    asked = [c.tolerance if c.tolerance is not None else _distance(c) for c in (first, second)]
    verdict = weaker(first.verdict, second.verdict)
    if second.verdict == "tested":
        verdict = weaker(verdict, "unknown")
    text = f"within {whole:.4g} = {b:.4g} + {steep:.4g} * {a:.4g}"
    tolerance = max(_up(asked[1] + _up(steep * asked[0])), whole)
    return _whole(first, second, verdict, text, whole, tolerance)


def in_a_row(first: Claim, second: Claim) -> Claim:
    """The claim about P beside O, from claims about P beside N and N beside O on the same inputs.

    Distances add; of two claims of equality the exceptions are joined.

    Raises:
        BadInput: a claim has no distance, or one is about equality and the other isn't.
    """
    if (first.tolerance is None) != (second.tolerance is None) and not _same(first, second):
        raise BadInput("one claim is about equality and the other about a distance")
    a, b = _distance(first), _distance(second)
    whole = _up(a + b)
    asked = [c.tolerance for c in (first, second) if c.tolerance is not None]
    equal = not asked
    text = "equal, as both are" if equal else f"within {whole:.4g} = {a:.4g} + {b:.4g}"
    tolerance = None if equal else max(_up(sum(asked)), whole)
    verdict = weaker(first.verdict, second.verdict)
    return _whole(first, second, verdict, text, whole, tolerance)


def decided(first: Claim, margin: float) -> Claim:
    """The claim about a wire's decisions, from one about its number and the least distance from a
    decision that it ever has.

    Raises:
        BadInput: the number may be off by as much, so that a decision may fall otherwise.
    """
    a = _distance(first)
    if not margin > a:
        raise BadInput(f"decisions are {margin:.4g} clear and the number is off by up to {a:.4g}")
    text = f"equal: decisions are {margin:.4g} clear, more than the {a:.4g} of {_cited(first)}"
    return Claim(
        first.verdict, METHOD, text, achieved=0.0, exempt=first.exempt, left_out=first.left_out,
        arithmetic=first.arithmetic, count=first.count,
    )  # fmt: skip


def better(composed: Claim, direct: Claim | None) -> Claim:
    """Of a composed claim and a direct one the refuted, the stronger, the tighter one."""
    if direct is None:
        return composed
    if direct.verdict == "refuted":
        return direct
    ranks = RANK.index(composed.verdict), RANK.index(direct.verdict)
    if ranks[0] != ranks[1]:
        return direct if ranks[1] > ranks[0] else composed
    known = composed.achieved is not None and direct.achieved is not None
    return direct if known and (direct.achieved or 0.0) < (composed.achieved or 0.0) else composed


def _distance(claim: Claim) -> float:
    """How far apart the two sides of a claim are at most.

    Raises:
        BadInput: it doesn't say.
    """
    if claim.verdict in ("refuted", "unknown") or claim.achieved is None:
        raise BadInput(f"nothing follows from a claim that is {claim.verdict}: {claim.statement}")
    return claim.achieved


def _same(first: Claim, second: Claim) -> bool:
    """Whether one of them says that there is no difference at all, whatever is compared."""
    return "relational" in (first.method, second.method) and 0.0 in (
        first.achieved, second.achieved
    )  # fmt: skip


def _whole(
    first: Claim,
    second: Claim,
    verdict: str,
    text: str,
    achieved: float,
    tolerance: float | None,
) -> Claim:
    exempt = " or ".join(c.exempt for c in (first, second) if c.exempt) or None
    return Claim(
        verdict,
        METHOD,
        f"{text}: {_cited(first)}; {_cited(second)}",
        tolerance=tolerance,
        achieved=achieved,
        exempt=exempt,
        left_out=min(_up(first.left_out + second.left_out), 1.0) if exempt else 0.0,
        arithmetic=first.arithmetic or second.arithmetic,
        count=min(first.count, second.count),
    )


def _cited(claim: Claim) -> str:
    return f"{claim.statement} ({claim.verdict} by {claim.method})"


def _up(value: float) -> float:
    """At least a sum or product that was rounded to nearest once; 0 stays."""
    return float(np.nextafter(value, np.inf)) if value > 0 else 0.0
