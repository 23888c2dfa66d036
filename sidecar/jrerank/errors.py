"""Everything that can go wrong, what the caller should do about it, and its `kind`.

A kind is one word for an error in metrics, logs and answers. A door maps kinds to what its protocol has: a status, an SQLSTATE.

    JrerankError
    +-- InvalidInput          the caller's mistake             (HTTP 422, SQLSTATE 22023)
    |   +-- NotJson           it cannot be parsed              (HTTP 400)
    |   +-- InputTooLong      more than a limit allows         (HTTP 413)
    |   +-- UnknownStore      no such store, or not allowed    (HTTP 404)
    +-- UnknownModel          another model than the one that serves (HTTP 404)
    +-- NotAuthorized         no key, or a wrong one           (HTTP 401)
    +-- Forbidden             without keys: not from this host or page; what no door passes on (HTTP 403)
    +-- MethodNotAllowed      another method would be passed on (HTTP 405)
    +-- TooSlow               the request took too long to arrive (HTTP 408)
    +-- Abandoned             the caller has gone: nobody reads an answer
    +-- Unavailable           try again, or elsewhere          (HTTP 503)
    |   +-- Overloaded        the queue is full, or the deadline cannot be met (HTTP 429)
    +-- ConfigurationError    the operator's mistake: the sidecar does not start
    |   +-- ModelNotFound
    |   +-- UnsupportedModel
    |   +-- CorruptModel
    |   +-- ArtifactError
    |   +-- MissingTool       a program that a command needs is not installed
    |   +-- BuildFailed
    |   +-- Refused           a search engine refused what it was asked to set up
    +-- EngineError           a run failed: the hits keep their old order
    +-- StoreError            a store did not answer: the hits keep their old order

The docstring of a class is its default message.
"""

# ruff: noqa: N818  names that say what is wrong: `ModelNotFound` needs no `Error` behind it
from __future__ import annotations

from typing import ClassVar


class JrerankError(Exception):
    """Something went wrong."""

    kind: ClassVar[str] = "internal"

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or type(self).__doc__)


class InvalidInput(JrerankError):
    """The request is not valid.

    `field` names the place in the request, in the caller's own words.
    """

    kind: ClassVar[str] = "invalid_input"

    def __init__(self, message: str | None = None, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class NotJson(InvalidInput):
    """The request is not JSON."""

    kind: ClassVar[str] = "invalid_json"


class InputTooLong(InvalidInput):
    """The request is larger than this sidecar accepts."""

    kind: ClassVar[str] = "too_large"


class UnknownStore(InvalidInput):
    """There is no store of that name."""

    kind: ClassVar[str] = "unknown_store"


class UnknownModel(JrerankError):
    """There is no model of that name."""

    kind: ClassVar[str] = "unknown_model"


class NotAuthorized(JrerankError):
    """A valid API key is needed: send it as `Authorization: Bearer KEY`."""

    kind: ClassVar[str] = "not_authorized"


class Forbidden(JrerankError):
    """Without an API key only this machine may ask."""

    kind: ClassVar[str] = "forbidden"


class MethodNotAllowed(JrerankError):
    """This method is not taken here; `allowed` are."""

    kind: ClassVar[str] = "method_not_allowed"

    def __init__(self, message: str | None = None, *, allowed: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.allowed = allowed


class TooSlow(JrerankError):
    """The request did not arrive in time."""

    kind: ClassVar[str] = "too_slow"


class Abandoned(JrerankError):
    """The caller has gone."""

    kind: ClassVar[str] = "abandoned"


class Unavailable(JrerankError):
    """The sidecar cannot answer now."""

    kind: ClassVar[str] = "unavailable"
    retry_after_s: float = 1.0


class Overloaded(Unavailable):
    """Too much work is queued to answer in time."""

    kind: ClassVar[str] = "overloaded"

    def __init__(self, message: str | None = None, *, retry_after_s: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class ConfigurationError(JrerankError):
    """The sidecar is not set up right."""

    kind: ClassVar[str] = "misconfigured"


class ModelNotFound(ConfigurationError):
    """The model was not found."""


class UnsupportedModel(ConfigurationError):
    """The checkpoint is of a kind that jrerank cannot run."""


class CorruptModel(ConfigurationError):
    """A file of the checkpoint is damaged."""


class ArtifactError(ConfigurationError):
    """The graph for this model could not be built or stored."""


class MissingTool(ConfigurationError):
    """A tool is not on this machine."""


class BuildFailed(ConfigurationError):
    """Something could not be built."""


class Refused(ConfigurationError):
    """The search engine refused a request; `status` is that of its answer."""

    def __init__(self, message: str | None = None, *, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class EngineError(JrerankError):
    """The engine failed on a pair."""

    kind: ClassVar[str] = "engine_error"


class StoreError(JrerankError):
    """The store did not deliver the passages."""

    kind: ClassVar[str] = "store_error"

    # `public` is what a caller may hear. `detail`, for logs and operators, may name hosts and users
    def __init__(self, message: str | None = None, *, detail: str = "") -> None:
        self.public = message or type(self).__doc__ or ""
        super().__init__(f"{self.public}: {detail}" if detail else self.public)
