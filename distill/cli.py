"""The command line: one short function per command; everything heavy is imported inside."""

from __future__ import annotations

import errno
import json
import math
import os
import sys
import warnings
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from distill import cli_choice, cli_labels, cli_report
from distill import cli_views as views
from distill.cli_inputs import domain_of, proposed, sequences, share
from distill.cli_options import (
    AsJson,
    Data,
    Folder,
    InitialState,
    Inputs,
    Jobs,
    Length,
    Library,
    Locate,
    Margin,
    Model,
    NoCache,
    Out,
    Outputs,
    Recurrent,
    Resume,
    Seed,
    Tolerance,
    Yes,
)
from distill.errors import BadInput

if TYPE_CHECKING:
    from distill.distillation import Distilled

FOUND, FAULT, BAD_INPUT, BUDGET, REFUTED, UNKNOWN, INTERRUPTED = 0, 1, 2, 3, 4, 5, 130
VERDICT_CODES = {"holds": FOUND, "refuted": REFUTED, "unknown": UNKNOWN}
TOO_MUCH = 2**53
REFUSED: type[Exception] = typer.BadParameter.__bases__[0]  # typer exports no UsageError itself

app = typer.Typer(
    name="distill",
    help="A reverse compiler: a trained network in, a short verified program out.",
    epilog="Exit codes: 0 found or holds, 1 a fault of ours, 2 bad input, 3 the budget ended the "
    "search with the literal program, 4 refuted, 5 unknown, 130 interrupted.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        from distill import __version__

        typer.echo(f"distill {__version__}")
        raise typer.Exit


@app.callback()
def options(
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of a fault (anywhere on the line).")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it, end.")
    ] = False,
) -> None:
    """Options of every command; `main` has taken --debug off the line before."""


@app.command()
def inspect(
    model: Model,
    data: Data = None,
    recurrent: Recurrent = False,
    initial_state: InitialState = None,
) -> None:
    """Show inputs, outputs, operations and sizes; with --data a proposed domain."""
    from distill import api

    found = api.inspect(model, data, recurrent, initial_state)
    rows = list(found.rows())
    if found.proposed:
        rows.append(("proposed domain", found.proposed))
    views.print_rows(rows)


@app.command()
def modules(
    model: Model,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
    seed: Seed = 0,
) -> None:
    """Show the parts of MODEL: hidden units joined to others by narrow wires alone, or nearly."""
    _check_limits(seed=seed)
    from distill import api_inspect

    found = api_inspect.modules(model, seed)
    if as_json:
        views.print_text(json.dumps(found.to_json(), indent=1))
    else:
        views.print_rows(found.rows())


@app.command()
def detectors(
    model: Model,
    data: Annotated[
        str, typer.Option("--data", metavar="FILE", help="Inputs: .npz with x, or .csv.")
    ],
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="DIR", help="Where to; default ./NAME.detectors."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
    seed: Seed = 0,
) -> None:
    """Name what each filter of an image network looks for, and draw it.

    Pictures (.svg) show the filter (filled: positive, hollow: negative), the input found by
    optimisation that excites it most, and the windows of the data that do; dark is high.
    """
    _check_limits(seed=seed)
    from distill import api_detectors
    from distill.export.place import shown, stem_of

    found = api_detectors.detect(model, data, seed)
    folder = Path(to) if to else Path(f"{stem_of(model)}.detectors")
    written = found.save(folder)
    if as_json:
        views.print_text(json.dumps(found.to_json(), indent=1))
    else:
        views.print_rows(found.rows())
        views.print_text(f"\n{len(written)} files written to {shown(folder)}")


@app.command()
def prepare(
    model: Model,
    data: Annotated[
        str, typer.Option("--data", metavar="FILE", help=".npz with x (and labels y), or .csv.")
    ],
    outputs: Annotated[
        str | None, typer.Option(metavar="TYPE", help="What the outputs mean: 'category(3)'.")
    ] = None,
    loss: Annotated[
        str, typer.Option(metavar="SHARE", help="Accuracy that may be lost at most.")
    ] = "0.5%",
    epochs: Annotated[int | None, typer.Option(help="Train for so many at most.")] = None,
    out: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Where to; default ./NAME.prepared.onnx."),
    ] = None,
    seed: Seed = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Train MODEL on so that it is easier to read: sparser, on a grid, more modular.

    It is trained towards its own outputs; labels in FILE only judge. Exit code 3: nothing sparser
    was within the loss, and the network is written as it is.
    """
    from distill.export.place import written_file

    allowed = share("--loss", loss)
    _check_limits(seed=seed, epochs=epochs)
    with written_file(out, model, "prepared.onnx") as place:
        with views.progress(show=not as_json) as report:
            from distill import api_prepare
            from distill.load import write_onnx

            found = api_prepare.prepare(
                model, data, outputs, loss_allowed=allowed, seed=seed,
                epochs=epochs or api_prepare.EPOCHS, progress=report,
            )  # fmt: skip
        write_onnx(found.network, place.draft)
        place.publish()
    views.print_text(json.dumps(found.to_json(), indent=1) if as_json else found.summary())
    if not as_json:
        views.print_text(f"\nwritten to {place.target}")
    if found.interrupted:
        raise typer.Exit(INTERRUPTED)
    raise typer.Exit(FOUND if found.changed else BUDGET)


@app.command()
def run(
    model: Model,
    inputs: Inputs = None,
    outputs: Outputs = None,
    recurrent: Recurrent = False,
    initial_state: InitialState = None,
    length: Length = None,
    data: Data = None,
    tolerance: Tolerance = None,
    margin: Margin = 0.0,
    exact: Annotated[bool, typer.Option("--exact", help="Keep every weight as it is.")] = False,
    yes: Yes = False,
    budget: Annotated[float, typer.Option(metavar="SECONDS", help="Stop after.")] = 60.0,
    steps: Annotated[int | None, typer.Option(help="Stop after this many steps of work.")] = None,
    jobs: Jobs = 1,
    seed: Seed = 0,
    library: Library = None,
    out: Out = None,
    locate: Locate = False,
    resume: Resume = False,
    no_cache: NoCache = False,
    as_json: AsJson = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print no progress, no result.")] = False,
) -> None:
    """Distil MODEL into a program with evidence, in a folder."""
    from distill.cli_cache import kept
    from distill.cli_labels import labels_in, with_labels
    from distill.export.place import default_folder, staged

    limits = {"tolerance": tolerance, "margin": margin, "budget": budget, "steps": steps}
    _check_limits(**limits, jobs=jobs, seed=seed, length=length)
    with staged(Path(out) if out else default_folder(model)) as place:
        before = labels_in(place.target)
        domain = (sequences if recurrent else domain_of)(inputs) or proposed(model, data, yes)
        with (
            views.progress(show=not (quiet or as_json)) as report,
            kept(place.target, resume=resume, cached=not no_cache, quiet=quiet) as memory,
        ):
            from distill import api

            found = api.distill(
                model, domain, outputs, data=data, exact=exact, jobs=jobs, seed=seed,
                library=library or (), progress=report, initial_state=initial_state, length=length,
                cache=memory.found, **limits,
            )  # fmt: skip
            if locate:
                found = found.with_variables(found.locate(seed=seed, progress=report))
            found = with_labels(found, before)
            found.save(place.target)
            memory.done(found.interrupted or found.timed_out)
    _print_result(found, str(place.target), as_json=as_json, quiet=quiet)
    raise typer.Exit(_run_code(found))


@app.command()
def check(
    folder: Folder,
    program: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Your own program, put beside the run's network."),
    ] = None,
    tolerance: Tolerance = None,
    budget: Annotated[float, typer.Option(metavar="SECONDS", help="Stop proofs after.")] = 60.0,
    seed: Seed = 0,
) -> None:
    """Re-check the evidence of a finished run without trusting it; program.py is not executed.

    With --program: what holds of a program.dsl that you edited, proved where possible, with a
    counterexample where it differs. The folder stays as it is (see 'choose').
    """
    if program is not None:
        verdict = cli_choice.check_program(folder, program, tolerance, budget, seed)
        raise typer.Exit(VERDICT_CODES.get(verdict, FOUND))
    from distill import api

    found = api.check(folder)
    views.print_lines([*found.lines, found.verdict])
    raise typer.Exit(VERDICT_CODES[found.verdict])


@app.command()
def show(
    folder: Folder,
    form: Annotated[
        views.Form, typer.Option("--as", help="In which form to print the program.")
    ] = views.Form.text,
    expand: Annotated[
        int, typer.Option(metavar="N", help="Write out its parts N levels down, to the network.")
    ] = 0,
    front: Annotated[
        bool, typer.Option("--front", help="List the other programs: bits against error.")
    ] = False,
    evidence: Annotated[
        bool, typer.Option("--evidence", help="Print the claims and the verifiers asked for them.")
    ] = False,
) -> None:
    """Print the program of a finished run."""
    _require("--expand", expand, 0)
    from distill.export.folder import read_folder

    found = read_folder(Path(folder))
    if front:
        views.print_front(found.front)
    elif evidence:
        views.print_evidence(found.evidence)
    else:
        views.print_text(views.program_as(found, form, expand))


@app.command()
def export(
    folder: Folder,
    to: Annotated[
        str,
        typer.Option("--to", metavar="FORM", help="python, numpy, torch, onnx, c, smt2 or latex."),
    ],
    out: Annotated[
        str | None,
        typer.Option("--out", metavar="FILE", help="Where to; default ./NAME.c and the like."),
    ] = None,
) -> None:
    """Write the program of a finished run as a file to deploy: C99, ONNX, numpy, torch ..."""
    from distill.export.folder import read_folder
    from distill.export.forms import ENDINGS, Target, default_name
    from distill.export.place import written_file

    if to not in list(Target):
        raise BadInput(f"--to is {to!r}; it must be one of {', '.join(Target)}.")
    text = read_folder(Path(folder)).export(to)
    form = Target(to)
    ending = ENDINGS[form].rpartition(".")[2]
    with written_file(out or default_name(folder, form), folder, ending) as place:
        place.draft.write_bytes(text if isinstance(text, bytes) else text.encode())
        place.publish()
    views.print_text(f"the program as {form}: written to {place.target}")


@app.command()
def reconstruct(
    folder: Folder,
    level: Annotated[
        int | None,
        typer.Option("--level", metavar="N", help="As show --expand; the last one if left out."),
    ] = None,
    out: Annotated[str, typer.Option("--out", metavar="FILE", help="Where to write it.")] = (
        "reconstructed.onnx"
    ),
) -> None:
    """Build a network back from the texts in DIR: its .onnx files aren't read.

    At the last level its weights are the network's own; above it, it computes what the program does
    (true as 1, categories by number).
    """
    _require("--level", level or 0, 0)
    from distill.load import write_onnx
    from distill.reconstruct import reconstruct as from_texts

    found, number = from_texts(Path(folder), level)
    write_onnx(found.network, Path(out))
    what = "the network's own arithmetic" if found.own else "the program's values"
    views.print_text(f"level {number}, {what}: written to {out}")


@app.command()
def locate(
    folder: Folder,
    samples: Annotated[
        int, typer.Option(metavar="N", help="Pairs of inputs for each accuracy.")
    ] = 1000,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
    seed: Seed = 0,
) -> None:
    """Find where the program's inner variables live in the network, by interchange interventions.

    Each is read in one run and written into another; the output must change as the program's does.
    What was found is put into the folder: located.json, evidence.json and summary.txt.
    """
    _require("--samples", samples, 1)
    _check_limits(seed=seed)
    with views.progress(show=not as_json) as report:
        from distill.export.folder import read_folder, write_located

        distilled = read_folder(Path(folder))
        found = distilled.locate(samples, seed, report)
    write_located(distilled.with_variables(found), Path(folder))
    if as_json:
        views.print_text(json.dumps(found.to_json(), indent=1))
    else:
        views.print_alignment(found)


@app.command()
def compare(
    first: Annotated[str, typer.Argument(metavar="A", help="A network, program.dsl, DIR or .py.")],
    second: Annotated[str, typer.Argument(metavar="B", help="The other one.")],
    inputs: Inputs = None,
    tolerance: Tolerance = None,
    budget: Annotated[float, typer.Option(metavar="SECONDS", help="Stop after.")] = 60.0,
    seed: Seed = 0,
) -> None:
    """Test two things for equivalence. A .py file IS EXECUTED: give only ones you trust."""
    _check_limits(tolerance=tolerance, budget=budget, seed=seed)
    domain = domain_of(inputs)
    if domain is None:
        raise BadInput("compare needs a domain to compare on; add --inputs 'x: real(-1,1)[2]'.")
    from distill import api

    claim = api.compare(first, second, domain, tolerance=tolerance, seed=seed, budget=budget)
    views.print_claim(claim)
    raise typer.Exit(VERDICT_CODES.get(claim.verdict, FOUND))


@app.command()
def replace(
    folder: Folder,
    data: Annotated[
        str, typer.Option("--data", metavar="FILE", help="Labelled: .npz with x and y, or .csv.")
    ],
    as_json: AsJson = False,
) -> None:
    """Network and program on labelled data: accuracies, McNemar's test, rows that differ."""
    import json

    from distill.replace import replacement

    found = replacement(folder, data)
    views.print_text(json.dumps(found.to_json(), indent=1) if as_json else found.summary())


@app.command()
def primitives(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Only this one.")] = None,
) -> None:
    """The vocabulary: signatures and examples; with NAME also laws and meanings."""
    import dsl.primitives  # noqa: F401  (fills the registry)
    from dsl.primitive import REGISTRY

    if name is None:
        views.print_vocabulary(REGISTRY.values())
        return
    named = {p.symbol: p for p in REGISTRY.values() if p.symbol} | REGISTRY
    if name not in named:
        raise BadInput(f"There is no primitive {name!r}; 'distill primitives' lists them all.")
    views.print_primitive(named[name])


library_app = typer.Typer(no_args_is_help=True, help="Functions kept for later runs.")
app.add_typer(library_app, name="library")


@library_app.command("show")
def library_show(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A library.")],
) -> None:
    """Print the functions in FILE."""
    from distill.library import load_library
    from dsl.library import show_library

    views.print_text(show_library(load_library(file)).rstrip())


@library_app.command("save")
def library_save(
    folder: Folder,
    to: Annotated[str, typer.Option("--to", metavar="FILE", help="The library, made if missing.")],
    function: Annotated[
        list[str] | None,
        typer.Option("--function", metavar="NAME", help="Only this one; NAME=NEW renames it."),
    ] = None,
) -> None:
    """Add the functions of a finished run to FILE, for runs with --library FILE.

    The program itself is saved with --function predict=NAME. What FILE has already, up to names and
    the order of parameters, isn't added again.
    """
    from distill.library import save_functions

    found = save_functions(folder, to, function or ())
    names = ", ".join(d.name for d in found)
    views.print_text(f"added to {to}: {names}" if found else f"{to} has all of it already")


cli_report.add_to(app)
cli_choice.add_to(app)
cli_labels.add_to(app)


@app.command()
def cache(
    clear: Annotated[bool, typer.Option("--clear", help="Remove everything in it.")] = False,
    limit: Annotated[
        int | None,
        typer.Option("--limit", metavar="MIB", help="The most it may take from now on."),
    ] = None,
) -> None:
    """Show the cache of results of earlier runs: its place, how many there are, and their size."""
    _require("--limit", limit, 1)
    from distill.cli_cache import show_cache

    views.print_rows(show_cache(clear, limit))


def _print_result(found: Distilled, folder: str, *, as_json: bool, quiet: bool) -> None:
    if as_json:
        typer.echo((Path(folder) / "evidence.json").read_text())
    elif not quiet:
        views.print_text(found.summary())
        views.print_text(f"\nwritten to {folder}")


def _run_code(found: Distilled) -> int:
    if found.interrupted:
        return INTERRUPTED
    return FOUND if found.found else BUDGET


def _check_limits(**limits: float | None) -> None:
    least = {"budget": 0.001, "steps": 1, "jobs": 1, "length": 2, "epochs": 1}
    for name, value in limits.items():
        _require(f"--{name}", value, least.get(name, 0))


def _require(option: str, value: float | None, least: float) -> None:
    if value is not None and not least <= value < math.inf:
        raise BadInput(f"{option} is {value}; it must be a finite number of at least {least}.")
    if value is not None and value >= TOO_MUCH:
        raise BadInput(f"{option} is too large; it must be below 2**53.")


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and end the process with its exit code."""
    words = sys.argv[1:] if arguments is None else arguments
    _harden_streams()
    sys.exit(answer([w for w in words if w != "--debug"], debug="--debug" in words))


def answer(words: list[str], *, debug: bool = False) -> int:
    """Run one command; returns the exit code.

    Bad input gets one sentence on stderr and 2. A fault of ours gets one sentence and 1, with
    `debug` its traceback. An interrupt gets 130, whether or not the search made a result of it.
    """
    try:
        with warnings.catch_warnings():
            # numpy's about overflow and division by zero: values are looked at where they count
            warnings.simplefilter("ignore", RuntimeWarning)
            code = app(words, standalone_mode=False) or FOUND
    except BrokenPipeError:
        _drop_stdout()
        return FOUND
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except Exception as error:
        if debug and not _is_bad_input(error):
            raise
        return _explain(error)
    if code == INTERRUPTED:
        views.print_error("interrupted")
    return code


def _explain(error: Exception) -> int:
    if _is_bad_input(error):
        views.print_error(_sentence(error))
        return BAD_INPUT
    kind = type(error).__name__
    views.print_error(
        f"a fault of ours, not of your input ({kind}: {_sentence(error)}); "
        "run it again with --debug and report what it prints"
    )
    return FAULT


def _is_bad_input(error: Exception) -> bool:
    from dsl.domain import DomainError
    from dsl.text import ParseError

    if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
        return True
    return isinstance(error, BadInput | DomainError | ParseError | REFUSED)


def _sentence(error: Any) -> str:
    from dsl.text import shortened

    text = error.format_message() if isinstance(error, REFUSED) else str(error)  # pyright: ignore
    return shortened(" ".join(text.split()), 1000)


def _harden_streams() -> None:
    """Characters that the terminal's encoding lacks are escaped, instead of ending the program."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _drop_stdout() -> None:
    """Keep the interpreter from flushing into a pipe that is closed (`| head`)."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
