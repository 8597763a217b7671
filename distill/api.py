"""The door for Python: distill, inspect, check, compare, equivalent."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distill.api_loops import (
    distil_sequences,
    refuse_for_sequences,
    require_sequences,
)
from distill.api_outcome import distillation_of
from distill.distillation import Distillation
from distill.distillation_loop import LoopDistillation
from distill.errors import BadInput
from distill.evidence import Claim
from distill.load import load
from distill.load.sklearn import words_of
from distill.loops import read_sequences
from distill.network import Network
from distill.pipeline import distil
from distill.recurrent import Recurrent, RecurrentNetwork
from distill.run.budget import Budget, Progress, default_steps
from distill.run.cache import memory_of
from distill.run.interrupt import interruptible
from distill.run.memory import Memory
from distill.run.progress import watched
from distill.run.versions import versions
from distill.standing import Settings
from distill.synthesize.loop import Vocabulary
from distill.target import make_target, resolve_output
from dsl.domain import Columns, Domain, DomainError
from dsl.domain_text import parse_domain, show_domain
from dsl.primitive import REGISTRY, Primitive
from dsl.program import Definition, Expression
from dsl.sequences import Sequences, is_sequences
from dsl.text import ParseError, parse

if TYPE_CHECKING:
    from distill.api_inspect import Inspection


def distill(
    model: Any,
    inputs: str | Domain | Sequences | None = None,
    outputs: str | None = None,
    data: Any = None,
    tolerance: float | None = None,
    margin: float = 0.0,
    exact: bool = False,
    budget: float = 60.0,
    steps: int | None = None,
    seed: int = 0,
    jobs: int = 1,
    hints: Sequence[str | Expression] = (),
    allowed: Sequence[str] | None = None,
    forbidden: Sequence[str] = (),
    primitives: Sequence[Primitive] = (),
    library: str | Path | Sequence[Definition] = (),
    progress: Progress | bool | None = None,
    initial_state: Any = None,
    length: int | None = None,
    cache: bool | str | Path | Memory = False,
) -> Distillation | LoopDistillation:
    """Distil a trained network into a readable program with evidence.

    A domain of sequences makes it the loop of a recurrent network.

    Args:
        model: path of an .onnx or .pt2 file, torch module, exported program, scikit-learn MLP or
            pipeline, or a loaded `Network`; for sequences an .onnx file of a
            cell, a `Recurrent` of step and readout, or a `RecurrentNetwork`.
        inputs: the domain, e.g. "x: real(-1,1)[2] * b: bool" or "seq(int(0,9))"; without it one is
            proposed from `data`, with a scikit-learn estimator's column names.
        outputs: the output type, e.g. "category(3)"; inferred from the last operation, or from a
            scikit-learn classifier's class names, if left out.
            For sequences "seq(int)" is one per item and "int" the one at the end.
        data: unlabelled inputs (n, width) in the network's units, or the path of a .npz or .csv.
        tolerance: largest difference of real outputs (default 1 % of the output's range), or share
            of the domain on which a discrete program over reals may differ (default 1 %).
        margin: decisions of the network closer than this may differ.
        exact: forbid changes of the network's weights.
        budget: seconds after which everything is ended; steps: work that may be done, counted so
            that no clock matters (see `distill.run.budget`); by default what an ordinary machine
            does well within the budget.
        seed: of everything random; the same network, seed and steps give the same program.
        jobs: threads that work side by side; the program doesn't depend on it.
        hints: guesses to start from, as text over the domain's names or as expressions.
        allowed, forbidden: names of primitives for the search; what is forbidden is in no program
            but your hints and the network's own arithmetic; primitives: your own.
        library: functions that the program may call, a file of `distill library save` or
            definitions; the program holds those that it calls.
        progress: called with a stage and how much of it is done (or None); True shows it on a
            terminal or in a notebook, with the time left.
        initial_state: of a recurrent network, an array or a file; its own or zeros if left out.
        length: of the example sequences; found from domain and network if left out.
        cache: take finished stages of earlier runs from the user's cache (True) or a folder, and
            keep those of this one there; the program is the same.

    Raises:
        BadInput: something can't be used, in one sentence.
    """
    _check_numbers(tolerance, margin, budget, steps, jobs)
    spent = Budget(steps or default_steps(budget), budget, jobs)
    if isinstance(inputs, Sequences) or (isinstance(inputs, str) and is_sequences(inputs)):
        refuse_for_sequences(
            margin=margin > 0, data=data is not None, hints=bool(hints),
            allowed=allowed is not None, forbidden=bool(forbidden), primitives=bool(primitives),
            library=bool(library),
        )  # fmt: skip
        with interruptible(spent), watched(progress, spent) as report:
            return distil_sequences(
                model, inputs, outputs, initial_state, length, tolerance, spent, seed, report,
                versions(), memory_of(cache),
            )  # fmt: skip
    require_sequences(model, inputs, initial_state, length)
    network = load(model)
    rows = read_data(data)
    names, classes = words_of(model)
    domain = _domain(inputs, rows, network, names)
    target = make_target(
        network,
        domain,
        resolve_output(network, outputs or classes),
        tolerance,
        margin,
        columns_of(domain, rows),
        seed,
    )
    from distill.library import functions_for

    functions = functions_for(library, [f.name for f in domain.fields])
    words = _vocabulary(allowed, forbidden, primitives, functions)
    guesses = tuple(_hint(h, domain, functions) for h in hints)
    with interruptible(spent), watched(progress, spent) as report:
        settings = Settings(seed, exact, words, guesses, report, memory=memory_of(cache))
        outcome = distil(target, settings, spent)
    return distillation_of(outcome, network, domain, spent, seed)


def _check_numbers(
    tolerance: float | None, margin: float, budget: float, steps: int | None, jobs: int
) -> None:
    if tolerance is not None and not 0 <= tolerance < float("inf"):
        raise BadInput(f"the tolerance must be a number from 0 up, not {tolerance}")
    if not 0 <= margin < float("inf"):
        raise BadInput(f"the margin must be a number from 0 up, not {margin}")
    if not budget > 0:
        raise BadInput(f"the budget must be more than 0 seconds, not {budget}")
    if steps is not None and steps < 1:
        raise BadInput(f"the steps must be 1 or more, not {steps}")
    if jobs < 1:
        raise BadInput(f"the jobs must be 1 or more, not {jobs}")


def read_domain(inputs: str | Domain) -> Domain:
    """A domain from its text.

    Raises:
        BadInput: it can't be read.
    """
    if isinstance(inputs, Domain):
        return inputs
    try:
        return parse_domain(inputs)
    except DomainError as error:
        raise BadInput(str(error)) from None


def _domain(
    inputs: str | Domain | None, rows: Any, network: Network, names: Sequence[str]
) -> Domain:
    if inputs is not None:
        return read_domain(inputs)
    if rows is None:
        raise BadInput(
            "say what the inputs may be, e.g. inputs='real(-1,1)[2]', or give data to propose it "
            "from"
        )
    from distill.propose import propose_domain

    return propose_domain(fitting(rows, network.input_width), names)


def read_data(data: Any) -> Any:
    """Unlabelled inputs (n, width) from an array, a .npz with `x`, or a .csv with a header.

    Raises:
        BadInput: the file can't be read as such.
    """
    if data is None:
        return None
    from distill.load.data import read_inputs

    return read_inputs(data)


def fitting(rows: Any, width: int) -> Any:
    """The data's rows, if they have as many columns as the network takes inputs.

    Raises:
        BadInput: they haven't.
    """
    if rows.shape[1] != width:
        raise BadInput(
            f"the data has {rows.shape[1]} columns, and the network takes {width} inputs"
        )
    return rows


def columns_of(domain: Domain, rows: Any) -> Columns | None:
    """The data's rows that lie in the domain, as columns.

    Raises:
        BadInput: another number of columns, or no row lies in the domain.
    """
    if rows is None:
        return None
    columns = domain.decode(fitting(rows, domain.width))
    inside = domain.contains(columns)
    if not inside.any():
        raise BadInput(f"no row of the data lies in the domain '{show_domain(domain)}'")
    return tuple(c[inside] for c in columns)


def _vocabulary(
    allowed: Sequence[str] | None,
    forbidden: Sequence[str],
    own: Sequence[Primitive],
    functions: tuple[Definition, ...],
) -> Vocabulary:
    for name in [*(allowed or ()), *forbidden]:
        if name not in REGISTRY:
            raise BadInput(f"there is no primitive named {name!r}; see `distill primitives`")
    return Vocabulary(
        None if allowed is None else frozenset(allowed), frozenset(forbidden), tuple(own), functions
    )


def _hint(hint: str | Expression, domain: Domain, functions: Sequence[Definition]) -> Expression:
    if isinstance(hint, Expression):
        return hint
    try:
        return parse(hint, dict(domain.parameters), functions)
    except ParseError as error:
        raise BadInput(f"can't read the hint {hint!r}: {error}") from None


def inspect(
    model: Any, data: Any = None, recurrent: bool = False, initial_state: Any = None
) -> Inspection:
    """Inputs, outputs, operations and sizes of a model; with data a proposed domain.

    recurrent: read it as a recurrent network.

    Raises:
        BadInput: the model or the data can't be read.
    """
    from distill.api_inspect import inspect_feed_forward, inspect_recurrent

    if recurrent or initial_state is not None or isinstance(model, Recurrent | RecurrentNetwork):
        refuse_for_sequences(data=data is not None)
        return inspect_recurrent(model, initial_state)
    return inspect_feed_forward(model, read_data(data))


def check(folder: str | Path) -> Any:
    """Re-check the evidence of a finished distillation without trusting the run that made it.

    Returns an object with `verdict` (holds, refuted or unknown) and `lines`.

    Raises:
        BadInput: the folder isn't the output of a distillation.
    """
    from distill.checker.folder import check_folder

    return check_folder(Path(folder))


def compare(
    a: Any,
    b: Any,
    inputs: str | Domain | Sequences,
    tolerance: float | None = None,
    seed: int = 0,
    budget: float = 60.0,
) -> Claim:
    """Property-test two things (networks, programs, .py files, callables) for equivalence.

    On a domain of sequences recurrent networks and loops; functions take a list of items.
    .py files are executed. Returns a claim, with a shrunk counterexample where they differ.

    Raises:
        BadInput: one of them can't be used on the domain.
    """
    if isinstance(inputs, Sequences) or (isinstance(inputs, str) and is_sequences(inputs)):
        from distill.compare_sequences import sequence_equivalence

        return sequence_equivalence(a, b, read_sequences(inputs), tolerance, seed, budget)
    from distill.compare import equivalence

    return equivalence(a, b, read_domain(inputs), tolerance, seed, budget)


def equivalent(
    f: Any,
    g: Any,
    inputs: str | Domain | Sequences,
    tolerance: float | None = None,
    seed: int = 0,
) -> Claim:
    """Evidence that two of network, program or callable agree on a domain; see `compare`."""
    return compare(f, g, inputs, tolerance, seed)
