"""HTTP/1.1 as clients of today speak it: an offer to upgrade is declined by answering the request."""

from __future__ import annotations

from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_OF_THE_OFFER = {b"upgrade", b"http2-settings"}


class Http1Protocol(HttpToolsProtocol):
    """Uvicorn's, whose parser takes what follows an `Upgrade` for another protocol and drops the body.

    Java's `HttpClient` offers `h2c` with every request (RFC 9113, section 3.1, has it gone; uvicorn's issue 2722). So such a head
    is parsed once more without the offer, which leaves the body what it is.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.parser = _Parser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)

    def on_headers_complete(self) -> None:
        """Begin the request, unless its head comes again."""
        if not self.parser.should_upgrade():
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        """End the request; a head with an offer was none."""
        if not self.parser.should_upgrade():
            super().on_message_complete()


class _Parser(httptools.HttpRequestParser):
    """Parses heads that offer an upgrade twice."""

    def __init__(self, protocol: Http1Protocol) -> None:
        super().__init__(protocol)
        self._protocol = protocol

    def feed_data(self, data: bytes) -> None:  # type: ignore[override]
        """Parse what has come."""
        try:
            super().feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            if self.get_method() == b"CONNECT":
                raise httptools.HttpParserError("this is no proxy") from None
            super().feed_data(self._head_without_offer())
            self.feed_data(data[offer.args[0] :])

    def _head_without_offer(self) -> bytes:
        url, headers = self._protocol.url, self._protocol.headers
        lines = [b"%s %s HTTP/%s" % (self.get_method(), url, self.get_http_version().encode())]
        for name, value in headers:
            if name == b"connection":
                kept = [token for token in value.split(b",") if token.strip().lower() not in _OF_THE_OFFER]
                value = b",".join(kept)  # noqa: PLW2901
            if name not in _OF_THE_OFFER and value:
                lines.append(b"%s: %s" % (name, value))
        return b"\r\n".join([*lines, b"", b""])
