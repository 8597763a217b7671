"""The rules of the house, executed."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted(p for house in ("dsl", "distill") for p in (ROOT / house).rglob("*.py"))
TREES = {path: ast.parse(path.read_text()) for path in SOURCES}
HEAVY = ("torch", "z3", "sympy", "onnx", "sklearn")
LONGEST_FUNCTION = 60
CONFIG = tomllib.loads((ROOT / "pyproject.toml").read_text())

Definition = ast.FunctionDef | ast.AsyncFunctionDef


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = [module_name(path) for path in SOURCES]
each_file = pytest.mark.parametrize("path", SOURCES, ids=MODULES)


def public_definitions(body: list[ast.stmt]) -> Iterator[Definition | ast.ClassDef]:
    for node in body:
        if isinstance(node, Definition | ast.ClassDef) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public_definitions(node.body)


def is_overload(node: Definition | ast.ClassDef) -> bool:
    return any("overload" in ast.unparse(d) for d in node.decorator_list)


def top_level_imports(tree: ast.Module) -> Iterator[str]:
    """What is imported whenever the module is: not under TYPE_CHECKING, not in functions."""
    for node in tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def all_imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def imports_below(folder: Path) -> list[tuple[str, str]]:
    return [
        (module_name(path), name)
        for path, tree in TREES.items()
        if path.is_relative_to(folder)
        for name in all_imports(tree)
    ]


def loaded_after(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint('LOADED', *sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True
    )
    return set(done.stdout.rpartition("LOADED")[2].split())


def test_the_language_knows_nothing_of_networks() -> None:
    assert [
        (m, n) for m, n in imports_below(ROOT / "dsl") if n.partition(".")[0] == "distill"
    ] == []


def test_the_checker_trusts_no_verifier() -> None:
    found = imports_below(ROOT / "distill" / "checker")
    assert [(m, n) for m, n in found if n.startswith("distill.verify")] == []


def test_nothing_is_ever_unpickled() -> None:
    loaders = {"pickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
    assert [(m, n) for m, n in imports_below(ROOT) if n.partition(".")[0] in loaders] == []


def test_importing_the_whole_language_loads_nothing_heavy() -> None:
    names = [m for m in MODULES if m.partition(".")[0] == "dsl"]
    assert loaded_after(f"import {', '.join(names)}").isdisjoint(HEAVY)


@pytest.mark.parametrize(
    "code",
    [
        "import dsl",
        "import distill; dir(distill)",
        "from distill.cli import answer; answer(['--help'])",
        "from distill.cli import answer; answer(['run', '--help'])",
        "from distill.cli import answer; answer(['primitives'])",
    ],
)
def test_the_doors_open_without_loading_anything_heavy(code: str) -> None:
    assert loaded_after(code).isdisjoint(HEAVY)


def test_importing_the_package_loads_no_numpy() -> None:
    assert "numpy" not in loaded_after("import distill, distill.cli")


@each_file
def test_every_file_says_what_it_is(path: Path) -> None:
    assert ast.get_docstring(TREES[path])


@each_file
def test_everything_public_has_a_docstring(path: Path) -> None:
    body = TREES[path].body
    if methods_need_none(path):
        body = [n for n in body if not isinstance(n, ast.ClassDef) or not ast.get_docstring(n)]
    bare = [
        node.name
        for node in public_definitions(body)
        if not ast.get_docstring(node) and not is_overload(node)
    ]
    assert bare == []


def methods_need_none(path: Path) -> bool:
    """Whether pyproject says so: an algebra's methods are its table of operations."""
    ignored = CONFIG["tool"]["ruff"]["lint"]["per-file-ignores"]
    return "D102" in ignored.get(str(path.relative_to(ROOT)), [])


@each_file
def test_every_public_function_is_annotated(path: Path) -> None:
    bare = [
        node.name
        for node in public_definitions(TREES[path].body)
        if isinstance(node, Definition) and not fully_annotated(node)
    ]
    assert bare == []


def fully_annotated(node: Definition) -> bool:
    names = node.args
    given = [*names.posonlyargs, *names.args, *names.kwonlyargs]
    given += [a for a in (names.vararg, names.kwarg) if a]
    asked = [a for a in given if a.arg not in ("self", "cls")]
    return node.returns is not None and all(a.annotation for a in asked)


@each_file
def test_no_function_is_long(path: Path) -> None:
    long = [
        (node.name, lines)
        for node in ast.walk(TREES[path])
        if isinstance(node, Definition) and (lines := length(node)) > LONGEST_FUNCTION
    ]
    assert long == []


def length(node: Definition) -> int:
    """Lines from `def` to the end, the docstring left out."""
    total = (node.end_lineno or node.lineno) - node.lineno + 1
    first = node.body[0]
    if ast.get_docstring(node) is not None:
        total -= (first.end_lineno or first.lineno) - first.lineno + 1
    return total


def rooms() -> list[str]:
    """The rooms of docs/architecture.md in order, as module names: dsl.types, distill.load ...

    A line of the block is a house (`dsl/`) or, indented below it, one or more rooms
    (`api, cli    the two doors`).
    """
    text = (ROOT / "docs" / "architecture.md").read_text()
    block = text.partition("## Rooms")[2].partition("\n## ")[0]
    found: list[str] = []
    house = ""
    for line in block.splitlines():
        if match := re.match(r"    (\w+)/", line):
            house = match[1]
        elif match := re.match(r"      (\w+/?(?:, \w+/?)*)  ", line):
            found += [f"{house}.{name.strip('/ ')}" for name in match[1].split(",")]
    return found


def room_of(module: str, order: list[str]) -> int | None:
    """The place of a module's room; `domain_text` lives in the room `domain`."""
    parts = module.split(".")
    if len(parts) < 2:
        return None
    name = ".".join(parts[:2])
    while name not in order and "_" in name:
        name = name.rpartition("_")[0]
    return order.index(name) if name in order else None


def test_the_architecture_lists_every_room() -> None:
    order = rooms()
    assert len(order) > 10
    houses = {"dsl", "distill", "distill.__main__"}
    assert [m for m in MODULES if m not in houses and room_of(m, order) is None] == []


def test_imports_follow_the_order_of_the_rooms() -> None:
    order = rooms()
    wrong: set[tuple[str, str]] = set()
    for path, tree in TREES.items():
        here = room_of(module_name(path), order)
        for name in top_level_imports(tree):
            there = room_of(name, order)
            if here is not None and there is not None and there > here:
                wrong.add((order[here], order[there]))
    assert sorted(wrong) == []


def test_every_registered_primitive_is_documented() -> None:
    import dsl.primitives  # noqa: F401  (fills the registry)
    from dsl.primitive import REGISTRY

    assert len(REGISTRY) > 50
    bare = [p.name for p in REGISTRY.values() if not (p.doc.endswith(".") and p.english)]
    assert bare == []


def test_the_makefile_explains_its_targets() -> None:
    text = (ROOT / "Makefile").read_text()
    declared = re.search(r"^\.PHONY: (.+)$", text, re.M)
    assert declared
    for target in declared[1].split():
        assert re.search(rf"^{target}:.*## \w", text, re.M), target


def test_ci_runs_lint_and_tests() -> None:
    text = (ROOT / ".ci" / "run").read_text()
    assert "make lint" in text
    assert "make test" in text
