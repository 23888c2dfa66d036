"""What a model made of a query's hits, kept on disk so that a run that was broken off goes on where it stopped."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jrerank.domain import Candidate
from jrerank.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class QueryScores:
    """`logits` are in the order of the hits, None where the model has not read one; `seconds` are of the whole list."""

    logits: tuple[float | None, ...]
    seconds: float
    tokens: int = 0


@dataclass
class ScoreFile:
    """JSONL that grows by a line per query and system; None keeps scores in memory only. `earlier` are an earlier run's keys."""

    path: Path | None
    known: dict[str, QueryScores] = field(default_factory=dict)
    earlier: set[str] = field(default_factory=set)

    @classmethod
    def open(cls, path: Path | None) -> ScoreFile:
        """What an earlier run has left. A last line that was cut off is left out.

        Raises:
            InvalidInput: the file can't be read.
        """
        file = cls(path)
        try:
            lines = path.read_text(encoding="utf-8").splitlines() if path and path.exists() else []
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidInput(f"{path} can't be read: {error}", field="resume") from None
        for line in lines:
            try:
                row = json.loads(line)
                file.known[row["key"]] = QueryScores(tuple(row["logits"]), row["seconds"], row["tokens"])
            except (ValueError, KeyError, TypeError):
                continue
        file.earlier.update(file.known)
        return file

    def get(self, key: str) -> QueryScores | None:
        """The scores of that key."""
        return self.known.get(key)

    def is_earlier(self, key: str) -> bool:
        """Whether an earlier run has left them."""
        return key in self.earlier

    def put(self, key: str, scores: QueryScores) -> None:
        """Keep them; they are on disk when this returns.

        Raises:
            InvalidInput: the file can't be written.
        """
        self.known[key] = scores
        if self.path is None:
            return
        row = {"key": key, "logits": scores.logits, "seconds": scores.seconds, "tokens": scores.tokens}
        try:
            with self.path.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(row) + "\n")
        except OSError as error:
            raise InvalidInput(f"{self.path} can't be written: {error.strerror}", field="resume") from None


def key_of(system: str, query: str, candidates: Sequence[Candidate]) -> str:
    """Of the system, the query's text and the hits' texts: when any of them changes, it is scored anew."""
    digest = hashlib.sha256(f"{system}\0{query}".encode())
    for candidate in candidates:
        digest.update(f"\0{candidate.passage}".encode())
    return digest.hexdigest()
