"""Finished folders to check, and forgers of them."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

from distill import api
from distill.checker.files import read_folder
from distill.checker.folder import check_folder
from distill.export.property_test import property_test
from dsl.cost import program_bits
from dsl.text import parse_program

ROOT = Path(__file__).resolve().parents[2]
NETWORKS = ROOT / "benchmarks" / "networks"
PLANE = "a: real(-1,1) * b: real(-1,1)"
JOBS = {
    "listed": (ROOT / "examples" / "majority" / "model.onnx", "bool[5]", "bool"),
    "largest": (
        ROOT / "examples" / "largest" / "model.onnx",
        "a: real(-1,1) * b: real(-1,1)",
        None,
    ),
    "within": (NETWORKS / "leaky_relu8_s0.onnx", "x: real(-4,4)", None),
    "choice": (NETWORKS / "choose_relu16_s0.onnx", f"c: bool * {PLANE}", None),
    "side": (NETWORKS / "threshold_tanh8_s1_prob.onnx", "x: real(-2,2)", "bool"),
    "drawn": (NETWORKS / "argmax4_relu24_s0.onnx", "x: real(0,1)[4]", "category(4)"),
}


LITERAL = "own"
"""Searched for one step without changes of weights: the program is the network's arithmetic."""
JOBS[LITERAL] = (NETWORKS / "circle_tanh16_s0.onnx", "x: real(-6,6) * y: real(-6,6)", "bool")

MEASURED = "measured"
"""Weights may change and data are given: the deployed network is compared on the data."""
IRIS = ROOT / "examples" / "iris"
JOBS[MEASURED] = (IRIS / "model.onnx", None, "category(3)")


def make(name, folder):
    model, inputs, outputs = JOBS[name]
    found = api.distill(
        model,
        inputs=inputs,
        outputs=outputs,
        data=IRIS / "data.npz" if name == MEASURED else None,
        budget=600,
        steps=1 if name == LITERAL else 2_000_000,
        exact=name == LITERAL,
    )
    return found.save(folder / name)


def copied(made, name, place) -> Path:
    return Path(shutil.copytree(made[name], place / name))


def edited(folder, change) -> Path:
    """evidence.json alone is changed."""
    path = folder / "evidence.json"
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data, indent=1) + "\n")
    return folder


def forged(folder, change=lambda data: None) -> Path:
    """evidence.json is changed, and everything that hangs from it and from program.dsl too."""

    def all_of_it(data):
        text = (folder / "program.dsl").read_text()
        data["sha256"]["program"] = hashlib.sha256(text.encode()).hexdigest()
        data["bits"]["program"] = program_bits(parse_program(text))
        change(data)

    edited(folder, all_of_it)
    found = read_folder(folder)
    edited(folder, lambda data: data.update(found.evidence.to_json()))
    found = read_folder(folder)
    (folder / "program.py").write_text(found.source)
    (folder / "test_program.py").write_text(property_test(found))
    (folder / "summary.txt").write_text(found.summary() + "\n")
    return folder


def first(data) -> dict:
    return data["program_vs_deployed"]


def verdict(folder) -> str:
    return check_folder(folder).verdict
