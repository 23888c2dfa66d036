"""docs/limits.md says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import jrerank.server
from jrerank.doors import native
from jrerank.doors.bodies import OpenBodies
from jrerank.doors.http import bounded_http1, multisearch, starting_turns
from jrerank.doors.http.dialects import fields, texts
from jrerank.doors.pgwire import channel, conversation, kept_statements, login, prepared, server
from jrerank.doors.search import options, passages, source_filter, url_parameters
from jrerank.json_reader import slices
from jrerank.models import artifacts
from jrerank.models.architectures import config_reader
from jrerank.models.architectures.modernbert import config as modernbert_config
from jrerank.scheduling import queue
from jrerank.settings import Settings
from jrerank.stores import passage, replies
from jrerank.stores.opensearch import limits as index_limits
from jrerank.tokenization.windows import MAX_WINDOWS

PAGE = (Path(__file__).parents[2] / "docs" / "limits.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.split("|")[1:4]]
    for line in PAGE.splitlines()
    if line.startswith("|") and not line.startswith(("| what", "|---"))
]
CONSTANTS = {
    "`texts` of a hit": native.MAX_TEXTS,
    "values of a hit, with `passage_from: values`": passage.MAX_VALUES,
    "values of all hits of a search, in equal shares": passage.MAX_VALUES_OF_SEARCH,
    "characters of what is read of them, in equal shares": passage.MAX_CHARS_OF_SEARCH,
    "different `pre_tags` and `post_tags` of a search with `passage_from: highlight`": passages.MAX_TAGS,
    "fields of a reranked search's `passage_fields`": options.MAX_PASSAGE_FIELDS,
    "characters of a search's `filter_path`": url_parameters.MAX_FILTER_PATH_CHARS,
    "parts of a path in a search's options": options.MAX_PATH_PARTS,
    "characters of a path in a search's options": options.MAX_PATH_CHARS,
    "patterns of a reranked search's `_source`": source_filter.MAX_PATTERNS,
    "stars in them": source_filter.MAX_STARS,
    "characters of one of them": source_filter.MAX_PATTERN_CHARS,
    "bytes of a store's reply, which count as the request's": replies.MAX_REPLY_BYTES,
    "sets of indexes about which a store's cluster is asked at once": index_limits.MAX_QUESTIONS,
    "bytes of one caller's open requests: four fifths of what other callers leave, "
    "and a 64th of `JRERANK_MAX_OPEN_BODY_BYTES` whatever they do": (
        OpenBodies(Settings.model_fields["max_open_body_bytes"].default).most_bytes("anybody")
    ),
    "of them, what one caller's may be whatever other callers' are: a 16th of `JRERANK_MAX_QUEUED_TOKENS`": (
        Settings.model_fields["max_queued_tokens"].default // queue.OWN_SHARE
    ),
    "levels of a body's nesting": slices.MAX_DEPTH,
    "`rank_fields`": fields.MAX_RANK_FIELDS,
    "parts of a document with a list as its `content`": texts.MAX_CONTENT_PARTS,
    "searches of a multi-search": multisearch.MAX_SEARCHES,
    "windows of a passage": MAX_WINDOWS,
    "headers of a request": bounded_http1.MAX_HEADERS,
    "bytes of a request's head, or of what frames a chunk of its body": bounded_http1.MAX_HEAD_BYTES,
    "seconds for a head to arrive, or the rest of a body whose answer is out": bounded_http1.HEAD_TIMEOUT_S,
    "seconds from the connection to its first request, where SIGTERM comes between them": bounded_http1.FIRST_REQUEST_S,
    "requests a second, on all connections, that were sent before the answer to another one": (
        starting_turns.PIPELINED_A_SECOND
    ),
    "requests that wait on one connection": bounded_http1.MAX_WAITING_REQUESTS,
    "bytes read of all connections and not parsed yet: an eighth of `JRERANK_MAX_OPEN_BODY_BYTES`": (
        Settings.model_fields["max_open_body_bytes"].default // jrerank.server.UNPARSED_SHARE
    ),
    "seconds for a client to read on": bounded_http1.WRITE_TIMEOUT_S,
    "logins under way on the PostgreSQL wire, beside the connections that are free": server.logins_beside(
        Settings.model_fields["pgwire_max_connections"].default
    ),
    "seconds for a login on the PostgreSQL wire": login.LOGIN_TIMEOUT_S,
    "seconds for the rest of a message on the PostgreSQL wire": channel.MESSAGE_TIMEOUT_S,
    "seconds for the next part of a request on the PostgreSQL wire": conversation.PARTS_TIMEOUT_S,
    "bytes of a connection's prepared statements with names": prepared.MAX_PREPARED_BYTES,
    "bytes of all connections' prepared statements with names: a quarter of `JRERANK_MAX_OPEN_BODY_BYTES`": (
        kept_statements.most_kept_bytes(Settings.model_fields["max_open_body_bytes"].default)
    ),
    "layers of a model": config_reader.MOST_LAYERS,
    "positions of a ModernBERT": modernbert_config.MOST_POSITIONS,
    "any other number in `config.json`": config_reader.LARGEST,
    "seconds for another process that builds the same graph": artifacts.LOCK_TIMEOUT_S,
    "seconds that a larger statement without a name is kept": conversation.PARTS_TIMEOUT_S,
}


@pytest.mark.parametrize(("what", "setting", "default"), ROWS, ids=[row[0] for row in ROWS])
def test_a_row_is_right(what: str, setting: str, default: str) -> None:
    if setting:
        field = Settings.model_fields[setting.strip("`").removeprefix("JRERANK_").lower()]
        assert int(default) == field.default
    else:
        assert int(default) == CONSTANTS[what]


def test_no_bound_among_the_settings_is_missing() -> None:
    bounds = {
        name for name in Settings.model_fields if re.match(r"max_|.*_max_connections|cache_bytes", name)
    }
    assert {f"JRERANK_{name.upper()}" for name in bounds} <= set(re.findall(r"JRERANK_\w+", PAGE))
