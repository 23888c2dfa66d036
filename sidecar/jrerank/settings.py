"""Every knob: its unit, its default, its JRERANK_* variable."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict, SettingsError

from jrerank.domain import LEAST_SECOND_DEPTH, LEAST_WINDOW_TOKENS
from jrerank.errors import ConfigurationError

DEFAULT_MODEL = "hotchpotch/japanese-reranker-xsmall-v2"


def default_cache_dir() -> Path:
    """`$XDG_CACHE_HOME/jrerank`, or `~/.cache/jrerank`.

    Raises:
        ConfigurationError: this user has no home.
    """
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "jrerank"
    except RuntimeError:
        raise ConfigurationError(
            "this user has no home directory to keep built graphs in: set JRERANK_CACHE_DIR (or HOME)"
        ) from None


class StoreSettings(BaseModel):
    """Where a named store's passages are. The fields beyond `kind` are read by the store of that kind."""

    model_config = ConfigDict(extra="allow", frozen=True)

    kind: Literal["postgres", "opensearch", "elasticsearch"]


class Settings(BaseSettings):
    """Read from the environment (`JRERANK_PORT=8080`), overridden by the command line.

    Durations are `_ms` or `_s`, sizes `_bytes`, `_chars` or `_tokens`. A variable that is empty counts as unset.
    """

    model_config = SettingsConfigDict(
        env_prefix="JRERANK_", env_ignore_empty=True, extra="ignore", frozen=True
    )

    model: Annotated[str, Field(description="bundled, a folder, a hub id, or random:xsmall-v2")] = (
        DEFAULT_MODEL
    )
    revision: Annotated[str | None, Field(description="commit, tag or branch of the hub repository")] = None
    second_model: Annotated[
        str | None,
        Field(description="as model: a better one, which reads the top of the first one's ranking"),
    ] = None
    second_revision: Annotated[str | None, Field(description="as revision, of the second model")] = None
    second_depth: Annotated[
        int, Field(ge=LEAST_SECOND_DEPTH, description="hits of each query that the second model reads")
    ] = 20
    cache_dir: Annotated[
        Path, Field(description="where built graphs are kept", default_factory=default_cache_dir)
    ]
    engine: Annotated[
        Literal["auto", "onnx", "torch"],
        Field(description="auto: torch where it has a GPU, else onnx on the CPU"),
    ] = "auto"
    device: Annotated[str, Field(description="auto, cpu, cuda (all GPUs), cuda:1, mps, xpu; for torch")] = (
        "auto"
    )
    precision: Annotated[
        Literal["int8", "fp32", "fp16", "bf16"],
        Field(
            description="int8 serves only if the quality gate lets it; on a GPU it means fp16, if that holds"
        ),
    ] = "int8"
    graph: Annotated[
        Literal["own", "prebuilt"], Field(description="build the graph, or take the checkpoint's onnx/*.onnx")
    ] = "own"
    max_tokens: Annotated[int, Field(ge=16, description="longest pair the model reads in one run")] = 512
    window_tokens: Annotated[
        int | None,
        Field(
            ge=LEAST_WINDOW_TOKENS,
            description="of a passage, in one window; default: what the model's folder recommends, else what fits",
        ),
    ] = None
    workers: Annotated[
        PositiveInt | None,
        Field(description="threads that score; default: usable cores, and one more for small requests"),
    ] = None
    # Twice what `bundled` shows with and without reduce_range (0.030 and 0.017; up to 0.032 and 0.027 with other
    # calibration texts). Random weights stay below 0.001; a graph that int8 has spoilt goes beyond 0.1.
    gate_max_score_shift: Annotated[float, Field(gt=0, description="largest int8 change of a score")] = 0.06
    gate_max_inversion: Annotated[
        float, Field(gt=0, description="largest fp32 score gap that int8 may turn round")
    ] = 0.05

    host: Annotated[str, Field(description="address to listen on")] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    api_keys: Annotated[tuple[SecretStr, ...], NoDecode, Field(description="comma-separated")] = ()
    api_keys_file: Annotated[Path | None, Field(description="one key per line, # comments")] = None
    cors_origins: Annotated[
        tuple[str, ...], NoDecode, Field(description="comma-separated: whose pages may ask from a browser")
    ] = ()

    trusted_proxies: Annotated[
        tuple[str, ...],
        NoDecode,
        Field(description="comma-separated addresses or networks whose X-Forwarded-For is believed"),
    ] = ()
    max_connections: Annotated[PositiveInt, Field(description="of HTTP, open at the same time")] = 10_000

    pgwire_port: Annotated[
        int | None, Field(ge=0, le=65535, description="the PostgreSQL-wire door's; default: it is shut")
    ] = None
    pgwire_tls_cert_file: Annotated[
        Path | None, Field(description="PEM; with it, clients may ask for TLS")
    ] = None
    pgwire_tls_key_file: Annotated[Path | None, Field(description="PEM, without a passphrase")] = None
    pgwire_max_connections: Annotated[PositiveInt, Field(description="logged in at the same time")] = 5_000

    timeout_ms: Annotated[PositiveInt, Field(description="deadline of a request that names none")] = 30_000
    max_body_bytes: PositiveInt = 32 * 1024 * 1024
    max_open_body_bytes: Annotated[
        PositiveInt, Field(description="of all requests at once, as they are in memory")
    ] = 128 * 1024 * 1024
    max_documents: PositiveInt = 10_000
    max_query_chars: PositiveInt = 10_000
    max_passage_chars: PositiveInt = 2_000_000
    max_queued_tokens: Annotated[PositiveInt, Field(description="beyond this, requests are refused")] = (
        4_000_000
    )
    cache_bytes: Annotated[int, Field(ge=0, description="score cache; 0 switches it off")] = 64 * 1024 * 1024
    token_cache_bytes: Annotated[
        int, Field(ge=0, description="token ids of passages that come back; 0 switches it off")
    ] = 16 * 1024 * 1024
    drain_s: Annotated[PositiveInt, Field(description="time for open requests after SIGTERM")] = 20

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "console"] = "json"
    stores: Annotated[dict[str, StoreSettings], Field(description="JSON: name to store")] = Field(
        default_factory=dict
    )

    @field_validator("api_keys", "cors_origins", "trusted_proxies", mode="before")
    @classmethod
    def _split(cls, listed: object) -> object:
        return tuple(_stripped(listed.split(","))) if isinstance(listed, str) else listed

    @classmethod
    def load(cls, **overrides: object) -> Self:
        """Settings from the environment and `overrides`; None overrides nothing.

        Raises:
            ConfigurationError: a value is wrong; the message names the variable.
        """
        given = {name: value for name, value in overrides.items() if value is not None}
        try:
            return cls(**given)._checked()  # type: ignore[arg-type]
        except ValidationError as error:
            raise ConfigurationError(_explained(error)) from None
        except (
            SettingsError
        ) as error:  # `stores` is the only field whose text is parsed before it is validated
            raise ConfigurationError(f"JRERANK_STORES is not JSON: {error.__cause__}") from None

    def _checked(self) -> Self:
        for name in ("second_revision", "second_depth"):
            if self.second_model is None and name in self.model_fields_set:
                raise ConfigurationError(
                    f"JRERANK_{name.upper()} is set without JRERANK_SECOND_MODEL: set that too, or leave both out"
                )
        return self

    def of_second_model(self) -> Self | None:
        """The same with the second model in place of the first; None where there is none."""
        if self.second_model is None:
            return None
        second = {"model": self.second_model, "revision": self.second_revision, "window_tokens": None}
        return self.model_copy(update=second)

    def keys(self) -> tuple[str, ...]:
        """All API keys, of the variable and of the file.

        Raises:
            ConfigurationError: the file can't be read, or holds no key.
        """
        keys = [key.get_secret_value() for key in self.api_keys]
        if self.api_keys_file is not None:
            keys += _keys_of(self.api_keys_file)
        return tuple(keys)

    def pgwire_tls_files(self) -> tuple[Path, Path] | None:
        """Certificate and key of the PostgreSQL-wire door.

        Raises:
            ConfigurationError: there is only one of them.
        """
        certificate, key = self.pgwire_tls_cert_file, self.pgwire_tls_key_file
        if certificate is not None and key is not None:
            return certificate, key
        if certificate is not None or key is not None:
            raise ConfigurationError(
                "JRERANK_PGWIRE_TLS_CERT_FILE and JRERANK_PGWIRE_TLS_KEY_FILE belong together: set both or neither"
            )
        return None

    def check_bind(self) -> None:
        """Nobody gets in by default: beyond loopback there must be a key.

        Raises:
            ConfigurationError: `host` is not a loopback address and there is no key.
        """
        if not self.keys() and not _is_loopback(self.host):
            raise ConfigurationError(
                f"host {self.host} is reachable from other machines, so an API key is needed:"
                " set JRERANK_API_KEYS or JRERANK_API_KEYS_FILE, or listen on 127.0.0.1"
            )


def _explained(error: ValidationError) -> str:
    """The first thing that is wrong. What a store was given isn't repeated: it may hold a password."""
    first = error.errors()[0]
    field, *within = map(str, first["loc"])
    place = ": ".join([f"JRERANK_{field.upper()}", *([".".join(within)] if within else []), first["msg"]])
    return place if field in {"stores", "api_keys"} else f"{place} (got {first['input']!r})"


def _stripped(texts: Iterable[str]) -> list[str]:
    return [text.strip() for text in texts if text.strip()]


def _keys_of(path: Path) -> list[str]:
    try:
        lines = _stripped(path.read_text(encoding="utf-8").splitlines())
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"JRERANK_API_KEYS_FILE: {path}: {error}") from error
    keys = [line for line in lines if not line.startswith("#")]
    if not keys:
        raise ConfigurationError(f"JRERANK_API_KEYS_FILE: {path} holds no key")
    return keys


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
