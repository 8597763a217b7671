"""Well-formedness: every precondition of a program shown to hold on its whole domain."""

from __future__ import annotations

import numpy as np

from dsl.algebra import Unsupported
from dsl.domain import Columns, Domain, DomainError
from dsl.meanings.interval import well_defined
from dsl.program import Const, Expression, Prim, Program, walk

_POINTS_AT_MOST = 1 << 16


def defined_on(program: Program, domain: Domain) -> bool:
    """Whether interval arithmetic shows that a program is defined on all of a domain.

    Small finite domains are looked at point by point; others as one box.
    """
    if not any(_partial(d.body) for d in program.definitions):
        return True
    try:
        if domain.count is not None and domain.count <= _POINTS_AT_MOST:
            columns = domain.points(0, domain.count)
            return bool(well_defined(program, _boxes(domain, columns, columns)).all())
        low, high = domain.value_box()
        ends = domain.unflatten(low[None]), domain.unflatten(high[None])
        return bool(well_defined(program, _boxes(domain, *ends)).all())
    except (Unsupported, DomainError):
        return False


def _partial(body: Expression) -> bool:
    return any(isinstance(n, Prim) and _may_fail(n) for n in walk(body))


def _may_fail(node: Prim) -> bool:
    if node.primitive.precondition is None:
        return False
    fixed = node.primitive.name == "item" and isinstance(node.children[1], Const)
    return not fixed


def _boxes(domain: Domain, low: Columns, high: Columns) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    names = [f.name for f in domain.fields]
    return {
        name: (a.astype(np.float64), b.astype(np.float64))
        for name, a, b in zip(names, low, high, strict=True)
    }
