"""The rung of mixed-integer programs: proved to the solver's tolerance, never more."""

from __future__ import annotations

import time

import numpy as np

from distill.evidence import Claim
from distill.normal_form import Array, Builder, NormalForm, append
from distill.run.budget import Stop, steps_left
from distill.verify.boxes import Piece, named, pieces_of, rounding_of
from distill.verify.crown import enclose
from distill.verify.envelope import float_error
from distill.verify.exact import surely_exceeds
from distill.verify.layers import layered
from distill.verify.lower import difference, lower_program, network_over_scalars
from distill.verify.milp import NODE_PRICE, largest
from distill.verify.refutation import confirmed, with_reals
from distill.verify.replay import Replay
from distill.verify.square import Square
from distill.verify.wording import ARITHMETIC
from dsl.algebra import Unsupported
from dsl.domain import DomainError
from dsl.meanings.interval import well_defined
from dsl.types import BOOL

_KINKS_AT_MOST = 400
_TOLERANCE = "; bounded by a solver in floating point, which is no rigorous proof"


def milp_may(square: Square) -> bool:
    """Real outputs, or one truth of a finite domain, without conditions on the inputs."""
    domain, output = square.target.domain, square.target.output
    if domain.where is not None or domain.encoding_map() is None or square.guard is not None:
        return False
    return not output.discrete or (output.type == BOOL and domain.count is not None)


def milp_claim(square: Square, nodes: int, should_stop: Stop | None = None) -> Claim | None:
    """|network - program| <= eps, or equal decisions, to the solver's tolerance; None where the
    two aren't piecewise linear. Where the solver finds a difference that holds up it refutes."""
    begin, left = time.perf_counter(), steps_left(should_stop)
    if should_stop is not None and should_stop():
        return None
    nodes = nodes if left is None else min(nodes, 1 + left // NODE_PRICE)
    try:
        if square.target.output.discrete:
            return _decisions(square, nodes, should_stop, begin)
        return _within(square, nodes, should_stop, begin)
    except (Unsupported, DomainError):
        return None


def _within(square: Square, nodes: int, stop: Stop | None, begin: float) -> Claim | None:
    achieved, troubles, eps = 0.0, list[str](), square.target.tolerance
    differ: list[Replay] = []
    pieces = list(pieces_of(square))
    for piece in pieces:
        if not well_defined(piece.program, named(piece, piece.lower[None], piece.upper[None]))[0]:
            return None
        gap = difference(piece.form, piece.program, piece.domain)
        form = layered(_both_ways(gap))
        if form is None or sum(form.widths()) > _KINKS_AT_MOST:
            return None
        box = piece.lower, piece.upper, piece.domain.integral()
        answer = largest(form, *box, max(nodes // (2 * len(pieces)), 1), stop)
        exceeds = np.array([p for p in answer.points if surely_exceeds(gap, p, eps)])
        found = confirmed(square, piece.whole(exceeds), begin, "milp") if len(exceeds) else []
        if isinstance(found, Claim):
            return found
        differ += found
        troubles += [answer.trouble] * bool(answer.trouble)
        achieved = max(achieved, float(answer.bounds.max()) + rounding_of(piece))
    return with_reals(_claim(square, achieved, eps, troubles, begin), differ) if pieces else None


def _decisions(square: Square, nodes: int, stop: Stop | None, begin: float) -> Claim | None:
    """How far the network is on the other side of its level than the program says."""
    domain = square.target.domain
    network = network_over_scalars(square.target.form, domain)
    low, high = domain.value_box()
    if network is None or not well_defined(square.program, _whole_box(square))[0]:
        return None
    form = layered(_against(square, network, low, high), steps=True)
    if form is None or sum(form.widths()) > _KINKS_AT_MOST:
        return None
    answer = largest(form, low, high, domain.integral(), max(nodes // 2, 1), stop)
    found = confirmed(square, answer.points, begin, "milp")
    if isinstance(found, Claim):
        return found
    rounding = 2.0 * float(float_error(network, low[None], high[None]).max())
    achieved = float(answer.bounds.max()) + rounding
    return _claim(square, achieved, square.margin, [answer.trouble] * bool(answer.trouble), begin)


def _whole_box(square: Square) -> dict[str, tuple[Array, Array]]:
    low, high = square.target.domain.value_box()
    domain, form = square.target.domain, square.target.form
    return named(Piece(form, square.program, domain, low, high), low[None], high[None])


def _against(square: Square, network: NormalForm, low: Array, high: Array) -> NormalForm:
    """Outputs (2,): how far below its level the network is where the program says true, and how
    far above where it says false; less than any margin on the other side."""
    level = square.target.output.level
    below, above = enclose(network, low[None], high[None]).ranges[network.output]
    far = 2.0 * float(np.maximum(np.abs(below), np.abs(above)).max() + abs(level)) + 1.0
    builder = Builder(network.input_width)
    value = append(builder, network, 0)
    (says,) = lower_program(square.program, square.target.domain, builder, truths=True)
    signs = np.array([[-1.0], [1.0]])
    bias = np.array([level - far, -level])
    return builder.build(builder.affine([(value, signs), (says, -far * signs)], bias))


def _both_ways(gap: NormalForm) -> NormalForm:
    builder = Builder(gap.input_width)
    wire = append(builder, gap, 0)
    one = np.eye(builder.width(wire))
    return builder.build(builder.affine([(wire, np.vstack([one, -one]))], np.zeros(2 * len(one))))


def _claim(
    square: Square, achieved: float, asked: float, troubles: list[str], begin: float
) -> Claim:
    """What the bounds come to; bounds of a solver that isn't to be trusted come to nothing."""
    discrete = square.target.output.discrete
    proved = not troubles and achieved <= (asked if not discrete else asked - 1e-300)
    if not np.isfinite(achieved) and not troubles:
        text = "the solver found no bound within its nodes"
    elif troubles:
        text = f"the solver gave no bound: {troubles[0]}"
    elif discrete:
        text = "equal on every input" if proved else "not decided"
        text += f"; the network is on the program's side by {-achieved:.4g} or more"
    else:
        text = f"within {achieved:.4g} on every input of the domain" + _TOLERANCE
    return Claim(
        "proved_to_solver_tolerance" if proved else "unknown",
        "milp",
        text + (_TOLERANCE if discrete and proved else ""),
        tolerance=None if discrete else asked,
        achieved=(0.0 if discrete else achieved) if proved else None,
        exempt=square.exempt,
        margin=square.margin,
        band=square.band,
        widths=square.widths,
        arithmetic=ARITHMETIC,
        seconds=time.perf_counter() - begin,
    )
