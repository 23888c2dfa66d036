"""Rows for `bulk`, and the same run in this process and as a command."""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path

from jrerank.bulk.report import BulkReport
from jrerank.bulk.run import rerank_source
from jrerank.bulk.sources.files import open_file
from tiny import tiny_settings

WORDS = ("富士山", "空", "高さ", "今日の天気は", "晴れです。")


def write_rows(path: Path, rows: int) -> list[dict[str, object]]:
    generator = random.Random(rows)
    written: list[dict[str, object]] = [
        {
            "id": f"q{number}",
            "query": generator.choice(WORDS) + str(number),
            "passages": ["".join(generator.choices(WORDS, k=generator.randrange(1, 20))) for _ in range(20)],
        }
        for number in range(rows)
    ]
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in written), encoding="utf-8")
    return written


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


async def reranked(folder: Path, source: Path, output: Path, tokenizers: int | None = None) -> BulkReport:
    settings = tiny_settings(folder)
    return await rerank_source(settings, open_file(source), output, None, lambda *_: None, tokenizers)


def tiny_variables(folder: Path) -> dict[str, str]:
    settings = tiny_settings(folder)
    return {
        "JRERANK_MODEL": settings.model,
        "JRERANK_PRECISION": "fp32",
        "JRERANK_CACHE_DIR": str(settings.cache_dir),
        "JRERANK_WORKERS": "1",
    }


def command(folder: Path, source: Path, output: Path) -> tuple[list[str], dict[str, str]]:
    arguments = [sys.executable, "-m", "jrerank.admin", "bulk", str(source), str(output)]
    return arguments, tiny_variables(folder)
