"""The output folder of a run: written whole beside its place, then moved there in one step."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from distill.errors import BadInput

MARK = "evidence.json"
"""The file by which a folder is known as ours."""

OURS = frozenset(
    {
        MARK,
        "program.py",
        "program.dsl",
        "test_program.py",
        "network.onnx",
        "original.onnx",
        "initial_state.npy",
        "summary.txt",
        "located.json",
        "front.json",
        "data.csv",
        "report.html",
        "__pycache__",
        ".pytest_cache",
        ".hypothesis",
    }
)
"""What a run (or testing its result) may leave; only these are replaced by a new run."""


_PREFIX, _OWNER = ".distill-", "owner"
_SAYS_NOTHING = frozenset({"model", "network"})


@dataclass(frozen=True)
class Staging:
    """A hidden folder on the target's disk: `draft` is written to, `target` is where it belongs."""

    holder: Path
    draft: Path
    target: Path

    def publish(self) -> None:
        """Put the draft in the target's place; files of the user's in the old folder stay.

        Raises:
            BadInput: the place was taken by something else meanwhile, or can't be written.
        """
        old = self.holder / "old"
        try:
            require_free(self.target)
            self.target.parent.mkdir(parents=True, exist_ok=True)
            if not self.target.exists():
                self.draft.rename(self.target)
                return
            self.target.rename(old)
            _move_or_restore(self.draft, self.target, old)
            _keep_foreign(old, self.target)
        except OSError as error:
            raise BadInput(_refusal(self.target, error)) from None
        shutil.rmtree(old, ignore_errors=True)


def default_folder(model: str) -> Path:
    """`NAME.distilled` in the current folder for a model file NAME.onnx or NAME.pt2.

    A file that is only called `model` or `network` lends the name of the folder it was given in:
    two such models next to each other don't replace each other's results.
    """
    return Path(f"{stem_of(model)}.distilled")


def stem_of(model: str) -> str:
    """The name that results of a model file are called by."""
    path = Path(model)
    name = path.stem
    if name.lower() in _SAYS_NOTHING and path.parent.name not in ("", ".."):
        name = path.parent.name
    return name or "network"


def require_free(target: Path) -> None:
    """Refuse a target that is a file, or a folder with something in it that no run wrote.

    Raises:
        BadInput: naming the folder and the way out.
    """
    if not target.exists():
        return
    if not target.is_dir():
        raise BadInput(f"{shown(target)} is a file; give --out a folder.")
    if any(target.iterdir()) and not (target / MARK).is_file():
        raise BadInput(
            f"{shown(target)} holds files and no {MARK}, so no run of distill wrote it; "
            "give --out another folder."
        )


@contextmanager
def staged(target: Path) -> Iterator[Staging]:
    """A place to write the result; made before the long work, so that a refusal comes early.

    Nothing is left behind but what `publish` moved to the target. Where a process is killed, its
    hidden folder stays; the next run to the same target clears it up, and puts the old result back
    if the new one wasn't in its place yet.

    Raises:
        BadInput: the target is foreign, or its disk can't be written.
    """
    try:
        target = Path(os.path.abspath(target.expanduser())).resolve()
        require_free(target)
        near = _nearest_folder(target.parent)
        _clear_up(near, target)
        holder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=near))
        owner = _owned(holder, target)
    except (OSError, ValueError) as error:  # ValueError: a name with a null character
        raise BadInput(_refusal(target, error)) from None
    try:
        draft = holder / "new"
        draft.mkdir()
        yield Staging(holder, draft, target)
    finally:
        shutil.rmtree(holder / "new", ignore_errors=True)
        if not (holder / "old").exists():
            shutil.rmtree(holder, ignore_errors=True)
        owner.close()


def _owned(holder: Path, target: Path) -> IO[str]:
    """A file that says what a hidden folder is for, locked as long as this process lives."""
    file = (holder / _OWNER).open("w")
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    file.write(str(target))
    file.flush()
    return file


def _clear_up(folder: Path, target: Path) -> None:
    """Clear hidden folders up that killed processes left beside this target."""
    for holder in folder.glob(f"{_PREFIX}*"):
        with suppress(OSError, UnicodeDecodeError), (holder / _OWNER).open() as file:
            if file.read() != str(target):
                continue
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # it fails while the owner lives
            old = holder / "old"
            if old.exists() and not target.exists():
                old.rename(target)
            elif old.exists():
                _keep_foreign(old, target)
            shutil.rmtree(holder, ignore_errors=True)


@dataclass(frozen=True)
class StagedFile:
    """A file in a hidden folder on the target's disk: `draft` is written, `target` its place."""

    draft: Path
    target: Path

    def publish(self) -> None:
        """Put the draft in the target's place, in one step.

        Raises:
            BadInput: it can't be put there.
        """
        try:
            os.replace(self.draft, self.target)
        except OSError as error:
            raise BadInput(_refusal(self.target, error, "file")) from None


@contextmanager
def written_file(out: str | None, model: str, ending: str) -> Iterator[StagedFile]:
    """A place to write a file made of a model: `out`, else `NAME.ending` in the current folder.

    Made before the long work, so that a refusal comes early; nothing but what was published stays.

    Raises:
        BadInput: it would replace the model or a folder, has another ending, or can't be written.
    """
    target = Path(os.path.abspath(Path(out or f"{stem_of(model)}.{ending}").expanduser()))
    suffix = Path(ending).suffix or f".{ending}"
    try:
        if target.is_dir():
            raise BadInput(f"{shown(target)} is a folder; give --out a file.")
        if target.suffix.lower() != suffix:
            raise BadInput(f"{shown(target)} has no ending {suffix}; give --out NAME{suffix}.")
        if target.exists() and target.samefile(model):
            raise BadInput(f"{shown(target)} is the model itself; give --out another file.")
        holder = Path(tempfile.mkdtemp(prefix=".distill-", dir=target.parent))
    except (OSError, ValueError) as error:
        if isinstance(error, BadInput):
            raise
        raise BadInput(_refusal(target, error, "file")) from None
    try:
        yield StagedFile(holder / target.name, target)
    finally:
        shutil.rmtree(holder, ignore_errors=True)


def shown(path: Path | str) -> str:
    """A path in quotes with every unprintable character escaped."""
    return ascii(str(path)) if not str(path).isprintable() else f"'{path}'"


def _nearest_folder(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    if not path.is_dir():
        raise BadInput(f"{shown(path)} is a file, so no folder can be made in it.")
    return path


def _move_or_restore(draft: Path, target: Path, old: Path) -> None:
    try:
        draft.rename(target)
    except OSError:
        old.rename(target)
        raise


def _keep_foreign(old: Path, new: Path) -> None:
    for entry in old.iterdir():
        if entry.name not in OURS and not (new / entry.name).exists():
            entry.rename(new / entry.name)


def _refusal(target: Path, error: OSError | ValueError, kind: str = "folder") -> str:
    reason = (getattr(error, "strerror", None) or str(error)).lower()
    return f"Can't write to {shown(target)} ({reason}); give --out a {kind} that can be written."
