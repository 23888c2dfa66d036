"""The files of `compose/`, read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]
COMPOSE = ROOT / "compose"
DOCKERFILES = sorted(path.relative_to(ROOT).as_posix() for path in COMPOSE.rglob("Dockerfile"))


def compose_file() -> dict[str, Any]:
    """`compose.yaml`, merge keys resolved."""
    return dict(yaml.safe_load((COMPOSE / "compose.yaml").read_text(encoding="utf-8")))


@dataclass(frozen=True)
class Dockerfile:
    """Its instructions in order, continuation lines joined, comments left out."""

    instructions: tuple[tuple[str, str], ...]

    @classmethod
    def read(cls, path: str) -> Dockerfile:
        text = re.sub(r"^#.*\n", "", (ROOT / path).read_text(encoding="utf-8"), flags=re.MULTILINE)
        lines = re.sub(r"\\\n\s*", " ", text).splitlines()
        return cls(tuple((line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in lines if line.strip()))

    def all(self, name: str) -> list[str]:
        return [arguments for instruction, arguments in self.instructions if instruction == name]

    def last(self, name: str) -> str:
        return self.all(name)[-1]

    def defaults(self) -> dict[str, str]:
        """The build arguments that have a default."""
        return dict(argument.split("=", 1) for argument in self.all("ARG") if "=" in argument)
