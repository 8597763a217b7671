"""A reverse compiler: a trained network in, a short verified program out.

Nothing heavy is imported before it is used (PEP 562), so `import distill` and
`distill --help` answer at once.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from distill.api import check, compare, distill, equivalent, inspect
    from distill.api_detectors import detect
    from distill.api_inspect import modules
    from distill.api_prepare import prepare
    from distill.distillation import Distillation
    from distill.distillation_loop import LoopDistillation
    from distill.estimator import DistilledClassifier, DistilledRegressor
    from distill.recurrent import Recurrent
    from distill.replace import replacement
    from distill.reporting.write import report
    from distill.walkthrough import explain

__version__ = "0.1.0"

_HOMES = {
    "distill": "distill.api",
    "inspect": "distill.api",
    "modules": "distill.api_inspect",
    "detect": "distill.api_detectors",
    "prepare": "distill.api_prepare",
    "check": "distill.api",
    "compare": "distill.api",
    "equivalent": "distill.api",
    "Distillation": "distill.distillation",
    "LoopDistillation": "distill.distillation_loop",
    "Recurrent": "distill.recurrent",
    "replacement": "distill.replace",
    "DistilledClassifier": "distill.estimator",
    "DistilledRegressor": "distill.estimator",
    "report": "distill.reporting.write",
    "explain": "distill.walkthrough",
}
_ROOMS = frozenset({"load", "preparation", "testing"})

__all__ = [
    "Distillation",
    "DistilledClassifier",
    "DistilledRegressor",
    "LoopDistillation",
    "Recurrent",
    "check",
    "compare",
    "detect",
    "distill",
    "equivalent",
    "explain",
    "inspect",
    "modules",
    "prepare",
    "replacement",
    "report",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    if name in _ROOMS:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_ROOMS})
