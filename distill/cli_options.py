"""Arguments and options that commands share."""

from __future__ import annotations

from typing import Annotated

import typer

Model = Annotated[str, typer.Argument(metavar="MODEL", help="An .onnx or .pt2 file.")]
Folder = Annotated[str, typer.Argument(metavar="DIR", help="The output folder of a run.")]
Inputs = Annotated[
    str | None,
    typer.Option("--inputs", metavar="DOMAIN", help="What the inputs may be: 'x: real(-1,1)[2]'."),
]
Data = Annotated[
    str | None,
    typer.Option("--data", metavar="FILE", help="Inputs to learn from: .npz with x, or .csv."),
]
Tolerance = Annotated[
    float | None,
    typer.Option(metavar="EPS", help="Largest error of a real output; default 1 % of its range."),
]
Seed = Annotated[int, typer.Option(help="Of every random draw.")]
Recurrent = Annotated[
    bool,
    typer.Option(
        "--recurrent",
        help="MODEL is a recurrent network, such as a cell (h, x) to (h', y).",
    ),
]
InitialState = Annotated[
    str | None,
    typer.Option(
        "--initial-state", metavar="FILE", help="The cell's first state: .npy; default zeros."
    ),
]
Length = Annotated[
    int | None, typer.Option(help="How long the example sequences are; found if left out.")
]
Library = Annotated[
    str | None,
    typer.Option("--library", metavar="FILE", help="Functions it may call: 'library save'."),
]
Jobs = Annotated[int, typer.Option(help="Threads; they change no result.")]
Yes = Annotated[bool, typer.Option("--yes", help="Use the domain proposed from --data.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON (of a run evidence.json).")]
Out = Annotated[
    str | None,
    typer.Option(metavar="DIR", help="Where to; default ./NAME.distilled, NAME the model's."),
]
Locate = Annotated[
    bool, typer.Option("--locate", help="Look for the program's variables in the network too.")
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume",
        help="Go on with a run to the same folder that was killed, interrupted or timed out.",
    ),
]
NoCache = Annotated[
    bool, typer.Option("--no-cache", help="Neither read nor write the cache of earlier results.")
]
Outputs = Annotated[
    str | None,
    typer.Option(
        metavar="TYPE",
        help="What the outputs mean: 'category(3)'; for sequences 'seq(int)', one per item, or "
        "'int', the one at the end.",
    ),
]
Margin = Annotated[float, typer.Option(help="Decisions closer than this to a tie may differ.")]
