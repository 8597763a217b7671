"""Mutants of a source file, made by mutmut's operators, one changed text each.

mutmut (3.8) changes numbers, strings, operators, comparisons, arguments, assignments and the arms
of conditions, within functions and at the top of a file; annotations and decorated functions it
leaves. How its mutants are run is ours: see `session`.
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_STRICT = re.compile(r",\s*(strict=\w+)?\s*(?=\))")
_ALIAS = re.compile(r"_?[A-Z][a-z]")


@dataclass(frozen=True)
class Mutant:
    """A file with one change."""

    id: str
    """Hash of file, function and change: it lasts while these do."""
    file: str
    function: str
    """Outermost function or method; empty at the top of the file."""
    line: int
    statement: range
    """Lines of which one is run whenever the changed place is; empty where that is the import."""
    change: str
    """Old and new text of the changed lines."""
    wording: bool
    """Only what is said in an error or a sentence changes, the name of a type, or an assertion:
    that two lists which are zipped are of one length."""
    code: str


def mutants_of(path: Path, root: Path) -> list[Mutant]:
    """Every mutant of a file, in order."""
    text = path.read_text()
    lines, tree = text.splitlines(keepends=True), ast.parse(text)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    places, wordings, seen = _places(tree), _wordings(tree), Counter[str]()
    found, file = [], path.relative_to(root).as_posix()
    for (row, column), (end_row, end_column), new in _changes(text):
        start, end = starts[row - 1] + column, starts[end_row - 1] + end_column
        if _number(text[start:end]) == _number(new) is not None:  # 1e100 + 1 is 1e100
            continue
        code = text[:start] + new + text[end:]
        function, statement = places(row)
        change = _change(text, start, end, new)
        key = f"{file}|{function}|{change}"
        seen[key] += 1
        name = hashlib.sha256(f"{key}|{seen[key]}".encode()).hexdigest()[:8]
        said = any(a <= (row, column) and (end_row, end_column) <= b for a, b in wordings)
        if not said and "strict=" in change:
            said = _STRICT.sub("", text).split() == _STRICT.sub("", code).split()
        found.append(Mutant(name, file, function, row, statement, change, said, code))
    return found


Place = tuple[int, int]


def _changes(text: str) -> Iterator[tuple[Place, Place, str]]:
    """Start, end (line from 1, column from 0) and new text of every change."""
    from libcst.metadata import MetadataWrapper, PositionProvider

    with _configured():
        from mutmut.mutation.file_mutation import create_mutations

        module, mutations, _, _ = create_mutations("", text)
    found = MetadataWrapper(module, unsafe_skip_copy=True).resolve(PositionProvider)
    for mutation in mutations:
        old, new = mutation.original_node, mutation.mutated_node
        if old not in found:
            continue
        if getattr(new, "lpar", None) and new.lpar is getattr(old, "lpar", None):  # pyright: ignore
            new = new.with_changes(lpar=(), rpar=())
        at = found[old]
        start, end = (at.start.line, at.start.column), (at.end.line, at.end.column)
        yield start, end, module.code_for_node(new).strip()


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


@contextmanager
def _configured() -> Iterator[None]:
    """mutmut asks a configuration for patterns to leave out even where there is no project."""
    import mutmut.mutation.pragma_handling as pragmas

    kept = pragmas.get_lines_ignored_by_pattern
    pragmas.get_lines_ignored_by_pattern = lambda source: set()
    try:
        yield
    finally:
        pragmas.get_lines_ignored_by_pattern = kept


def _places(tree: ast.Module) -> Callable[[int], tuple[str, range]]:
    """From a line to its outermost function and to lines of the statement it is in."""
    functions: dict[int, str] = {}
    statements: dict[int, range] = {}
    for name, one in _functions(tree):
        body = range(one.body[0].lineno, (one.end_lineno or 0) + 1)
        for line in range(one.lineno, (one.end_lineno or 0) + 1):
            functions[line], statements[line] = name, body
        for stmt in ast.walk(one):
            if isinstance(stmt, ast.FunctionDef) and stmt is not one:
                lines = range(stmt.lineno, (stmt.end_lineno or 0) + 1)
                statements |= dict.fromkeys(_own_lines(stmt), lines)
            elif isinstance(stmt, ast.stmt) and stmt is not one:
                lines = _own_lines(stmt)
                closer = [line for line in lines if len(lines) <= len(statements[line])]
                statements |= dict.fromkeys(closer, lines)
    return lambda line: (functions.get(line, ""), statements.get(line, range(0)))


def _functions(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef]]:
    """Functions and methods at the top, by name."""
    for node in tree.body:
        within = node.body if isinstance(node, ast.ClassDef) else [node]
        prefix = f"{node.name}." if isinstance(node, ast.ClassDef) else ""
        yield from ((prefix + f.name, f) for f in within if isinstance(f, ast.FunctionDef))


def _own_lines(stmt: ast.stmt) -> range:
    """Lines of a statement without those of statements in it."""
    inner = getattr(stmt, "body", None)
    end = inner[0].lineno - 1 if inner else (stmt.end_lineno or stmt.lineno)
    return range(stmt.lineno, max(end, stmt.lineno) + 1)


def _wordings(tree: ast.Module) -> list[tuple[Place, Place]]:
    """What only says something: arguments of raised errors, sentences, names of types."""
    found: list[ast.expr | ast.stmt] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            found.append(node.exc)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            found.append(node)
        elif isinstance(node, ast.JoinedStr):
            texts = [v.value for v in node.values if isinstance(v, ast.Constant)]
            if any(" " in str(t) for t in texts):
                found.append(node)
    for node in tree.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else None
        if isinstance(target, ast.Name) and _ALIAS.match(target.id):
            found.append(node)
    return [((n.lineno, n.col_offset), (n.end_lineno or 0, n.end_col_offset or 0)) for n in found]


def _change(old: str, start: int, end: int, new: str) -> str:
    """The lines that a change of old[start:end] touches, old and new, without their indent."""
    first, last = old.rfind("\n", 0, start) + 1, old.find("\n", end)
    before, after = old[first:start], old[end : last if last >= 0 else None]
    texts = (before + old[start:end] + after, before + new + after)
    return " → ".join(" ".join(text.split()) for text in texts)
