"""Checks a box certificate: does |output| <= eps hold for every point of the domain?

Written apart from the prover, and simple: the leaf boxes are re-derived from the cuts (so they
tile the domain), and in every leaf the output is bounded again in exact arithmetic from the
recorded slopes, which can be bad but not unsound. Nothing in the certificate is trusted.
Smooth functions are evaluated in widened floats (`smooth`); all the rest never rounds.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from distill.checker.exact import exact
from distill.checker.leaf import Records, check_leaves, exact_weights, needed
from distill.checker.smooth import NoBound
from distill.checker.tree import Leaves, Refused, Roots, claimed_roots, spread, walk
from distill.normal_form import Affine, Array, Elementwise, NormalForm

_BATCH = 32
_RATIONAL = frozenset(
    ["relu", "abs", "max", "min", "mul", "square", "floor", "round", "sign", "greater", "equal"]
)
_FAULTS = (
    Refused,
    NoBound,
    KeyError,
    TypeError,
    ValueError,
    IndexError,
    AttributeError,
    OverflowError,
)
"""What reading a wrong certificate may raise; any of them means: not shown."""


@dataclass(frozen=True)
class CheckResult:
    """`holds`: every leaf looked at confirms the claim (all leaves, unless a cap was given);
    `arithmetic`: "exact", or "floats" when a smooth function took part; `reason`: why not."""

    holds: bool
    leaves_checked: int
    leaves_total: int
    reason: str
    arithmetic: str = "exact"


def check_bounds(
    certificate: dict,
    form: NormalForm,
    lower: Array,
    upper: Array,
    eps: float,
    *,
    integral: NDArray[np.bool_] | None = None,
    most_leaves: int | None = None,
) -> CheckResult:
    """Check that |output_k(x)| <= eps for every x of the boxes `lower`, `upper` ((n,) or (b, n)).

    `most_leaves` caps the leaves that are bounded again (evenly spread); tiling is always checked
    in full, and `leaves_checked < leaves_total` then says that the check is partial.
    """
    arithmetic = "exact" if _functions(form) <= _RATIONAL else "floats"
    try:
        domain = claimed_roots(lower, upper, integral, form.input_width)
        _same_claim(certificate, form, domain, eps)
        leaves, records = walk(certificate, domain), _records(certificate, form)
    except _FAULTS as fault:
        return CheckResult(False, 0, 0, _reason(fault), arithmetic)
    rows = spread(len(leaves.node), most_leaves)
    checked, reason = _confirm(form, records, leaves, rows, eps)
    return CheckResult(not reason, checked, len(leaves.node), reason, arithmetic)


def _functions(form: NormalForm) -> set[str]:
    nodes = (form.nodes[index] for index in needed(form))
    return {node.function for node in nodes if isinstance(node, Elementwise)}


def _confirm(
    form: NormalForm,
    records: dict[int, Records],
    leaves: Leaves,
    rows: NDArray[np.int64],
    eps: float,
) -> tuple[int, str]:
    """Bound the chosen leaves again: how many were confirmed, and why the next was not."""
    checked = 0
    try:
        weights = exact_weights(form)
        while checked < len(rows):
            batch = rows[checked : checked + _BATCH]
            check_leaves(form, weights, records, leaves, batch, exact(eps))
            checked += len(batch)
    except _FAULTS as fault:
        return checked, _reason(fault)
    return checked, ""


def _reason(fault: Exception) -> str:
    if isinstance(fault, Refused | NoBound):
        return str(fault)
    return f"The certificate is malformed: {type(fault).__name__}."


def _same_claim(certificate: dict, form: NormalForm, roots: Roots, eps: float) -> None:
    if certificate["kind"] != "bounds" or certificate["version"] != 1:
        raise Refused("This is not a certificate of bounds, version 1.")
    if certificate["form"] != digest(form):
        raise Refused("The certificate is for another network or program.")
    if not (np.isfinite(eps) and certificate["eps"] <= eps):
        raise Refused(f"The certificate is for a tolerance of {certificate['eps']}, not {eps}.")
    corners = [np.asarray(certificate[side], dtype=np.float64) for side in ("lower", "upper")]
    same = all(
        np.array_equal(corner, own)
        for corner, own in zip(corners, (roots.lower, roots.upper), strict=True)
    )
    if not same or certificate["integral"] != roots.integral.tolist():
        raise Refused("The certificate is for another domain.")


def digest(form: NormalForm) -> str:
    """SHA-256 of a normal form: structure and every float64 bit of its weights."""
    found = hashlib.sha256()
    for node in form.nodes:
        if not isinstance(node, Affine):
            found.update(repr(node).encode())
            continue
        found.update(f"affine {len(node.bias)}".encode())
        for source, matrix in node.terms:
            found.update(f"term {source} {matrix.shape}".encode())
            found.update(np.ascontiguousarray(matrix, dtype="<f8").tobytes())
        found.update(np.ascontiguousarray(node.bias, dtype="<f8").tobytes())
    found.update(f"output {form.output}".encode())
    return found.hexdigest()


def _records(certificate: dict, form: NormalForm) -> dict[int, Records]:
    found = {}
    for column in certificate["slopes"]:
        node = form.nodes[column["node"]]
        if not isinstance(node, Elementwise) or column["node"] in found:
            raise Refused("Slopes are given for a node that has none, or twice.")
        leaf, unit = (np.asarray(column[k], dtype=np.int64) for k in ("leaf", "unit"))
        shape = (len(leaf), len(node.sources))
        lower, upper = (
            np.asarray(column[k], dtype=np.float64).reshape(shape) for k in ("lower", "upper")
        )
        order = np.argsort(leaf, kind="stable")
        found[column["node"]] = Records(leaf[order], unit[order], lower[order], upper[order])
    return found
