"""`/docs`: the OpenAPI document as a page that needs nothing from elsewhere, for machines that see no other network."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import escape
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

router = APIRouter(include_in_schema=False)
_HEAD = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title><style>body{{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}}
code,pre{{font:14px/1.4 ui-monospace,monospace}}pre{{background:#8881;padding:.5rem;overflow:auto}}
summary{{cursor:pointer;padding:.3rem 0}}</style><h1>{title}</h1><p>{description}
<p><a href="openapi.json">openapi.json</a>"""


@router.get("/docs")
async def docs(http: Request) -> HTMLResponse:
    """Every path with its bodies and examples."""
    document = http.app.openapi()
    head = _HEAD.format(
        title=escape(document["info"]["title"]), description=escape(document["info"]["description"])
    )
    return HTMLResponse(head + "".join(_operations(document)))


def _operations(document: dict[str, Any]) -> Iterator[str]:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            yield f"<details><summary><code>{method.upper()} {escape(path)}</code> {escape(operation['summary'])}</summary>"
            yield f"<p>{escape(operation['description'])}"
            for title, content in (
                ("Request", operation.get("requestBody")),
                ("Answer", operation["responses"].get("200")),
            ):
                if content and "content" in content:
                    yield f"<h4>{title}</h4><pre>{escape(_shown(document, content['content']))}</pre>"
            yield "</details>"


def _shown(document: dict[str, Any], content: dict[str, Any]) -> str:
    """An example where there is one, else the schema, with what it refers to in its place."""
    described = content.get("application/json", content)
    shown = described.get("example", described.get("schema", described))
    name = shown.get("$ref", "").rpartition("/")[2] if isinstance(shown, dict) else ""
    return json.dumps(
        document["components"]["schemas"][name] if name else shown, indent=2, ensure_ascii=False
    )
