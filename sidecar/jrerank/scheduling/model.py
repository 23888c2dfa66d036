"""What scores pairs: an engine, and the tokenization that makes its windows."""

from __future__ import annotations

from dataclasses import dataclass

from jrerank.engines.engine import Engine
from jrerank.tokenization.windows import Tokenization


@dataclass(frozen=True, slots=True, eq=False)
class ScoringModel:
    """A model as the scheduler sees it. One of its tokens takes as long as `token_cost` of the first model's."""

    engine: Engine
    tokenization: Tokenization
    token_cost: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class SecondModel:
    """What reads the first model's best `depth` hits of each query once more."""

    model: ScoringModel
    depth: int
