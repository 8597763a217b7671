"""Claims about commuting squares, and the evidence of a whole distillation."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any

SCHEMA = 1

RANK = (
    "refuted",
    "unknown",
    "tested",
    "proved_to_solver_tolerance",
    "proved_to_length",
    "proved",
)
"""Verdicts from weakest to strongest."""


NOT_LOOKED_FOR = "not looked for in the network"
"""What evidence says of a program's inner variables until someone looks."""


@dataclass(frozen=True)
class Attempt:
    """One verifier that was asked: what it said, what it showed, how long it took.

    achieved: the difference shown, None where none was; count: inputs or boxes looked at;
    note: why nothing was shown.
    """

    name: str
    verdict: str
    achieved: float | None = None
    seconds: float = 0.0
    count: int = 0
    note: str = ""

    @property
    def line(self) -> str:
        """The attempt in words."""
        shown = "" if self.achieved is None else f", within {self.achieved:.4g}"
        counted = f", {self.count:,} looked at" if self.count else ""
        note = f": {self.note}" if self.note else ""
        return f"{self.name}: {self.verdict}{shown}{counted}, {self.seconds:.2f} s{note}"


@dataclass(frozen=True)
class Claim:
    """What is known about one square.

    verdict: one of `RANK`; method: the verifier's name (`distill.verify.plan`), or property.
    tolerance: the difference asked for (None for equality); achieved: the difference shown.
    exempt: a condition in words on which nothing is claimed: decisions of the network closer than
        `margin`, or, where `band` is "program", inputs closer than that to the program's guard
        (`distill.guard`), or, where it is "both", as `widths` lists (`distill.band`, a part each);
        left_out: its share of the domain.
    count: inputs or boxes looked at; counterexample: inputs, network's value, program's value.
    counterexamples: up to four, the first being that one, each from another region that fails,
        with how it came out when it was run again (`distill.verify.replay`); beside a claim that
        isn't refuted those that differ over the reals only.
    certificate: JSON-able proof for an independent checker.
    regions: where the two sides of a refuted claim differ, as `distill.regions` found it: a
        condition, the shares, an input each.
    length_bound: for sequences, the length up to which the claim holds; None where there is none.
    attempts: the verifiers that were asked for it, in order; Evidence writes them.
    """

    verdict: str
    method: str
    statement: str
    tolerance: float | None = None
    achieved: float | None = None
    exempt: str | None = None
    margin: float = 0.0
    band: str = "network"
    widths: list[dict[str, Any]] = field(default_factory=list)
    left_out: float = 0.0
    arithmetic: str = ""
    count: int = 0
    seconds: float = 0.0
    counterexample: dict[str, Any] | None = None
    counterexamples: list[dict[str, Any]] = field(default_factory=list)
    certificate: dict[str, Any] | None = field(default=None, repr=False)
    length_bound: int | None = None
    regions: list[dict[str, Any]] = field(default_factory=list)
    attempts: tuple[Attempt, ...] = field(default=(), repr=False, compare=False)

    def _repr_html_(self) -> str:
        from distill.reporting.notebook import claim_html

        return claim_html(self)

    def to_json(self) -> dict[str, Any]:
        """Plain data in the form of evidence.json."""
        found = asdict(replace(self, attempts=()))
        del found["attempts"]
        found["except"] = found.pop("exempt")
        found["share_left_out"] = found.pop("left_out")
        return found

    @staticmethod
    def from_json(data: dict[str, Any]) -> Claim:
        """Undo `to_json`."""
        kept = {k: v for k, v in data.items() if k not in ("except", "share_left_out")}
        return Claim(**kept, exempt=data["except"], left_out=data["share_left_out"])


IDENTICAL = Claim("proved", "relational", "the deployed network is the original one", achieved=0.0)


def weaker(first: str, second: str) -> str:
    """The weaker of two verdicts."""
    return min(first, second, key=RANK.index)


@dataclass(frozen=True)
class Evidence:
    """All claims of a distillation with what is needed to repeat it.

    bits: {"program", "network", "version"}; hashes: sha256 of program, deployed and original
    network; versions: of distill and the libraries; attempts: the verifiers that were asked about
    the program, in order; variables: whether the program's inner variables are the network's own,
    in a line, empty where it has none: the same function need not be the same algorithm.
    program_vs_original: where the deployed network is another one than the original and outputs are
    real, what the two claims come to together, or what was shown directly where that is better.
    """

    program_vs_deployed: Claim
    deployed_vs_original: Claim
    domain: str
    output: str
    bits: dict[str, float]
    seconds: float
    steps: int
    seed: int
    versions: dict[str, str]
    hashes: dict[str, str]
    parts: tuple[Claim, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    variables: str = ""
    program_vs_original: Claim | None = None

    @property
    def verdict(self) -> str:
        """The weaker of the two claims."""
        return weaker(self.program_vs_deployed.verdict, self.deployed_vs_original.verdict)

    @property
    def of_sequences(self) -> bool:
        """Whether the program is the loop of a recurrent network."""
        return self.domain.startswith("seq(")

    @property
    def method(self) -> str:
        """The method behind the headline verdict."""
        first, second = self.program_vs_deployed, self.deployed_vs_original
        return second.method if second.verdict == self.verdict != first.verdict else first.method

    def _repr_html_(self) -> str:
        from distill.reporting.notebook import evidence_html

        return evidence_html(self)

    def to_json(self) -> dict[str, Any]:
        """Plain data in the form of evidence.json."""
        whole = self.program_vs_original
        return {
            "schema": SCHEMA,
            "verdict": self.verdict,
            "method": self.method,
            "program_vs_deployed": self.program_vs_deployed.to_json(),
            "deployed_vs_original": self.deployed_vs_original.to_json(),
            "domain": self.domain,
            "output": self.output,
            "bits": self.bits,
            "seconds": self.seconds,
            "steps": self.steps,
            "seed": self.seed,
            "versions": self.versions,
            "sha256": self.hashes,
            "parts": [p.to_json() for p in self.parts],
            "attempts": [asdict(a) for a in self.attempts],
            "variables": self.variables,
            "program_vs_original": whole and whole.to_json(),
        }

    @staticmethod
    def from_json(data: dict[str, Any]) -> Evidence:
        """Undo `to_json`."""
        return Evidence(
            Claim.from_json(data["program_vs_deployed"]),
            Claim.from_json(data["deployed_vs_original"]),
            data["domain"],
            data["output"],
            data["bits"],
            data["seconds"],
            data["steps"],
            data["seed"],
            data["versions"],
            data["sha256"],
            tuple(Claim.from_json(p) for p in data["parts"]),
            tuple(Attempt(**a) for a in data.get("attempts", ())),
            data.get("variables", ""),
            None
            if not data.get("program_vs_original")
            else Claim.from_json(data["program_vs_original"]),
        )
