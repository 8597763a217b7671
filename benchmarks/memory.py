"""Peak resident memory of this process."""

from __future__ import annotations

import contextlib
import resource
import sys
from pathlib import Path

_UNIT = 1 << 20 if sys.platform == "darwin" else 1 << 10
_CLEAR, _STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")


def reset_peak() -> None:
    """Start the peak anew where Linux allows it; elsewhere it is that of the whole process."""
    with contextlib.suppress(OSError):
        _CLEAR.write_text("5")


def peak_mib() -> int:
    """Largest resident memory since the last reset, in MiB."""
    try:
        lines = _STATUS.read_text().splitlines()
        found = next(line for line in lines if line.startswith("VmHWM"))
        return int(found.split()[1]) >> 10
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _UNIT >> 20
