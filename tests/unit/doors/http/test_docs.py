"""`/docs`, which a machine without another network can show."""

from __future__ import annotations

import re

import httpx


async def test_every_path_is_on_the_page(http: httpx.AsyncClient) -> None:
    page = (await http.get("/docs")).text
    paths = (await http.get("/openapi.json")).json()["paths"]
    assert all(f"{method.upper()} {path}" in page for path in paths for method in paths[path])
    assert "富士山の標高" in page, "an example of an answer"


async def test_nothing_on_it_comes_from_elsewhere(http: httpx.AsyncClient) -> None:
    page = (await http.get("/docs")).text
    assert "<script" not in page
    assert re.findall(r'(?:src|href)="([^"]*)"', page) == ["openapi.json"]
