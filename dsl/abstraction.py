"""Library learning: what a program says several times becomes a function that it calls.

A pattern is an expression with holes; it matches where something stands for every hole. Patterns
grow from the top, a hole at a time, over the places of a program that they still match, and only
as long as these could save more bits than the best pattern known does (corpus-guided top-down
synthesis: Bowers et al., Top-Down Synthesis for Library Learning, POPL 2023). The best one becomes
a definition if that makes the program shorter, and so on, until none does.
"""

from __future__ import annotations

import heapq
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count

from dsl.cost import INDEXED, bits_by_node, program_bits
from dsl.expand import called, functions_renamed
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
    call,
    free_variables,
    prim,
    size,
    substitute,
    transform,
    var,
    walk,
    with_children,
)
from dsl.types import (
    INT,
    REAL,
    Bool,
    Category,
    Int,
    Real,
    Type,
    TypeMismatch,
    Vector,
    accepts,
    element,
)

WRITTEN_AT_MOST = 5_000
"""Nodes as written above which a program is left as it is."""

_GROWN = 2_000
"""Patterns that are grown in one round, the most promising first."""
_ROUNDS = 50
_TRIED = 8
"""Of the patterns found, so many are written into the program."""
_PARAMETERS_AT_MOST = 12
_A_CALL, _A_NAME, _A_PARAMETER = 6.0, 6.0, 3.0
"""Bits that a call, a name and a parameter take, roughly; in the end `program_bits` decides."""
_WORK_AT_LEAST = 3
"""Operations in a function, so that it is worth a name: picking items isn't one."""
_WORTH = 16.0
"""Bits that a function has to save: a reader has to remember it."""
_PLUMBING = frozenset({"item", "slice", "vector", "concat", "flatten", "as_int"})
_LAZY = frozenset({"if_", "and_", "or_"})
"""Primitives that may leave arguments alone, and so whether these are defined."""


def abstracted(program: Program, keep: frozenset[str] = frozenset()) -> Program:
    """The program with what it says several times said once, in functions, where that is shorter.

    Written out (`dsl.expand.written_out`) it is what it was, so it computes the same and is defined
    where it was. The last definition keeps its name, and so do those of `keep`, which stay as
    they are unless nothing calls them; others of the form `f1` are numbered anew.
    """
    before = program
    for _ in range(_ROUNDS):
        if sum(size(d.body) for d in program.definitions) > WRITTEN_AT_MOST:
            break
        shorter = _shorter(program, keep)
        if shorter is None:
            break
        program = shorter
    return program if program is before else _numbered(program, keep)


def _shorter(program: Program, keep: frozenset[str]) -> Program | None:
    """The program with one more function, if that makes it shorter."""
    partial = _partial(program)
    made = [_with(program, pattern, partial, keep) for pattern in _promising(program, keep)]
    priced = [(program_bits(one), str(one), one) for one in made if one is not None]
    best = min(priced, key=lambda p: p[:2], default=None)
    return best[2] if best is not None and best[0] < program_bits(program) - _WORTH else None


def calling(program: Program, functions: Sequence[Definition]) -> Program:
    """The program with calls of functions that are known wherever it has one of their bodies, where
    that makes it shorter for a reader who knows them.

    functions: definitions that call nothing.
    """
    names = frozenset(d.name for d in functions)
    for made in functions:
        if _work(made.body) < _WORK_AT_LEAST or not free_variables(made.body):
            continue
        partial, done = _partial(program), list[Definition]()
        for definition in program.definitions:
            where = {} if definition.name == made.name else _matching(definition, made, partial)
            changed = _calling(definition, made, where)
            if changed is not definition and made.name not in [d.name for d in done]:
                done.append(made)
            done.append(changed)
        other = Program(tuple(done))
        if program_bits(other, known=names) < program_bits(program, known=names):
            program = other
    return program


def _matching(
    definition: Definition, made: Definition, partial: frozenset[str]
) -> dict[Expression, tuple[Expression, ...]]:
    """The nodes that are a function's body, with what stands for its parameters."""
    found, lazy = dict[Expression, tuple[Expression, ...]](), _is_lazy(made.body)
    for node in walk(definition.body, Lambda):
        holes: dict[str, Expression] = {}
        if node.type != made.result or not _match(made.body, node, holes):
            continue
        given = tuple(holes[n] for n, _ in made.parameters if n in holes)
        if len(given) < len(made.parameters):
            continue
        if not (lazy and any(_may_fail(g, partial) for g in given)):
            found[node] = given
    return found


def _match(shape: Expression, node: Expression, holes: dict[str, Expression]) -> bool:
    """Whether a node is an expression with something for its names, which `holes` takes in."""
    if isinstance(shape, Var):
        if not accepts(shape.type, node.type) or (
            shape.type != node.type and not isinstance(node, Const)
        ):
            return False
        return holes.setdefault(shape.name, node) is node
    if shape is node:
        return not free_variables(shape)
    if type(shape) is not type(node) or not isinstance(shape, Prim) or not isinstance(node, Prim):
        return False
    if shape.primitive is not node.primitive or shape.type != node.type:
        return False
    if len(shape.children) != len(node.children):
        return False
    return all(_match(s, n, holes) for s, n in zip(shape.children, node.children, strict=True))


@dataclass(frozen=True, eq=False)
class _Site:
    """A node that a pattern matches, how often it stands in the program, what stands for holes."""

    node: Expression
    count: int
    holes: Mapping[Var, Expression]


@dataclass(frozen=True, eq=False)
class _Pattern:
    """An expression with holes, those that may still grow (the next one first) and the others,
    and the nodes that it matches."""

    shape: Expression
    open: tuple[Var, ...]
    closed: tuple[Var, ...]
    sites: tuple[_Site, ...]

    @property
    def places(self) -> int:
        """How often it stands in the program."""
        return sum(s.count for s in self.sites)

    def representatives(self, holes: Sequence[Var]) -> dict[Var, Var]:
        """For each of some holes the first one that stands for the same at every site."""
        first: dict[object, Var] = {}
        return {h: first.setdefault((h.type, *(s.holes[h] for s in self.sites)), h) for h in holes}


def _promising(program: Program, keep: frozenset[str]) -> list[_Pattern]:
    """Patterns that save bits, roughly, those that save most first."""
    corpus, fresh = _Corpus(program, keep), (f"?{i}" for i in count())
    best, kept, number = 0.0, list[tuple[float, int, _Pattern]](), count()
    heap = [(-corpus.bound(p), next(number), p) for p in corpus.roots(fresh)]
    heapq.heapify(heap)
    for _ in range(_GROWN):
        if not heap or -heap[0][0] <= best:
            break
        pattern = heapq.heappop(heap)[2]
        for grown in corpus.next(pattern, fresh):
            saved = corpus.saved(grown)
            if saved > 0:
                kept.append((-saved, next(number), grown))
                best = max(best, saved)
            bound = corpus.bound(grown)
            if grown.open and bound > best:
                heapq.heappush(heap, (-bound, next(number), grown))
    return [pattern for _, _, pattern in sorted(kept)[:_TRIED]]


class _Corpus:
    """A program's nodes outside of lambdas, with what they weigh and what stands at their top."""

    def __init__(self, program: Program, keep: frozenset[str]) -> None:
        self.weights: dict[Expression, float] = {}
        self.counts: Counter[Expression] = Counter()
        for definition in (d for d in program.definitions if d.name not in keep):
            self.weights |= bits_by_node(definition.body, dict(definition.parameters))
            self.counts.update(_occurrences(definition.body))
        self.heads = {node: _head(node) for node in self.counts}

    def roots(self, fresh: Iterator[str]) -> Iterator[_Pattern]:
        """A hole for every type, matching all nodes of the type."""
        for item in dict.fromkeys(n.type for n, head in self.heads.items() if head is not None):
            hole = var(next(fresh), item)
            mine = [n for n, head in self.heads.items() if head is not None and n.type == item]
            sites = tuple(_Site(n, self.counts[n], {hole: n}) for n in mine)
            yield _Pattern(hole, (hole,), (), sites)

    def next(self, pattern: _Pattern, fresh: Iterator[str]) -> Iterator[_Pattern]:
        """What becomes of the next hole: a parameter, one that there is already, or a node."""
        hole, rest = pattern.open[0], pattern.open[1:]
        if pattern.shape is not hole:
            for other in pattern.closed:
                same = tuple(s for s in pattern.sites if s.holes[hole] is s.holes[other])
                if other.type == hole.type and sum(s.count for s in same) >= 2:
                    shape = substitute(pattern.shape, {hole.name: other})
                    yield replace(pattern, shape=shape, open=rest, sites=same)
                    if len(same) == len(pattern.sites):
                        return
            yield replace(pattern, open=rest, closed=(*pattern.closed, hole))
        groups: dict[_Head, list[_Site]] = {}
        for site in pattern.sites:
            head = self.heads.get(site.holes[hole])
            if head is not None:
                groups.setdefault(head, []).append(site)
        for head, sites in groups.items():
            if sum(s.count for s in sites) >= 2:
                yield _grown(pattern, head, sites, fresh)

    def bound(self, pattern: _Pattern) -> float:
        """Bits, roughly, that no pattern grown from this one saves more than."""
        return self._saved(pattern, pattern.closed)

    def saved(self, pattern: _Pattern) -> float:
        """Bits, roughly, that a pattern saves with all its holes as parameters; 0 if it can't."""
        holes = (*pattern.closed, *pattern.open)
        many = len(set(pattern.representatives(holes).values())) > _PARAMETERS_AT_MOST
        if many or _work(pattern.shape) < _WORK_AT_LEAST:
            return 0.0
        return self._saved(pattern, holes)

    def _saved(self, pattern: _Pattern, parameters: Sequence[Var]) -> float:
        """Bits saved at all sites, less those of the definition as far as it is known."""
        given = set(pattern.representatives(parameters).values())
        first = pattern.sites[0]
        inside = sum(self.weights[e] for e in first.holes.values())
        total = inside - self.weights[first.node]
        total -= _A_NAME * len(parameters) + _A_PARAMETER * len(given)
        for site in pattern.sites:
            arguments = sum(self.weights[site.holes[h]] for h in given)
            total += site.count * (self.weights[site.node] - arguments - _A_CALL)
        return total


def _work(shape: Expression) -> int:
    """Operations in an expression, looking up in a table among them; 0 for one that only puts
    values side by side or picks one."""
    if _is_plumbing(shape):
        return 0
    total = 0
    for node in walk(shape):
        if isinstance(node, Call):
            total += _WORK_AT_LEAST
        elif isinstance(node, Const):
            total += isinstance(node.type, Vector)
        elif isinstance(node, Prim) and not _is_plumbing(node):
            total += max(len(node.children) - 1, 1)
    return total


def _is_plumbing(node: Expression) -> bool:
    if not isinstance(node, Prim) or node.primitive.name not in _PLUMBING:
        return False
    return node.primitive.name != "item" or isinstance(node.children[1], Const)


_Head = tuple[Expression | None, tuple[Type | Expression, ...]]
"""A node without what stands in its slots: a node over holes named by place, and the slots, each
the type of a hole or the only thing that may stand there. A literal is itself, without slots."""


def _head(node: Expression) -> _Head | None:
    """The top of a node; None where no pattern may hold it."""
    if isinstance(node, Const):
        return node, ()
    if not isinstance(node, Prim | Call) or not _is_value(node.type):
        return None
    slots: list[Type | Expression] = []
    for place, child in enumerate(node.children):
        slot = _slot(node, place, child)
        if slot is None:
            return None
        slots.append(slot)
    children = (s if isinstance(s, Expression) else var(f"?{i}", s) for i, s in enumerate(slots))
    try:
        top = with_children(node, tuple(children))
    except TypeMismatch:
        return None
    return (top, tuple(slots)) if top.type == node.type else None


def _slot(node: Prim | Call, place: int, child: Expression) -> Type | Expression | None:
    if isinstance(child, Lambda):
        return None if free_variables(child) else child
    if not _is_value(child.type):
        return None
    if not isinstance(child, Const) or isinstance(node, Call):
        return child.type
    index = INDEXED.get(node.primitive.name)
    if index is None or place < index:
        for item in (REAL, INT) if child.type == INT else (child.type,):
            if _may_vary(node, place, item):
                return item
    return child


def _may_vary(node: Prim, place: int, item: Type) -> bool:
    """Whether a name of this type may stand in the place of a literal."""
    children = list(node.children)
    children[place] = var("?", item)
    try:
        return prim(node.primitive, *children).type == node.type
    except (TypeMismatch, AttributeError, TypeError, ValueError):
        return False


def _is_value(item: Type) -> bool:
    """Whether a parameter may be of this type."""
    return isinstance(element(item), Bool | Int | Real | Category)


def _grown(
    pattern: _Pattern, head: _Head, sites: Sequence[_Site], fresh: Iterator[str]
) -> _Pattern:
    """The pattern with a node in its next hole, over holes of its own."""
    hole, (top, slots) = pattern.open[0], head
    assert top is not None
    places = [i for i, slot in enumerate(slots) if not isinstance(slot, Expression)]
    holes = {i: var(next(fresh), top.children[i].type) for i in places}
    children = (holes.get(i, child) for i, child in enumerate(top.children))
    inside = with_children(top, tuple(children)) if slots else top
    kept = []
    for site in sites:
        mine = {h: e for h, e in site.holes.items() if h is not hole}
        below = site.holes[hole].children
        kept.append(replace(site, holes=mine | {h: below[i] for i, h in holes.items()}))
    return _Pattern(
        substitute(pattern.shape, {hole.name: inside}),
        (*holes.values(), *pattern.open[1:]),
        pattern.closed,
        tuple(kept),
    )


def _occurrences(body: Expression) -> Counter[Expression]:
    """How often every node outside of lambdas stands in an expression as written."""
    found: Counter[Expression] = Counter({body: 1})
    for node in reversed(list(walk(body, Lambda))):
        if not isinstance(node, Lambda):
            for child in node.children:
                found[child] += found[node]
    return found


def _partial(program: Program) -> frozenset[str]:
    """Names of the definitions that may be undefined somewhere."""
    found: set[str] = set()
    for definition in program.definitions:
        if _may_fail(definition.body, found):
            found.add(definition.name)
    return frozenset(found)


def _may_fail(body: Expression, partial: set[str] | frozenset[str]) -> bool:
    for node in walk(body):
        if isinstance(node, Call) and node.name in partial:
            return True
        if isinstance(node, Prim) and node.primitive.precondition is not None:
            plain = node.primitive.name == "item" and isinstance(node.children[1], Const)
            if not plain:
                return True
    return False


def _is_lazy(shape: Expression) -> bool:
    return any(isinstance(n, Prim) and n.primitive.name in _LAZY for n in walk(shape))


def _with(
    program: Program, pattern: _Pattern, partial: frozenset[str], keep: frozenset[str]
) -> Program | None:
    """The program with a pattern as a definition; None where too few of its places remain.

    What may be undefined isn't handed over where the pattern might not have looked at it.
    """
    sites = pattern.sites
    if _is_lazy(pattern.shape):
        sites = tuple(s for s in sites if not any(_may_fail(e, partial) for e in s.holes.values()))
    sites = tuple(s for s in sites if s.node.type == pattern.shape.type)
    if sum(s.count for s in sites) < 2:
        return None
    merged = replace(pattern, sites=sites)
    same = merged.representatives((*merged.closed, *merged.open))
    shape = substitute(pattern.shape, {h.name: same[h] for h in same})
    given = [same[h] for h in same if same[h] is h]
    order = list(free_variables(shape))
    given.sort(key=lambda h: order.index(h.name))
    names = {h: var(_letter(i), h.type) for i, h in enumerate(given)}
    body = substitute(shape, {h.name: v for h, v in names.items()})
    parameters = tuple((v.name, v.type) for v in names.values())
    made = Definition(_free_name(program), parameters, body, body.type)
    where = {s.node: tuple(s.holes[h] for h in given) for s in sites}
    done: list[Definition] = []
    for definition in program.definitions:
        changed = _calling(definition, made, {} if definition.name in keep else where)
        if changed is not definition and made not in done:
            done.append(made)
        done.append(changed)
    return _without_wrappers(Program(tuple(done)), keep)


def _calling(
    definition: Definition, made: Definition, where: Mapping[Expression, tuple[Expression, ...]]
) -> Definition:
    """A definition that calls another one at the nodes given with the call's arguments."""
    done: dict[Expression, Expression] = {}
    for node in walk(definition.body, Lambda):
        if isinstance(node, Lambda):
            done[node] = node
        elif node in where:
            done[node] = call(made.name, tuple(done[a] for a in where[node]), made.result)
        else:
            done[node] = with_children(node, tuple(done[c] for c in node.children))
    body = done[definition.body]
    return definition if body is definition.body else replace(definition, body=body)


def _without_wrappers(program: Program, keep: frozenset[str]) -> Program:
    """The program without definitions that only call another one, or that nothing calls."""
    others = (d for d in program.definitions[:-1] if d.name not in keep)
    wrappers = {d.name: d for d in others if _is_wrapper(d)}

    def rule(node: Expression) -> Expression | None:
        if not isinstance(node, Call) or node.name not in wrappers:
            return None
        wrapper = wrappers[node.name]
        given = dict(zip((n for n, _ in wrapper.parameters), node.children, strict=True))
        return rule(substitute(wrapper.body, given)) or substitute(wrapper.body, given)

    kept = [
        replace(d, body=transform(d.body, rule))
        for d in program.definitions
        if d.name not in wrappers
    ]
    return Program((*called(kept[-1], kept[:-1]), kept[-1]))


def _is_wrapper(definition: Definition) -> bool:
    body = definition.body
    if not isinstance(body, Call) or body.type != definition.result:
        return False
    names = {c.name for c in body.children if isinstance(c, Var)}
    return len(names) == len(body.children) == len(definition.parameters)


def _free_name(program: Program) -> str:
    taken = {d.name for d in program.definitions} | _all_names(program)
    return next(name for name in (f"f{i}" for i in count(1)) if name not in taken)


def _all_names(program: Program) -> set[str]:
    """Names of parameters and of values named by Let."""
    found = {n for d in program.definitions for n, _ in d.parameters}
    for definition in program.definitions:
        found |= {n.name for n in walk(definition.body) if isinstance(n, Let)}
    return found


def _letter(place: int) -> str:
    return "abcdefghijklmnopqrstuvwxyz"[place]


def _numbered(program: Program, keep: frozenset[str]) -> Program:
    """The same with `f1`, `f2` ... in the order in which they are defined."""
    others = [d.name for d in program.definitions[:-1] if d.name not in keep]
    plain = [n for n in others if re.fullmatch(r"f\d+", n)]
    taken = _all_names(program) | {d.name for d in program.definitions if d.name not in plain}
    fresh = (name for name in (f"f{i}" for i in count(1)) if name not in taken)
    return functions_renamed(program, dict(zip(plain, fresh, strict=False)))
