"""Reranking is answered before routes are matched: where many ask, that was about a sixth of the event loop's time."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.types import ASGIApp, Receive, Scope, Send

from jrerank.doors.http.routing import DirectRoute


class DirectPaths:
    """Pure ASGI. The same routes are the application's, for other methods and for the OpenAPI document."""

    def __init__(self, app: ASGIApp, routes: Iterable[DirectRoute]) -> None:
        self._app = app
        fixed = [route for route in routes if not route.param_convertors]
        self._answers = {route.path: route.answer_directly for route in fixed}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what is posted to one of the paths; anything else is the application's."""
        answer = self._answers.get(scope["path"]) if scope["type"] == "http" else None
        if answer is None or scope["method"] != "POST":
            await self._app(scope, receive, send)
        else:
            await answer(scope, receive, send)
