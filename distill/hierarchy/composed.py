"""Programs of a network's values, put together to one where the whole has no short program.

The network is cut into values (`decompose.cut`); what a wire's number means is read off the numbers
that it takes; each value becomes a small target, whose inputs are scalars and other values. A value
that a function found before explains is a call of it; any other is searched for. What comes out is
one program, and evidence for the whole is found as for any other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count

import numpy as np

from distill.decompose.cut import Value, cut
from distill.decompose.links import links_of
from distill.decompose.reading import Reading, read, real
from distill.errors import BadInput
from distill.evidence import Claim
from distill.hierarchy.functions import Use, as_found, over, plain, uses
from distill.hierarchy.small import Given, Small, small_target
from distill.normal_form import Array
from distill.piece import Piece
from distill.run.budget import Budget
from distill.run.memory import Drawer
from distill.standing import NEAR, Settings, exact_literal, first_standing, propose, verified
from distill.synthesize.candidate import Candidate, of_program
from distill.synthesize.judge import judge, judging_points
from distill.synthesize.loop import Pool
from distill.synthesize.wellformed import defined_on
from distill.target import Output, Target
from dsl.abstraction import abstracted
from dsl.domain import Columns
from dsl.expand import put
from dsl.program import (
    Call,
    Const,
    Definition,
    Expression,
    Program,
    Var,
    call,
    let,
    prim,
    size,
    transform,
    var,
    walk,
)
from dsl.types import BOOL, REAL, Category, Vector

_UNITS_AT_MOST = 2_000
_SHARE = 0.4
"""Share of the steps left that all values may take together."""
_TOLERANCES = (None, 1e-3)
"""Of inner real values, as a part of their range: the usual one, then a closer one. Whatever has no
inner real tolerance, as an output, is asked the same claim both times; it is found once."""
_WRITTEN_OUT = 8
"""Nodes up to which a function that is called once is written where it is called."""
_CLEARER = 3
"""And one that is called often."""
_PROOF = 20_000
"""Steps that a claim about a value may take."""


@dataclass(frozen=True, eq=False)
class _Found:
    """A value's function, the target that it explains, the claim about that, and the network's own
    arithmetic for it."""

    use: Use
    small: Small
    claim: Claim
    body: Program


@dataclass(frozen=True, eq=False)
class Composed:
    """A program put together from those of its pieces; functions: the one that each calls."""

    candidate: Candidate
    pieces: tuple[Piece, ...]
    functions: tuple[Definition, ...]


def composed(target: Target, settings: Settings, budget: Budget) -> Iterator[Composed]:
    """Programs from the parts of a network, the usual tolerance first; none where it isn't cut."""
    if sum(target.form.widths()) > 4 * _UNITS_AT_MOST:
        return
    links = links_of(target.form)
    if sum(links.widths) > _UNITS_AT_MOST:
        return
    values = cut(links, together=isinstance(target.output.type, Category))
    settings.progress("taking it apart", None)
    settings = replace(settings, memory=settings.memory.beside(Drawer()))  # see `_TOLERANCES`
    for tolerance in _TOLERANCES if values else ():
        maker = _Maker(target, values, settings, tolerance)
        if not maker.make(budget):
            return
        found = maker.whole()
        if found is not None:
            yield found
        if not any(r is not None and r.item == REAL for r in maker.readings):
            return


class _Maker:
    """Programs for values under way."""

    def __init__(
        self,
        target: Target,
        values: tuple[Value, ...],
        settings: Settings,
        tolerance: float | None,
    ) -> None:
        self.target, self.values, self.tolerance = target, values, tolerance
        own = replace(settings.vocabulary, functions=())
        self.settings = replace(settings, hints=(), progress=_unseen, once=False, vocabulary=own)
        self.shown = settings.progress
        self.points = judging_points(target, settings.seed)
        self.inputs = target.domain.encode(self.points)
        self.numbers: list[Array] = []
        self.readings: list[Reading] = []
        self.calls: list[Call] = []
        self.results: list[Expression] = []
        self.library = settings.vocabulary.usable
        self.functions: list[Definition] = list(self.library)
        self.pieces: list[Piece] = []

    def make(self, budget: Budget) -> bool:
        """Programs for all values in order; False where one can't be had."""
        share = int(_SHARE * max(budget.steps - budget.spent, 0)) // len(self.values)
        for place, value in enumerate(self.values):
            taken = [self.numbers[t] for t in value.takes]
            given = np.column_stack([self.inputs[:, list(value.inputs)], *taken])
            numbers = value.form.run(given)
            self.shown("taking it apart", place / len(self.values))
            mine = budget.share(share)
            try:
                done = self._one(value, numbers, mine)
            except BadInput:
                done = False
            mine.counted()
            if not done or budget.late():
                return False
            self.numbers.append(numbers[:, 0])
        return True

    def _one(self, value: Value, numbers: Array, budget: Budget) -> bool:
        reading = None
        if not value.outputs:
            reading = read(numbers[:, 0])
            if reading is None:  # next to constant: read as it is
                reading = real(float(numbers.min()), float(numbers.max()) + 1.0)
        small = self._small(value, reading)
        points = judging_points(small.target, self.settings.seed)
        found = self._known(value, small, points, reading, numbers[:, 0], budget)
        found = found or self._searched(value, small, points, reading, numbers[:, 0], budget)
        if found is None:
            return False
        use = found.use
        number = self._number(use.definition)
        names = [f.name for f in found.small.target.domain.fields]
        stand = dict(zip(names, found.small.arguments, strict=True))
        arguments = tuple(put(g, stand) for g in use.given)
        self.calls.append(call(self.functions[number].name, arguments, use.definition.result))
        self.results.append(use.applied(self.calls[-1]))
        if use.reading is not None:
            self.readings.append(use.reading)
        self.pieces.append(self._piece(found, value.outputs))
        return True

    def _small(self, value: Value, reading: Reading | None) -> Small:
        names = [var(f"v{i + 1}", r.type) for i, r in enumerate(self.results)]
        given = Given(
            self.target.domain, self.points, tuple(self.readings), tuple(names),
            tuple(self.numbers),
        )  # fmt: skip
        seed = self.settings.seed
        if reading is None:
            whole, real_ = self.target.output, self.target.output.scalar == REAL
            output = (
                whole if isinstance(whole.type, Category) else Output(whole.scalar, whole.level)
            )
            tolerance = self.target.tolerance if real_ else None
            small = small_target(value, given, None, output, tolerance, seed)
            return replace(small, target=replace(small.target, soft=real_ and self.target.soft))
        output = Output(reading.item, 0.5 if reading.item == BOOL else 0.0)
        close = None
        if reading.item == REAL and self.tolerance is not None:
            close = self.tolerance * float(reading.high - reading.low)
        return small_target(value, given, reading, output, close, seed)

    def _known(
        self, value: Value, small: Small, points: Columns, reading: Reading | None, numbers: Array,
        budget: Budget,
    ) -> _Found | None:  # fmt: skip
        """A function found before that explains a value; points: those it is judged on."""
        for use in uses(tuple(self.functions), small, reading, numbers):
            mine = small if use.reading is reading else self._small(value, use.reading)
            made = of_program(Program((over(use, mine.target.domain),)), "found before")
            if not defined_on(made.program, mine.target.domain):
                continue
            if judge(mine.target, made, points).holds:
                claim = self._claim(mine.target, made, budget)
                if claim.verdict != "refuted":
                    return _Found(use, mine, claim, exact_literal(mine.target).program)
        return None

    def _claim(self, target: Target, made: Candidate, budget: Budget, reach: float = NEAR) -> Claim:
        mine = budget.share(_PROOF)
        claim = verified(target, made, self.settings, mine, reach)[1]
        mine.counted()
        return claim

    def _searched(
        self, value: Value, small: Small, points: Columns, reading: Reading | None, numbers: Array,
        budget: Budget,
    ) -> _Found | None:  # fmt: skip
        target, settings = small.target, self.settings
        pool = Pool(target, points, forbidden=settings.vocabulary.forbidden)
        propose(pool, settings, budget)
        literal = exact_literal(target)
        pool.add(literal)
        mine = budget.share(_PROOF)
        standing = first_standing(pool, literal, settings, mine)
        mine.counted()
        if standing is None:
            made, claim = literal, self._claim(target, literal, budget)
        else:
            _, claim, made, _ = standing
        if claim.verdict == "refuted":
            return None
        main = made.program.main
        if reading is None:
            use = as_found(main, None)
        else:
            use = plain(main, reading, small.columns, numbers)
        if use.reading is reading:
            return _Found(use, small, claim, literal.program)
        other = self._small(value, use.reading)
        again = of_program(Program((over(use, other.target.domain),)), made.route)
        claim = self._claim(other.target, again, budget)
        return _Found(use, other, claim, exact_literal(other.target).program)

    def _number(self, definition: Definition) -> int:
        """The number of a function, which is taken among those found where it is new."""
        for number, known in enumerate(self.functions):
            if known.body is definition.body and known.parameters == definition.parameters:
                return number
        taken = {d.name for d in self.functions}
        name = next(n for n in (f"f{i}" for i in count(1)) if n not in taken)
        self.functions.append(replace(definition, name=name))
        return len(self.functions) - 1

    def _piece(self, found: _Found, outputs: tuple[int, ...]) -> Piece:
        name = f"v{len(self.results)}"
        if outputs:
            name = "y" if len(outputs) > 1 else f"y{sum(outputs)}"
        domain, claim = found.small.target.domain, found.claim
        return Piece(
            name,
            Program((over(found.use, domain),)),
            found.body,
            tuple(str(a) for a in found.small.arguments),
            domain,
            replace(claim, statement=f"{name}: {claim.statement}", certificate=None, attempts=()),
        )

    def whole(self) -> Composed | None:
        """The one program of all values; None where it isn't defined everywhere."""
        used, by_name = Counter(c.name for c in self.calls), {d.name: d for d in self.functions}
        kept: list[Definition] = []
        written: list[Expression] = []
        for made, result in zip(self.calls, self.results, strict=True):
            definition = by_name[made.name]
            nodes = size(definition.body)
            short = nodes <= _CLEARER or (used[made.name] == 1 and nodes <= _WRITTEN_OUT)
            if short and definition not in self.library:
                names = [n for n, _ in definition.parameters]
                body = put(definition.body, dict(zip(names, made.children, strict=True)))
                written.append(body if result is made else prim("not_", body))
            else:
                kept += [definition] * (definition not in kept)
                written.append(result)
        inner = len(self.readings)
        last, item = written[inner:], self.target.output.type
        body = prim("vector", *last) if isinstance(item, Vector) else last[0]
        for number in reversed(range(inner)):
            name, value = f"v{number + 1}", written[number]
            often = _count(body, name)
            if often == 1 or isinstance(value, Var | Const):
                body = put(body, {name: value})
            elif often:
                body = let(name, value, body)
        known = frozenset(d.name for d in self.library)
        fresh = (n for n in (f"f{i}" for i in count(1)) if n not in known)
        numbered = {d.name: d.name if d.name in known else next(fresh) for d in kept}
        main = Definition("predict", self.target.domain.parameters, _renamed(body, numbered), item)
        made = abstracted(
            Program((*(replace(d, name=numbered[d.name]) for d in kept), main)), known
        )
        if not defined_on(made, self.target.domain):
            return None
        called = tuple(by_name[c.name] for c in self.calls)
        return Composed(of_program(made, "parts", known), tuple(self.pieces), called)


def _unseen(stage: str, done: float | None) -> None:
    """Progress of a value's search, which the whole doesn't show."""


def _count(body: Expression, name: str) -> int:
    """How often a name stands in an expression as written."""
    counts: dict[Expression, int] = {}
    for node in walk(body):
        own = int(isinstance(node, Var) and node.name == name)
        counts[node] = own + sum(counts[c] for c in node.children)
    return counts[body]


def _renamed(body: Expression, names: dict[str, str]) -> Expression:
    def rule(node: Expression) -> Expression | None:
        if isinstance(node, Call):
            return call(names[node.name], node.children, node.type)
        return None

    return transform(body, rule)
