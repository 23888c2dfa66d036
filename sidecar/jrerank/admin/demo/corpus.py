"""`python -m jrerank.admin.demo.corpus`: the demo's passages with their vectors, as the JSONL that `postgres index` loads."""

from __future__ import annotations

import json
import sys
from typing import IO

from jrerank.admin.demo.vectors import passage_vectors
from jrerank.evaluation.dataset import load_dataset


def write(stream: IO[str]) -> None:
    """A line for each passage: `id`, `text`, `vector`."""
    for (id, text), vector in zip(load_dataset().passages.items(), passage_vectors(), strict=True):
        line = {"id": id, "text": text, "vector": [round(float(one), 4) for one in vector]}
        stream.write(json.dumps(line, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    write(sys.stdout)
