"""Writing Boolean formulas: negation, and/or/xor of literals, vectors of leaves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from distill.synthesize.boolean.measure import lightest
from distill.synthesize.boolean.table import owner_of
from dsl.program import Const, Expression, Prim, const, prim, transform

TRUE, FALSE = const(True), const(False)

_OPPOSITE = {
    "less": "greater_equal",
    "greater_equal": "less",
    "greater": "less_equal",
    "less_equal": "greater",
    "equal": "not_equal",
    "not_equal": "equal",
}
_FLAT = frozenset({"add", "mul", "and_", "or_", "xor"})
_RUN = 3
"""From this many neighbours on, `all(x[0:3])` reads better than the items one by one."""


def negated(expression: Expression) -> Expression:
    """The opposite, without a `not` where a comparison can be turned round."""
    if isinstance(expression, Const):
        return const(not expression.value)
    if isinstance(expression, Prim):
        name = expression.primitive.name
        if name == "not_":
            return expression.children[0]
        if name in _OPPOSITE:
            return prim(_OPPOSITE[name], *expression.children)
        if name == "xor" and len(expression.children) == 2:
            return prim("equal", *expression.children)
    return prim("not_", expression)


def literal(leaf: Expression, positive: bool) -> Expression:
    """A leaf or its negation."""
    return leaf if positive else negated(leaf)


def _opened(name: str, items: Iterable[Expression]) -> list[Expression]:
    found: list[Expression] = []
    for item in items:
        inside = isinstance(item, Prim) and item.primitive.name == name
        found.extend(item.children if inside else (item,))
    return list(dict.fromkeys(found))


def conjunction(items: Iterable[Expression]) -> Expression:
    """All of the items; neighbours in a vector are taken together."""
    return _joined("and_", "all", "any", TRUE, list(items))


def disjunction(items: Iterable[Expression]) -> Expression:
    """Some of the items; neighbours in a vector are taken together."""
    return _joined("or_", "any", "all", FALSE, list(items))


def _joined(
    name: str, whole: str, opposite: str, neutral: Const, items: list[Expression]
) -> Expression:
    opened = [i for i in _opened(name, items) if i is not neutral]
    if any(isinstance(i, Const) for i in opened):
        return negated(neutral)
    negations = {n.children[0] for n in opened if isinstance(n, Prim) and _is_not(n)}
    if negations & set(opened):
        return negated(neutral)
    positive = [i for i in opened if not _is_not(i)]
    gathered, rest = _gathered(whole, positive)
    denied, others = _gathered(opposite, [i.children[0] for i in opened if _is_not(i)])
    parts = [*gathered, *rest, *map(negated, denied), *map(negated, others)]
    return _applied(name, neutral, parts)


def _applied(name: str, neutral: Const, parts: list[Expression]) -> Expression:
    if not parts:
        return neutral
    if len(parts) == 1:
        return parts[0]
    plain = prim(name, *parts)
    dual = "or_" if name == "and_" else "and_"
    if sum(map(_is_not, parts)) * 2 <= len(parts):
        return plain
    return lightest([plain, negated(prim(dual, *map(negated, parts)))])


def _is_not(item: Expression) -> bool:
    return isinstance(item, Prim) and item.primitive.name == "not_"


def _gathered(whole: str, items: list[Expression]) -> tuple[list[Expression], list[Expression]]:
    """Runs of neighbours as `whole(x[a:b])`, and the items that are in no run."""
    runs = runs_of(in_order(items))
    taken = [prim(whole, vector_of(run)) for run in runs if len(run) >= _RUN]
    inside = {i for run in runs if len(run) >= _RUN for i in run}
    return taken, [i for i in items if i not in inside]


def parity(items: Sequence[Expression], odd: bool = True) -> Expression:
    """Whether an odd (or even) number of the items is true."""
    if not items:
        return const(not odd)
    if len(items) == 1:
        return literal(items[0], odd)
    remainder = prim("mod", counted(items), const(2))
    chain = prim("xor", *items)
    options = [prim("equal", remainder, const(int(odd))), chain if odd else negated(chain)]
    if len(items) == 2:
        options.append(prim("not_equal" if odd else "equal", *items))
    return lightest(options)


def choice(condition: Expression, yes: Expression, no: Expression) -> Expression:
    """`if condition then yes else no`, or shorter where a branch is a constant."""
    if isinstance(yes, Const) or isinstance(no, Const) or yes is no:
        return _constant_branch(condition, yes, no)
    return prim("if_", condition, yes, no)


def _constant_branch(condition: Expression, yes: Expression, no: Expression) -> Expression:
    if yes is no:
        return yes
    if isinstance(yes, Const):
        join = disjunction if yes.value else conjunction
        return join([condition if yes.value else negated(condition), no])
    assert isinstance(no, Const)
    join = disjunction if no.value else conjunction
    return join([negated(condition) if no.value else condition, yes])


def flattened(expression: Expression) -> Expression:
    """`(a + b) + c` as `a + b + c`, and the same for products, and, or, xor."""

    def rule(node: Expression) -> Expression | None:
        if not isinstance(node, Prim) or node.primitive.name not in _FLAT:
            return None
        children = [c for child in node.children for c in _inside(node.primitive.name, child)]
        return prim(node.primitive, *children) if len(children) > len(node.children) else None

    return transform(expression, rule)


def _inside(name: str, child: Expression) -> tuple[Expression, ...]:
    same = isinstance(child, Prim) and child.primitive.name == name
    return child.children if same else (child,)


# --- vectors --------------------------------------------------------------------------------


def in_order(items: Iterable[Expression]) -> list[Expression]:
    """Items sorted so that neighbours in a vector stand together; others last, as they came."""
    listed = list(items)
    owners = [owner_of(i) for i in listed]
    first = {o[0]: n for n, o in reversed(list(enumerate(owners))) if o is not None}
    keys = [
        (first[o[0]], o[1]) if o is not None else (len(listed), n) for n, o in enumerate(owners)
    ]
    return [listed[n] for n in sorted(range(len(listed)), key=keys.__getitem__)]


def runs_of(items: Sequence[Expression]) -> list[list[Expression]]:
    """Maximal stretches of items that stand one after the other in one vector."""
    found: list[list[Expression]] = []
    for item in items:
        if found and _follows(found[-1][-1], item):
            found[-1].append(item)
        else:
            found.append([item])
    return found


def _follows(before: Expression, item: Expression) -> bool:
    first, second = owner_of(before), owner_of(item)
    if first is None or second is None:
        return False
    return first[0] is second[0] and second[1] == first[1] + 1


def counted(items: Sequence[Expression]) -> Expression:
    """How many of the items are true."""
    if len(items) == 1:
        return prim("as_int", items[0])
    return prim("count", vector_of(in_order(items)))


def numbered(items: Sequence[Expression]) -> Expression:
    """The number whose bits the items are, most significant first."""
    if len(items) == 1:
        return prim("as_int", items[0])
    return prim("number", vector_of(items), const(2))


def vector_of(items: Sequence[Expression]) -> Expression:
    """The vector of these items in this order: a parameter, slices of it, or written out."""
    pieces = _pieces(items)
    options = [prim("vector", *items)]
    if len(pieces) == 1:
        options.append(pieces[0])
    elif len(pieces) < len(items):
        options.append(prim("concat", *pieces))
    backwards = _pieces(items[::-1])
    if len(backwards) == 1 and len(items) > 1:
        options.append(prim("reverse", backwards[0]))
    return lightest(options)


def _pieces(items: Sequence[Expression]) -> list[Expression]:
    found: list[Expression] = []
    loose: list[Expression] = []
    for run in runs_of(items):
        if len(run) == 1:
            loose.append(run[0])
            continue
        if loose:
            found.append(prim("vector", *loose))
        loose = []
        found.append(_stretch(run))
    return [*found, prim("vector", *loose)] if loose else found


def _stretch(run: list[Expression]) -> Expression:
    first, last = owner_of(run[0]), owner_of(run[-1])
    assert first is not None and last is not None
    vector = first[0]
    if first[1] == 0 and last[1] == getattr(vector.type, "shape", (-1,))[0] - 1:
        return vector
    return prim("slice", vector, const(first[1]), const(last[1] + 1))
