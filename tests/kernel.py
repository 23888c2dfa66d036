"""The kernels in C, which are not there where no compiler is: their tests are skipped then, but for CI, where that is a failure."""

from __future__ import annotations

import importlib.util
import os

import pytest

WHY = "jrerank-native isn't installed: install gcc and libc's headers, then make .venv/.installed"
is_missing = importlib.util.find_spec("jrerank_native") is None and os.environ.get("CI") != "true"
needs_kernel = pytest.mark.skipif(is_missing, reason=WHY)
