"""How a name gets its next value in Python: `total += x`, `counts[x] += 1`, `if x: run += 1`."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from dsl.loop import Loop
from dsl.meanings.python import expression_text, wrap
from dsl.program import Expression, Prim, Var, free_variables, prim, transform, var
from dsl.types import INT, REAL, Type, Vector

_INDENT = "    "
_WIDEST = 96


def assigned(name: str, value: Expression, item: Type | None, lists: Collection[str]) -> list[str]:
    """Statements that give a name a value, in which it may stand for what it held before.

    lists: names of lists that may be changed in place.
    """
    own = var(name, value.type)
    changed = _item_put(value, own) if name in lists else None
    changed = changed or _guarded(name, value, item, lists) or _stepped(value, own)
    return changed or wrap(f"{name} = ", value_text(value, item))


def value_text(value: Expression, item: Type | None) -> str:
    """A value as Python, a float where a float is asked for."""
    text = expression_text(value).text
    return f"float({text})" if item == REAL and value.type != REAL else text


def _guarded(
    name: str, value: Expression, item: Type | None, lists: Collection[str]
) -> list[str] | None:
    """`if condition:` before a new value, where the name keeps its own otherwise."""
    own = var(name, value.type)
    if not _is(value, "if_") or own not in value.children[1:]:
        return None
    condition, yes, no = value.children
    if yes is own:
        condition, yes = _negated(condition), no
    text = f"if {expression_text(condition).text}:"
    inner = assigned(name, yes, item, lists)
    return [text, *(_INDENT + line for line in inner)] if len(text) < _WIDEST else None


_OPPOSITE = {
    "less": "greater_equal",
    "greater_equal": "less",
    "greater": "less_equal",
    "less_equal": "greater",
    "equal": "not_equal",
    "not_equal": "equal",
}


def _negated(condition: Expression) -> Expression:
    """The opposite of a condition."""
    if not isinstance(condition, Prim):
        return prim("not_", condition)
    name, parts = condition.primitive.name, condition.children
    if name == "not_":
        return parts[0]
    if name == "xor" and len(parts) == 2:
        return prim("equal", *parts)
    return prim(_OPPOSITE[name], *parts) if name in _OPPOSITE else prim("not_", condition)


def _is(value: Expression, name: str) -> bool:
    return isinstance(value, Prim) and value.primitive.name == name


def _item_put(value: Expression, own: Var) -> list[str] | None:
    """One place of a list that is changed."""
    if not _is(value, "put") or value.children[0] is not own:
        return None
    _, index, new = value.children
    if own.type == new.type:
        return None
    place = prim("item", own, index)
    text = expression_text(place).text
    stand = var("item'", new.type)
    stepped = transform(new, lambda n: stand if n is place else None)
    found = _steps(stepped, stand)
    if found is None:
        return wrap(f"{text} = ", value_text(new, new.type))
    return wrap(f"{text} {found[0]} ", expression_text(found[1]).text)


def _stepped(value: Expression, own: Var) -> list[str] | None:
    found = _steps(value, own)
    if found is None:
        return None
    return wrap(f"{own.name} {found[0]} ", expression_text(found[1]).text)


def _steps(value: Expression, own: Var) -> tuple[str, Expression] | None:
    """`+=`, `-=`, `*=` or `^=` and what follows it; None where the value is no such step."""
    if not isinstance(value, Prim):
        return None
    if value.primitive.name in ("mul", "xor") and value.type != REAL:
        rest = [c for c in value.children if c is not own]
        if len(rest) == len(value.children) - 1 and not _reads(rest, own):
            symbol = "*=" if value.primitive.name == "mul" else "^="
            return symbol, rest[0] if len(rest) == 1 else prim(value.primitive, *rest)
    if value.type != INT or value.primitive.name not in ("add", "sub"):
        return None
    terms = list(_terms(value, 1))
    rest = [(sign, term) for sign, term in terms if (sign, term) != (1, own)]
    if len(rest) != len(terms) - 1 or _reads((t for _, t in rest), own):
        return None
    more = [term for sign, term in rest if sign > 0]
    less = [term for sign, term in rest if sign < 0]
    if not more:
        return "-=", _added(less)
    total = _added(more)
    for term in less:
        total = prim("sub", total, term)
    return "+=", total


def _added(terms: list[Expression]) -> Expression:
    return terms[0] if len(terms) == 1 else prim("add", *terms)


def _terms(value: Expression, sign: int) -> Iterable[tuple[int, Expression]]:
    """The terms of a sum with their signs."""
    if not isinstance(value, Prim) or value.primitive.name not in ("add", "sub"):
        return [(sign, value)]
    first, *others = value.children
    other = sign if value.primitive.name == "add" else -sign
    return [*_terms(first, sign), *(t for c in others for t in _terms(c, other))]


def _reads(values: Iterable[Expression], own: Var) -> bool:
    return any(own.name in free_variables(v) for v in values)


def own_lists(loop: Loop) -> set[str]:
    """Lists that only single values are taken from, so that nothing else ever holds them."""
    return {
        r.name for r in loop.registers if isinstance(r.type, Vector) and not _escapes(r.name, loop)
    }


def _escapes(name: str, loop: Loop) -> bool:
    """Whether a list, or a let that is the list with places changed, becomes part of a value."""
    names = {name}
    for let, value in loop.lets:
        if _is(value, "put") and names & free_variables(value).keys():
            names.add(let)
    values = [v for _, v in loop.lets] + [loop.output]
    for register in loop.registers:
        if register.name != name or not isinstance(register.update, Var):
            values.append(register.update)
    return any(_taken_whole(v, names) for v in values)


def _taken_whole(value: Expression, names: set[str]) -> bool:
    """Whether a list is part of the value itself, other than as the list that `put` changes."""
    if isinstance(value, Var):
        return value.name in names
    if not isinstance(value, Prim):
        return bool(names & free_variables(value).keys())
    puts = value.primitive.name == "put"
    for place, child in enumerate(value.children):
        if isinstance(child, Var) and child.name in names:
            if isinstance(value.type, Vector) and not (puts and place == 0):
                return True
        elif _taken_whole(child, names):
            return True
    return False
