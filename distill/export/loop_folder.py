"""The output folder of a recurrent network: its cell and first state beside the loop."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from distill.errors import BadInput
from distill.export.evidence_shape import LOOP_EXTRA, front_fault
from distill.export.folder import (
    FAULTS,
    read_evidence,
    read_json,
    read_labels,
    read_located,
    read_text,
    shortened,
    write_texts,
)
from distill.export.loop_test import loop_test
from distill.export.place import shown, staged
from distill.load.files import read_model_bytes
from distill.load.recurrent import load_recurrent
from distill.recurrent_target import parse_reading
from dsl.domain import DomainError
from dsl.loop_text import parse_loop
from dsl.sequences import parse_sequences
from dsl.text import ParseError
from dsl.types import TypeMismatch

if TYPE_CHECKING:
    from distill.distillation_loop import LoopDistillation

NETWORK, STATE = "network.onnx", "initial_state.npy"


def save(d: LoopDistillation, folder: Path) -> Path:
    """Write all files of a loop's distillation; an older run's folder is replaced.

    Raises:
        BadInput: the folder holds something else, or can't be written; or the network is a plain
            Python function.
    """
    if not d.model:
        raise BadInput(
            "a network with a plain Python function in it can't be written as ONNX, and a folder "
            "holds the network; the result's `source` is the program"
        )
    with staged(folder) as staging:
        (staging.draft / NETWORK).write_bytes(d.model)
        np.save(staging.draft / STATE, d.network.initial, allow_pickle=False)
        write_texts(d, staging.draft, loop_test(d), {"length": d.length})
        staging.publish()
    return folder


def load_loop_distillation(folder: Path) -> LoopDistillation:
    """Read an output folder.

    Raises:
        BadInput: a file is missing or isn't what it should be.
    """
    evidence = read_evidence(folder)
    if not evidence.of_sequences:
        raise BadInput(
            f"{shown(folder)} holds the program of a feed-forward network; read it with "
            "Distillation.load"
        )
    extra = read_json(folder / "front.json")
    fault = front_fault(extra, LOOP_EXTRA)
    if fault is not None:
        raise BadInput(f"front.json in {shown(folder)} {fault}")
    network = load_recurrent(folder / NETWORK, folder / STATE)
    try:
        return _read(folder, evidence, extra, network)
    except (ParseError, DomainError, TypeMismatch, *FAULTS) as error:
        raise BadInput(
            f"{shown(folder)} isn't a finished distillation: {shortened(error)}"
        ) from None


def _read(folder: Path, evidence: Any, extra: dict[str, Any], network: Any) -> LoopDistillation:
    from distill.distillation import Alternative
    from distill.distillation_loop import LoopDistillation

    read, _ = parse_reading(evidence.output)
    front = tuple(
        Alternative(parse_loop(e["program"]), e["bits"], e["error"], e["route"])
        for e in extra["front"]
    )
    return LoopDistillation(
        parse_loop(read_text(folder / "program.dsl")),
        evidence,
        network,
        parse_sequences(evidence.domain),
        read,
        extra["length"],
        front,
        extra["found"],
        extra["literal"] and parse_loop(extra["literal"]),
        extra["note"],
        model=read_model_bytes(folder / NETWORK),
        located=read_located(folder),
        labels=read_labels(folder),
    )
