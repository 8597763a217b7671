"""Exported programs, run: each returns the values for a batch of rows."""

import ctypes
import itertools
import subprocess
import sysconfig
import tempfile
from pathlib import Path
from shutil import which

import numpy as np

from distill.export.array_source import numpy_source, torch_source
from distill.export.c import c_source
from distill.export.onnx_graph import onnx_model
from dsl.domain import Domain, Field
from dsl.meanings.steps import steps_of
from dsl.types import Vector

COMPILER = which("cc") or which("gcc") or which((sysconfig.get_config_var("CC") or "cc").split()[0])
_C = {"truth": ctypes.c_int, "whole": ctypes.c_int64, "real": ctypes.c_double}
_NUMPY = {"truth": np.bool_, "whole": np.int64, "real": np.float64}


def unbounded(program):
    """A domain of a program's parameters without bounds."""
    fields = []
    for name, item in program.main.parameters:
        shape = item.shape if isinstance(item, Vector) else ()
        fields.append(Field(name, item.item if shape else item, shape=shape))
    return Domain(tuple(fields))


def steps(program, domain=None):
    return steps_of(program, domain or unbounded(program))


def by_numpy(program, columns, domain=None):
    names = {}
    exec(compile(numpy_source(steps(program, domain), ["test"]), "numpy", "exec"), names)
    return names["predict"](*columns)


def by_torch(program, columns, domain=None):
    import torch

    names = {}
    exec(compile(torch_source(steps(program, domain), ["test"]), "torch", "exec"), names)
    return names["Program"]()(*map(torch.as_tensor, columns)).numpy()


def by_onnx(program, columns, domain=None):
    import onnxruntime

    made = steps(program, domain)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(onnx_model(made, ["test"]), options)
    given = {
        i.name: np.asarray(c, dtype=_NUMPY[p.kind])
        for i, p, c in zip(session.get_inputs(), made.parameters, columns, strict=True)
    }
    result, inside = session.run(["result", "inside"], given)
    if not inside.all():
        raise ValueError("outside")
    return result


_NUMBERS = itertools.count()


def compiled(made):
    """The C function of steps: a tuple of values in, code and result out."""
    with tempfile.TemporaryDirectory() as folder:
        source, library = Path(folder) / "p.c", Path(folder) / f"p{next(_NUMBERS)}.so"
        source.write_text(c_source(made, ["test"]))
        options = [
            "-std=c99",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-Wno-tautological-compare",
            "-O1",
            "-ffp-contract=off",
            "-fPIC",
        ]
        subprocess.run(
            [COMPILER, *options, "-shared", "-o", library, source, "-lm"], check=True, text=True
        )
        call = ctypes.CDLL(str(library)).predict
    shape, kind = made.shape, made.results[0].kind

    def run(*values):
        given = []
        for parameter, value in zip(made.parameters, values, strict=True):
            flat = np.asarray(value).reshape(-1).tolist()
            item = _C[parameter.kind]
            given.append((item * len(flat))(*flat) if parameter.shape else item(flat[0]))
        result = (_C[kind] * int(np.prod(shape)))()
        code = call(*given, result)
        return code, np.array(list(result), dtype=_NUMPY[kind]).reshape(shape)

    return run


def by_c(program, columns, domain=None):
    run = compiled(steps(program, domain))
    found = [run(*row) for row in zip(*columns, strict=True)]
    if any(code for code, _ in found):
        raise ValueError("outside or undefined")
    return np.array([value for _, value in found])
