"""What every door notes of a request."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from jrerank.assembly import running_service
from jrerank.domain import Candidate, RerankRequest
from jrerank.telemetry import configure_logging
from tiny import tiny_settings


async def test_a_request_is_counted_timed_and_logged_without_its_texts(
    tiny_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    deadline = time.monotonic() + 30
    request = RerankRequest("秘密の質問", (Candidate("1", "秘密の文書"), Candidate("2")), deadline)
    async with running_service(tiny_settings(tiny_folder)) as service:
        configure_logging("info", "json")
        ranking = await service.reranker.rerank(request)
        service.note("hits", 2, ranking, time.monotonic() - 0.2)
    line = json.loads(capsys.readouterr().err.splitlines()[-1])
    assert (line["event"], line["door"], line["documents"]) == ("reranked", "hits", 2)
    assert (line["outcome"], line["reason"]) == ("partial", "missing_passages")
    assert line["took_ms"] >= 200
    assert "秘密" not in str(line)
    metrics = service.metrics.exposition().decode()
    assert 'jrerank_requests_total{door="hits",outcome="partial"} 1.0' in metrics
    assert 'jrerank_request_seconds_bucket{door="hits",le="0.1"} 0.0' in metrics
    assert "jrerank_request_documents_sum 2.0" in metrics
