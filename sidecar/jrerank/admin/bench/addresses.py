"""Values of options that name something by its address: a URL, `DIALECT=URL`, `NAME=FILE`."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from jrerank.errors import InvalidInput

if TYPE_CHECKING:
    from jrerank.bench.quality.scorers import Dialect


def endpoint(text: str) -> tuple[Dialect, str]:
    """`DIALECT=URL` of an endpoint.

    Raises:
        InvalidInput: there is no such dialect, or that is no URL.
    """
    from jrerank.bench.quality.scorers import DIALECTS

    given, url = named(text, "url")
    dialect = next((one for one in DIALECTS if one == given), None)
    if dialect is None:
        raise InvalidInput(f"--url {text}: {given!r} is no dialect: {', '.join(DIALECTS)}", field="url")
    check_url(url, "url")
    return dialect, url


def check_url(url: str, option: str) -> None:
    """Before anything is asked there.

    Raises:
        InvalidInput: it is not http(s)://HOST...
    """
    try:
        parts = urlsplit(url)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise InvalidInput(
            f"--{option} {url}: it must be a URL such as http://localhost:8080/path", field=option
        )


def named(text: str, option: str) -> tuple[str, str]:
    """`NAME=VALUE` of an option.

    Raises:
        InvalidInput: it has another form.
    """
    name, separator, value = text.partition("=")
    if not separator or not name or not value:
        raise InvalidInput(
            f"--{option} {text}: it must be {'DIALECT=URL' if option == 'url' else 'NAME=FILE'}", field=option
        )
    return name, value
