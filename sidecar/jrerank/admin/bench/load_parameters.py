"""What a run under load was told, as its report has it: two runs with other values did other work."""

from __future__ import annotations

import hashlib
from pathlib import Path

from jrerank.admin.bench.load_options import LoadOptions
from jrerank.errors import InvalidInput

_DIGEST_CHARS = 16
_AS_LOGGED, _NONE = "as logged", "none"


def load_parameters(options: LoadOptions, callers: int) -> dict[str, str]:
    """All of them, for every target alike; of a file its digest, so that it may lie elsewhere but not say something else.

    Raises:
        InvalidInput: a file can't be read.
    """
    logged = options.log is not None
    limit = options.find_p99_ms
    return {
        "arrivals": _AS_LOGGED if logged else options.arrivals.value,
        "rate": _AS_LOGGED if logged else options.rate,
        "seconds": _AS_LOGGED if logged else f"{options.seconds:g}",
        "documents": _AS_LOGGED if logged else options.documents,
        "chars": _AS_LOGGED if logged else options.chars,
        "timeout": f"{options.timeout_ms} ms",
        "callers": str(callers),
        "p99 limit": _NONE if limit is None else f"{limit:g} ms",
        "log": _digest(options.log, "log"),
        "template": _digest(options.template if options.search_url else None, "template"),
        "statement": _digest(options.sql if options.dsn else None, "sql"),
    }


def rate_is_found(options: LoadOptions) -> bool:
    """Whether a faster build is sent more, so that its latencies are of other work."""
    return options.find_p99_ms is not None or (options.log is None and options.rate.endswith("x"))


def _digest(path: Path | None, field: str) -> str:
    if path is None:
        return _NONE
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:_DIGEST_CHARS]
    except OSError as error:
        raise InvalidInput(f"{path} can't be read: {error.strerror}", field=field) from None
