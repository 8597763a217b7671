"""Tests neither read nor write the user's cache; those of the cache say where theirs is."""

from __future__ import annotations

import os
import tempfile

os.environ["DISTILL_CACHE"] = ""
os.environ["XDG_STATE_HOME"] = tempfile.mkdtemp(prefix="distill-state-")
