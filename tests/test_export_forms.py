"""Every form of export is executed and compared with the program it came from."""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.evidence.random_programs import plain, random_column, random_program
from distill.export.array_source import numpy_source, torch_source
from distill.export.c_source import c_source
from distill.export.forms import straight
from distill.export.identifiers import C_WORDS, identifiers, quoted
from distill.export.latex import latex_file
from distill.export.onnx_graph import onnx_file
from distill.export.smt import smt_script
from dsl.algebra import Undefined, Unsupported
from dsl.domain import Domain
from dsl.domain_text import parse_domain
from dsl.loop_text import parse_loop
from dsl.meanings.array import run
from dsl.meanings.exact import run_exact
from dsl.meanings.loop_array import run_loop
from dsl.meanings.straight import Straight, scalar_kind, straight_program
from dsl.program import Program
from dsl.sequences import parse_sequences
from dsl.text import parse_program
from dsl.types import shape_of

COMPILER = shutil.which("cc") or shutil.which("gcc")
needs_compiler = pytest.mark.skipif(COMPILER is None, reason="there is no C compiler")
ROWS = 12
C_TYPES = {"bool": ctypes.c_bool, "int": ctypes.c_int64, "real": ctypes.c_double}
DTYPES = {"bool": np.bool_, "int": np.int64, "real": np.float64}

Columns = tuple[np.ndarray, ...]
Outcome = tuple[np.ndarray, np.ndarray]
"""Values (n, ...), and which of them count (n,)."""


def compiled(sources: list[str], folder: Path) -> list[Callable[..., int]]:
    """The function of each file, in one shared library; warnings are errors."""
    texts = []
    for number, source in enumerate(sources):
        path = folder / f"p{number}.c"
        path.write_text(source)
        texts.append(str(path))
    assert COMPILER is not None
    strict = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-O1", "-fPIC", "-shared"]
    found = []
    # functions of one name each: renamed on the way, a file per unit
    unit = folder / "all.c"
    lines = []
    for number, (path, source) in enumerate(zip(texts, sources, strict=True)):
        names = [
            x.split("(")[0].split()[-1] for x in source.splitlines() if x.startswith("static ")
        ]
        names.append("predict")
        lines += [f"#define {n} p{number}_{n}" for n in names]
        lines += [f'#include "{path}"', *(f"#undef {n}" for n in names)]
    unit.write_text("\n".join(lines) + "\n")
    library = folder / "all.so"
    subprocess.run([COMPILER, *strict, str(unit), "-o", str(library), "-lm"], check=True)
    loaded = ctypes.CDLL(str(library))
    for number in range(len(sources)):
        found.append(getattr(loaded, f"p{number}_predict"))
    return found


def run_c(function: Callable[..., int], code: Straight, columns: Columns) -> Outcome:
    shape = shape_of(code.output.type)
    rows = len(columns[0])
    values = np.zeros((rows, *shape), DTYPES[scalar_kind(code.output.type)])
    codes = np.array([call_c(function, code, c, values[i : i + 1]) for i, c in by_row(columns)])
    return values, codes == 0


def by_row(columns: Columns) -> list[tuple[int, list[np.ndarray]]]:
    return [(i, [c[i] for c in columns]) for i in range(len(columns[0]))]


def call_c(
    function: Callable[..., int], code: Straight, values: list[np.ndarray], out: np.ndarray
) -> int:
    arguments: list[Any] = [ctypes.c_size_t(len(values[0]))] if code.looped else []
    kept = []
    for item, value in zip(code.inputs, values, strict=True):
        kind = scalar_kind(item.type)
        kept.append(np.ascontiguousarray(value, DTYPES[kind]))
        single = not code.looped and not shape_of(item.type)
        pointer = ctypes.c_void_p(kept[-1].ctypes.data)
        arguments.append(C_TYPES[kind](kept[-1].item()) if single else pointer)
    return function(*arguments, ctypes.c_void_p(out.ctypes.data))


def run_numpy(code: Straight, columns: Columns) -> Outcome:
    scope: dict[str, Any] = {"__builtins__": __builtins__}
    exec(compile(numpy_source(code), "numpy", "exec"), scope)
    with np.errstate(all="ignore"):
        return scope["evaluate"](*columns)


def run_torch(code: Straight, columns: Columns) -> Outcome:
    import torch

    scope: dict[str, Any] = {}
    exec(compile(torch_source(code), "torch", "exec"), scope)
    module = scope["Program"]()
    given = [torch.from_numpy(np.ascontiguousarray(c)) for c in columns]
    return module(*given).numpy(), module.valid(*given).numpy()


def run_onnx(code: Straight, columns: Columns) -> Outcome:
    runtime = pytest.importorskip("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    session = runtime.InferenceSession(onnx_file(code), options)
    names = [i.name for i in session.get_inputs()]
    values, valid = session.run(None, dict(zip(names, columns, strict=True)))
    return values, valid


def exact_values(program: Program, columns: Columns) -> list[Any]:
    """The exact value for each row; None where it isn't defined, or isn't rational."""
    found: list[Any] = []
    for row in zip(*map(plain, columns), strict=True):
        try:
            found.append(run_exact(program, row))
        except (Undefined, Unsupported):
            found.append(None)
    return found


LARGE = 1e15
"""Beyond this, what floats round differs by more than a unit."""


def assert_same(program: Program, columns: Columns, outcome: Outcome, form: str) -> int:
    """Rows that count agree with the array meaning or the exact value; returns how many did."""
    values, valid = outcome
    with np.errstate(all="ignore"):
        reference = np.asarray(run(program, columns))
    assert values.dtype == reference.dtype, (form, program)
    assert values.shape == reference.shape, (form, program)
    exact = exact_values(program, columns)
    count = 0
    for row in range(len(valid)):
        if exact[row] is not None:
            assert valid[row], (form, program, [c[row] for c in columns])
        if not valid[row] or is_large(reference[row]):
            continue
        count += 1
        same = near(values[row], reference[row]) or near(values[row], floats(exact[row]))
        assert same, (form, str(program), [c[row] for c in columns], values[row], reference[row])
    return count


def is_large(value: np.ndarray) -> bool:
    numbers = np.asarray(value, dtype=float)
    return not (np.isfinite(numbers).all() and (np.abs(numbers) < LARGE).all())


def floats(value: Any) -> np.ndarray | None:
    return None if value is None else np.asarray(value, dtype=float)


def near(a: np.ndarray, b: np.ndarray | None) -> bool:
    return b is not None and np.allclose(np.asarray(a, float), np.asarray(b, float), 1e-9, 1e-9)


def columns_of(program: Program, number: int) -> Columns:
    rng = np.random.default_rng([7, number])
    return tuple(random_column(item, ROWS, rng) for _, item in program.main.parameters)


PROGRAMS = [random_program(11, number) for number in range(120)]
"""They use 62 of the 76 primitives."""


@needs_compiler
def test_random_programs_in_c(tmp_path: Path) -> None:
    codes = [straight_program(p) for p in PROGRAMS]
    functions = compiled([c_source(c) for c in codes], tmp_path)
    count = 0
    for number, (program, code) in enumerate(zip(PROGRAMS, codes, strict=True)):
        columns = columns_of(program, number)
        outcome = run_c(functions[number], code, columns)
        count += assert_same(program, columns, outcome, "c")
    assert count > 1000


@pytest.mark.parametrize("runner", [run_numpy, run_torch, run_onnx])
def test_random_programs_over_batches(runner: Callable[[Straight, Columns], Outcome]) -> None:
    count = refused = 0
    for number, program in enumerate(PROGRAMS):
        columns = columns_of(program, number)
        code = straight_program(program)
        if runner is run_onnx and {s.operation for s in code.steps} & {"erf", "gcd"}:
            with pytest.raises(Unsupported, match="64-bit"):
                onnx_file(code)
            refused += 1
            continue
        outcome = runner(code, columns)
        count += assert_same(program, columns, outcome, runner.__name__)
    assert count > 1000
    assert refused < 20


DEFINED_EVERYWHERE = (
    "def predict(x: int, y: int) -> int = gcd(x, y) * 10 + isqrt(abs(x * y))",
    "def predict(x: real) -> real = erf(x) + cos(x) * sin(x) + tanh(x) - sigmoid(x) + exp(x / 4)",
    "def predict(x: int, y: int) -> int = if y == 0 then 7 else x // y * 100 + x % y",
    "def predict(x: real, y: real) -> real = if y == 0 then 7 else x // y * 100 + x % y",
    "def predict(x: int, y: int) -> int = x // -1 * 100 + x % -1 + abs(y) // (-1 - abs(x))",
    "def predict(x: real) -> int = round(x * 4) * 10000 + floor(x) * 100 + ceil(-x)",
    "def predict(x: real[3]) -> real = dot([0.25, -0.5, 1], sort(x)) + median(x)",
)


@pytest.mark.parametrize("text", DEFINED_EVERYWHERE)
def test_functions_that_random_programs_seldom_use(text: str, tmp_path: Path) -> None:
    program = parse_program(text)
    code, columns = straight_program(program), columns_of(program, 5)
    runners = [run_numpy, run_torch]
    if "gcd" not in text and "erf" not in text:
        runners.append(run_onnx)
    for runner in runners:
        assert assert_same(program, columns, runner(code, columns), runner.__name__) == ROWS
    if COMPILER is not None:
        (function,) = compiled([c_source(code)], tmp_path)
        assert assert_same(program, columns, run_c(function, code, columns), "c") == ROWS


def test_a_difference_would_be_noticed() -> None:
    program = parse_program("def predict(x: real) -> real = x * 2")
    other = parse_program("def predict(x: real) -> real = x * 2 + 0.000001")
    columns = columns_of(program, 0)
    with pytest.raises(AssertionError):
        assert_same(program, columns, run_numpy(straight_program(other), columns), "numpy")


PARTIAL = "def predict(a: int, b: int) -> int = 100 // a + b"
DOMAIN = "a: int(-3,3) * b: int(0,2) where a <= b"


@needs_compiler
def test_c_says_why_there_is_no_value(tmp_path: Path) -> None:
    code = straight(parse_program(PARTIAL), parse_domain(DOMAIN))
    (function,) = compiled([c_source(code)], tmp_path)
    out = np.zeros(1, np.int64)

    def answer(a: int, b: int) -> int:
        return call_c(function, code, [np.array(a), np.array(b)], out)

    assert [answer(2, 2), out[0]] == [0, 52]
    assert [answer(-3, 2), out[0]] == [0, -32]
    assert answer(0, 1) == 2
    assert [answer(4, 2), answer(2, 3), answer(2, 1)] == [1, 1, 1]
    assert out[0] == -32  # nothing was written


def test_numpy_refuses_what_is_not_in_the_domain() -> None:
    scope: dict[str, Any] = {}
    exec(numpy_source(straight(parse_program(PARTIAL), parse_domain(DOMAIN))), scope)
    predict = scope["predict"]
    assert predict([2, -3], [2, 2]).tolist() == [52, -32]
    for row in ((4, 2), (0, 1), (2, 1), (0.5, 1)):
        with pytest.raises(ValueError, match="outside the domain"):
            predict([2, row[0]], [2, row[1]])
    with pytest.raises(ValueError, match="the batch first"):
        predict(2, 2)


def test_onnx_and_torch_say_which_rows_count() -> None:
    code = straight(parse_program(PARTIAL), parse_domain(DOMAIN))
    columns = (np.array([2, 4, 0, 2]), np.array([2, 2, 1, 1]))
    for runner in (run_torch, run_onnx):
        values, valid = runner(code, columns)
        assert valid.tolist() == [True, False, False, False]
        assert values[0] == 52


def test_onnx_survives_the_least_int() -> None:
    code = straight_program(parse_program("def predict(x: int, y: int) -> int = x // y + x % y"))
    columns = (np.full(3, np.iinfo(np.int64).min), np.array([-1, 0, 2]))
    assert run_onnx(code, columns)[0][2] == -(2**62)


LOOPS = {
    "seq(a: bool * b: bool)": """loop predict(a: bool, b: bool) -> seq(bool)
  start carry: bool = false
  out a xor b xor carry
  next carry = if a == b then a else carry
""",
    "seq(x: real(-4,4))": """loop predict(x: real) -> real
  start level: real = 0.5
  start last: real[2] = [0.0, 1.0]
  let mixed = level * 0.75 + x * last[1]
  out mixed - last[0]
  next level = mixed
  next last = [last[1], x]
""",
}


@pytest.mark.parametrize("domain", LOOPS)
def test_loops_keep_their_registers(domain: str, tmp_path: Path) -> None:
    loop, sequences = parse_loop(LOOPS[domain]), parse_sequences(domain)
    code = straight(loop, sequences)
    columns = sequences.sample(np.random.default_rng(3), 8, 6)
    expected = run_loop(loop, columns)
    expected = expected[:, -1] if loop.at_end else expected
    for runner in (run_numpy, run_torch):
        values, valid = runner(code, columns)
        assert valid.all()
        np.testing.assert_allclose(values, expected, rtol=0, atol=1e-12)
    with pytest.raises(Unsupported, match="loop"):
        onnx_file(code)
    if COMPILER is not None:
        (function,) = compiled([c_source(code)], tmp_path)
        for row in range(8):
            out = np.zeros_like(expected[row : row + 1])
            assert call_c(function, code, [c[row] for c in columns], out) == 0
            np.testing.assert_allclose(out[0], expected[row], rtol=0, atol=1e-12)
        assert call_c(function, code, [c[0][:0] for c in columns], out) == 1


def test_smt_scripts_hold_exactly_what_the_program_says() -> None:
    import z3

    checked = 0
    for number, program in enumerate(PROGRAMS[:60]):
        columns = columns_of(program, number)
        try:
            script = smt_script(program, free_domain(program))
        except Unsupported:
            continue
        for row, exact in zip(range(2), exact_values(program, columns), strict=False):
            solver = z3.Solver()
            solver.set("timeout", 2000)
            given = inputs_as_smt(program, [c[row] for c in columns])
            solver.from_string(script.split("(check-sat)")[0] + given)
            answer = solver.check()
            if exact is None:
                continue
            assert answer != z3.unsat, (str(program), given)
            if answer == z3.sat:
                checked += 1
                assert smt_output(solver.model(), program) == flat(exact)
    assert checked > 50


def free_domain(program: Program) -> Domain:
    from dsl.domain import Field
    from dsl.types import element

    fields = [Field(n, element(t), shape=shape_of(t)) for n, t in program.main.parameters]  # type: ignore[arg-type]
    return Domain(tuple(fields))


def flat(value: Any) -> list[Any]:
    return [v for part in value for v in flat(part)] if isinstance(value, tuple) else [value]


def inputs_as_smt(program: Program, values: list[np.ndarray]) -> str:
    lines = []
    for (name, item), value in zip(program.main.parameters, values, strict=True):
        for index in np.ndindex(*shape_of(item)):
            place = "".join(f"[{i}]" for i in index)
            lines.append(f"(assert (= |{name}{place}| {smt_literal(np.asarray(value)[index])}))")
    return "\n".join(lines)


def smt_literal(value: Any) -> str:
    if isinstance(value, np.bool_):
        return "true" if value else "false"
    top, bottom = Fraction(value.item()).as_integer_ratio()
    if isinstance(value, np.integer):
        return str(top) if top >= 0 else f"(- {-top})"
    size = f"(/ {abs(top)}.0 {bottom}.0)"
    return size if top >= 0 else f"(- {size})"


def smt_output(model: Any, program: Program) -> list[Any]:
    import z3

    named = {str(d): model[d] for d in model.decls()}
    found = []
    for index in np.ndindex(*shape_of(program.main.result)):
        value = named["out" + "".join(f"[{i}]" for i in index)]
        if z3.is_bool(value):
            found.append(z3.is_true(value))
        else:
            found.append(value.as_fraction() if z3.is_real(value) else value.as_long())
    return found


def test_latex_is_balanced() -> None:
    for program in PROGRAMS[:40]:
        text = latex_file(program, ["a } comment \\"])
        body = "\n".join(x for x in text.splitlines() if not x.startswith("%"))
        assert body.count("{") == body.count("}"), text
        assert body.count(r"\begin{") == body.count(r"\end{"), text
        opened, closed = (len(re.findall(rf"\\{w}(?![a-z])", body)) for w in ("left", "right"))
        assert opened == closed, text


HOSTILE = (
    "while", "def", "x*/ int y; /*", "a\0b", "<script>alert(1)</script>", "\"'`", "x\n#define y",
    "\u202egnp", "9", "", "x" * 10_000, "x" * 9_999 + "y", "??/", "printf", "_a", "t1", "é", "%\\}",
    "exp", "out", "n", "lambda", "np", "\ud800",
)  # fmt: skip


def hostile_program() -> Program:
    from dsl.program import prim, program, var
    from dsl.types import REAL

    values = [var(name, REAL) for name in HOSTILE]
    return program(tuple((n, REAL) for n in HOSTILE), prim("max", *values), name="predict")


def test_hostile_names_become_identifiers() -> None:
    found = identifiers(HOSTILE)
    assert len(set(found)) == len(HOSTILE)
    for name in found:
        assert name.isascii() and name.isidentifier() and len(name) < 60, name
        assert name not in C_WORDS
    for name in HOSTILE:
        shown = quoted(name)
        assert shown.isascii() and shown.isprintable() and len(shown) < 3000
        assert not any(risky in shown for risky in ("*/", "/*", "??", "</"))
        assert not shown.endswith("\\")


def test_hostile_names_leave_every_form_as_it_is(tmp_path: Path) -> None:
    program = hostile_program()
    code = straight_program(program)
    columns = tuple(np.arange(3.0) * (-1) ** i * i for i in range(len(HOSTILE)))
    expected = np.max(columns, axis=0)
    runners = [run_numpy, run_torch, run_onnx]
    for runner in runners:
        np.testing.assert_array_equal(runner(code, columns)[0], expected)
    if COMPILER is not None:
        (function,) = compiled([c_source(code)], tmp_path)
        np.testing.assert_array_equal(run_c(function, code, columns)[0], expected)
    for text in (c_source(code), numpy_source(code), torch_source(code), latex_file(program)):
        assert text.isascii()
        assert all(c.isprintable() or c == "\n" for c in text)
        assert len(text) < 30_000
    import z3

    script = smt_script(program, free_domain(program))
    assert script.isascii()
    assert len(z3.parse_smt2_string(script)) > 0
