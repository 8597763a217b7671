"""Programs as plain Python source: standard library only, vectors as lists.

Lets become assignments, an `if` at the end of a body becomes `if ...: return`,
elementwise functions of vectors become comprehensions. Every name comes from the
program, whose names are identifiers; nothing from a model is pasted in unescaped.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass

from dsl.meanings.python_parts import in_parts
from dsl.meanings.python_words import (
    annotation,
    helper_names,
    helpers_called,
    imports,
    literal,
    python_name,
)
from dsl.meanings.python_wrap import wrap
from dsl.primitive import Primitive
from dsl.program import (
    Call,
    Const,
    Definition,
    Expression,
    Lambda,
    Let,
    Prim,
    Program,
    Var,
    free_variables,
    walk,
)
from dsl.types import BOOL, INT, REAL, Type, element, lift, shape_of

_ATOM = 100
_LEVELS = {"xor": 5.5}
_COMPARISON = 5
_TRUTHS = ("and_", "or_")
_FIRST_OF = {"argmax": "max", "argmin": "min"}
_LOOPED = 1
"""What a `for` loops over binds tighter than a choice."""

_KEEPS_INTS = frozenset({"max", "min", "clip", "if_"})


@dataclass(frozen=True)
class Text:
    """A piece of Python with the precedence of its outermost operator."""

    text: str
    level: float = _ATOM
    parameters: str = ""

    def __format__(self, spec: str) -> str:
        return self.text

    @property
    def function(self) -> str:
        """A lambda expression, where this is the body of one."""
        return f"lambda {self.parameters}: {self.text}"

    def within(self, level: float) -> Text:
        """The text in brackets unless it binds at least as tightly as `level`."""
        return self if self.level >= level else Text(f"({self.text})")


def expression_text(node: Expression) -> Text:
    """An expression as Python."""
    if isinstance(node, Const):
        text = literal(node.value, node.type)
        return Text(text, 7 if " / " in text else 8 if text.startswith("-") else _ATOM)
    if isinstance(node, Var):
        return Text(node.name)
    if isinstance(node, Let):
        value, body = (expression_text(c) for c in node.children)
        name = re.escape(node.name)
        return Text(re.sub(rf"\b{name}\b", lambda _: f"({value.text})", body.text), 0)
    if isinstance(node, Lambda):
        names = ", ".join(name for name, _ in node.parameters)
        return Text(expression_text(node.children[0]).text, 0, names)
    if isinstance(node, Call):
        return Text(f"{node.name}({', '.join(expression_text(c).text for c in node.children)})")
    assert isinstance(node, Prim)
    if node.primitive.elementwise and shape_of(node.type):
        return _comprehension(node, len(shape_of(node.type)))
    return _application(node, [expression_text(c) for c in node.children])


def _application(node: Prim, parts: list[Text]) -> Text:
    primitive = node.primitive
    if element(node.type) == REAL and primitive.name in _KEEPS_INTS:
        parts = [_as_float(c, p) for c, p in zip(node.children, parts, strict=True)]
    if primitive.name == "relu":
        zero = "0.0" if element(node.type) == REAL else "0"
        return Text(f"max({zero}, {parts[0].text})")
    if primitive.name == "item" and isinstance(node.children[0], Const):
        parts[0] = Text(parts[0].text.replace("[", "(", 1)[:-1] + ")")
    if primitive.name == "affine":
        parts = [_frozen(c, p) for c, p in zip(node.children, parts, strict=True)]
    if primitive.name in _FIRST_OF and isinstance(node.children[0], Var):
        return Text(f"{parts[0]}.index({_FIRST_OF[primitive.name]}({parts[0]}))")
    members = _members(node)
    if members is not None:
        return Text(f"{parts[1].within(_COMPARISON + 0.1)} in {members}", _COMPARISON)
    parts = _as_written(node, parts)
    level = _LEVELS.get(primitive.name, primitive.precedence)
    if primitive.symbol:
        found = _operator(primitive, parts, level)
        reals = any(element(c.type) == REAL for c in node.children)
        # Python's operators on floats give floats, also those that round down
        return Text(f"int({found})") if reals and element(node.type) == INT else found
    if primitive.python == "{0}":
        return parts[0]
    if callable(primitive.python):
        return Text(primitive.python(*(p.within(level).text for p in parts)), level or _ATOM)
    if primitive.name == "if_":
        condition, yes, no = parts
        return Text(f"{yes.within(1)} if {condition.within(1)} else {no}", 0)
    return Text(_fill(primitive.python, parts, level), level or _ATOM)


def _as_written(node: Prim, parts: list[Text]) -> list[Text]:
    """The arguments as Python lets one write them where it needs less than the language."""
    name = node.primitive.name
    if name in ("add", "sub") and not all(map(_is_truth, node.children[:2])):
        return list(map(_summand, node.children, parts))
    if name in _TRUTHS and not shape_of(node.type):
        return [_unequal(c, p) for c, p in zip(node.children, parts, strict=True)]
    return _without_ends(node, parts) if name == "slice" else parts


def _members(node: Prim) -> str | None:
    """The places of a table of truths that are true, where few are; None for what is no such."""
    table = node.children[0] if node.primitive.name == "item" else None
    if not isinstance(table, Const) or table.type != lift(BOOL, (len(table.value),)):
        return None
    found = [place for place, value in enumerate(table.value) if value]
    return f"({', '.join(map(str, found))})" if 1 < len(found) <= len(table.value) / 2 else None


def _without_ends(node: Prim, parts: list[Text]) -> list[Text]:
    """`x[1:]` for a slice up to the end, `x[:2]` for one from the beginning."""
    whole, (start, stop) = shape_of(node.children[0].type), node.children[1:]
    first = Text("") if isinstance(start, Const) and start.value == 0 else parts[1]
    last = Text("") if isinstance(stop, Const) and stop.value == whole[0] else parts[2]
    return [parts[0], first, last]


def _summand(node: Expression, part: Text) -> Text:
    """A truth that is added to a number; Python counts it as 0 or 1 itself."""
    if isinstance(node, Prim) and _is_truth(node):
        return expression_text(node.children[0])
    return part


def _is_truth(node: Expression) -> bool:
    """Whether it is a truth as a number; two of those aren't added by all that counts as one."""
    return isinstance(node, Prim) and node.primitive.name == "as_int" and not shape_of(node.type)


def _unequal(node: Expression, part: Text) -> Text:
    """`a != b` for two truths that differ, within a condition."""
    if not isinstance(node, Prim) or node.primitive.name != "xor" or len(node.children) > 2:
        return part
    first, second = (expression_text(c).within(_COMPARISON + 0.1) for c in node.children)
    return Text(f"{first} != {second}", _COMPARISON)


def _frozen(node: Expression, part: Text) -> Text:
    """A table of literals as tuples, which Python builds once and not in every call."""
    if not isinstance(node, Const) or min(shape_of(node.type), default=0) < 2:
        return part
    return Text(part.text.replace("[", "(").replace("]", ")"))


def _as_float(node: Expression, part: Text) -> Text:
    if isinstance(node, Const) and node.type == INT:
        return Text(f"{part.text}.0", part.level)
    return part


def _operator(primitive: Primitive, parts: list[Text], level: float) -> Text:
    if len(parts) == 1:
        assert isinstance(primitive.python, str)
        return Text(primitive.python.format(parts[0].within(level)), level)
    tight = level + 0.1
    rest = [p.within(tight) for p in parts[1:]]
    shown = [parts[0].within(tight if level == 5 else level), *rest]
    if callable(primitive.python):
        return Text(primitive.python(*(p.text for p in shown)), level)
    return Text(primitive.python.format(*shown), level)


def _fill(template: str, parts: list[Text], level: float) -> str:
    """Fill a template; brackets around an argument only where the template has none."""

    def place(match: re.Match[str]) -> str:
        before = template[: match.start()]
        part = parts[int(match.group(1))]
        if match.group(2):
            return str(getattr(part, match.group(2)[1:]))
        if template[match.end() : match.end() + 1] == "[":
            return part.within(_ATOM).text
        inside = before.count("(") + before.count("[") - before.count(")") - before.count("]")
        return part.text if inside > 0 else part.within(level + 0.1).text

    return re.sub(r"\{(\d)(\.\w+)?\}", place, template)


def _comprehension(node: Expression, axes: int) -> Text:
    """Elementwise functions of vectors as one comprehension over the vectors underneath."""
    leaves: dict[Expression, str] = {}
    listed = _listed(node) if axes == 1 else None
    if listed is not None:
        return listed
    body = _per_item(node, leaves, set(free_variables(node)))
    names, text = list(leaves.values()), body.text
    found = [expression_text(leaf) for leaf in leaves]
    sources = [part.within(_LOOPED).text if len(found) == 1 else part.text for part in found]
    for depth in range(axes):
        inner = [f"{n}_{depth}" for n in names] if depth + 1 < axes else sources
        bound = ", ".join(names)
        over = inner[0] if len(inner) == 1 else f"zip({', '.join(inner)})"
        text = f"[{text} for {bound} in {over}]"
        names = inner
    return Text(text)


def _listed(node: Expression) -> Text | None:
    """A function of a vector that is written out, item by item: `[max(0.0, a), max(0.0, b)]`."""
    leaves: dict[Expression, str] = {}
    _per_item(node, leaves, set())
    if len(leaves) != 1 or not isinstance(node, Prim):
        return None
    (vector,) = leaves
    if not isinstance(vector, Prim) or vector.primitive.name != "vector":
        return None
    items = [_with_item(node, vector, item) for item in vector.children]
    return Text("[" + ", ".join(item.text for item in items) + "]")


def _with_item(node: Expression, vector: Expression, item: Expression) -> Text:
    if node is vector:
        return expression_text(item)
    if not shape_of(node.type):
        return expression_text(node)
    assert isinstance(node, Prim)
    return _application(node, [_with_item(c, vector, item) for c in node.children])


def _fresh(taken: set[str]) -> str:
    names = itertools.chain("vwutpq", (f"v{i}" for i in itertools.count()))
    return next(n for n in names if n not in taken)


def _per_item(node: Expression, leaves: dict[Expression, str], taken: set[str]) -> Text:
    if not shape_of(node.type):
        return expression_text(node)
    if isinstance(node, Prim) and node.primitive.elementwise:
        return _application(node, [_per_item(c, leaves, taken) for c in node.children])
    if node not in leaves:
        leaves[node] = _fresh(taken | set(leaves.values()))
    return Text(leaves[node])


def statements(body: Expression, result: Type) -> list[str]:
    """The lines of a function's body, not indented; the last one returns."""
    lines: list[str] = []
    while isinstance(body, Let) or _is_long_choice(body):
        if isinstance(body, Let):
            lines += wrap(f"{body.name} = ", expression_text(body.children[0]).text)
            body = body.children[1]
            continue
        condition, yes, body = body.children
        lines.append(f"if {expression_text(condition).text}:")
        lines += ["    " + line for line in statements(yes, result)]
    text = expression_text(body).text
    if result == REAL and body.type == INT:
        text = f"float({text})"
    return lines + wrap("return ", text)


def _is_long_choice(node: Expression) -> bool:
    """Whether it is an `if` that reads better as a statement."""
    return isinstance(node, Prim) and node.primitive.name == "if_" and not _is_short(node)


def _is_short(node: Prim) -> bool:
    choices = [n for n in walk(node) if isinstance(n, Prim) and n.primitive.name == "if_"]
    return len(choices) == 1 and len(expression_text(node).text) < 60


def with_python_names(program: Program) -> Program:
    """The program with names that shadow no builtin and are no keywords, helpers included.

    What is nested too deeply for Python is named in parts.
    """
    from dsl.program import call, function, let, transform, var

    reserved = {n for d in program.definitions for n in helper_names(d.body)}
    names = {d.name for d in program.definitions}

    def renamed(node: Expression) -> Expression | None:
        if isinstance(node, Var):
            return var(python_name(node.name, reserved), node.type)
        if isinstance(node, Let):
            return let(python_name(node.name, reserved), *node.children)
        if isinstance(node, Lambda):
            names = tuple((python_name(n, reserved), t) for n, t in node.parameters)
            return function(names, node.children[0])
        if isinstance(node, Call):
            return call(python_name(node.name, reserved), node.children, node.type)
        return None

    def rewritten(d: Definition) -> Definition:
        name = python_name(d.name, reserved)
        parameters = tuple((python_name(n, reserved), t) for n, t in d.parameters)
        taken = {*reserved, *(n for n, _ in parameters), *names}
        return Definition(name, parameters, in_parts(transform(d.body, renamed), taken), d.result)

    return Program(tuple(map(rewritten, program.definitions)))


def signature(definition: Definition, result: Type | None = None) -> str:
    """`def name(x: float) -> bool:`."""
    names = ", ".join(f"{n}: {annotation(t)}" for n, t in definition.parameters)
    return f"def {definition.name}({names}) -> {annotation(result or definition.result)}:"


def to_python(program: Program) -> str:
    """Source of all definitions and the helpers they call; no checks, no docstring."""
    named = with_python_names(program)
    functions = [function_source(d) for d in named.definitions]
    blocks = [
        *helpers_called((d.body for d in named.definitions), "\n".join(functions)),
        *functions,
    ]
    head = "\n".join(f"import {name}" for name in imports(blocks))
    return ("\n\n\n".join([head, *blocks] if head else blocks)) + "\n"


def function_source(definition: Definition, before: Iterable[str] = ()) -> str:
    """One function; `before` are lines that go ahead of its body."""
    lines = [*before, *statements(definition.body, definition.result)]
    return "\n".join([signature(definition), *("    " + line if line else "" for line in lines)])
