"""What the settings say of a store of kind `opensearch` or `elasticsearch`."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    PositiveInt,
    SecretStr,
    model_validator,
)

from jrerank.errors import ConfigurationError
from jrerank.stores.reading import KindSettings


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _check_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        is_whole = parts.scheme in {"http", "https"} and parts.hostname and (parts.port or 1)
    except ValueError:
        is_whole = False
    if not is_whole:
        raise ValueError("must be like https://search.example:9200")
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError("must hold no user, query or fragment; user and password have fields of their own")
    return url.rstrip("/")


def _check_index(name: str) -> str:
    if (
        not name
        or name[0] in "_-+."
        or any(mark in name for mark in '*?,/\\"<>| #%:')
        or name != name.lower()
    ):
        raise ValueError("must be the name of one index or alias, without wildcards")
    return name


def _check_field(path: str) -> str:
    if not all(path.split(".")) or "*" in path:
        raise ValueError("must be a field's name or dotted path, without wildcards")
    return path


def _check_file(path: Path) -> Path:
    try:
        path.read_bytes()
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None
    return path


File = Annotated[Path, AfterValidator(_check_file)]


class OpenSearchSettings(KindSettings):
    """Where the documents are, how to get in, and what of a document is its passage."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["opensearch", "elasticsearch"]
    urls: Annotated[
        tuple[Annotated[str, AfterValidator(_check_url)], ...],
        BeforeValidator(_listed),
        Field(min_length=1, description="the cluster's nodes, or what balances them"),
    ]
    index: Annotated[
        tuple[Annotated[str, AfterValidator(_check_index)], ...],
        BeforeValidator(_listed),
        Field(min_length=1, description="the one or the several that may be read; no other is"),
    ]
    text_fields: Annotated[
        tuple[Annotated[str, AfterValidator(_check_field)], ...],
        BeforeValidator(_listed),
        Field(min_length=1, description="the passage: a line for each, dotted paths into objects"),
    ]
    user: str | None = None
    password: SecretStr | None = None
    password_file: File | None = None
    api_key: Annotated[SecretStr | None, Field(description="as Elasticsearch gives it, `encoded`")] = None
    api_key_file: File | None = None
    aws_region: Annotated[str | None, Field(description="sign requests with the AWS account at hand")] = None
    aws_service: Annotated[Literal["es", "aoss"], Field(description="aoss: OpenSearch Serverless")] = "es"
    ca_file: Annotated[File | None, Field(description="PEM, trusted in place of the system's")] = None
    returns_text: Annotated[bool, Field(description="documents may go to callers; opens the search door")] = (
        False
    )
    search_timeout_ms: PositiveInt = 30_000
    max_connections: PositiveInt = 64

    @model_validator(mode="after")
    def _check_auth(self) -> Self:
        ways = {
            "user": self.user,
            "api_key": self.api_key,
            "api_key_file": self.api_key_file,
            "aws_region": self.aws_region,
        }
        given = [name for name, value in ways.items() if value is not None]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} are several ways to get in; keep one")
        passwords = (self.password is not None) + (self.password_file is not None)
        if passwords != (self.user is not None):
            raise ValueError("user goes with one of password and password_file")
        return self

    @model_validator(mode="after")
    def _check_tls(self) -> Self:
        if self.ca_file is not None:
            try:
                ssl.create_default_context(cafile=self.ca_file)
            except ssl.SSLError:
                raise ValueError("ca_file holds no certificate in PEM form") from None
        return self

    def secret(self) -> str | None:
        """The password or the API key, from its field or its file.

        Raises:
            ConfigurationError: the file holds no text.
        """
        for field in (self.password, self.api_key):
            if field is not None:
                return field.get_secret_value()
        path = self.password_file or self.api_key_file
        return None if path is None else _secret_of(path)


def _secret_of(path: Path) -> str:
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        secret = ""
    if not secret:
        raise ConfigurationError(f"JRERANK_STORES: {path} holds no secret")
    return secret
