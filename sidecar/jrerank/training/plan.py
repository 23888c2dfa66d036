"""What a run does, as data: it is stored with the run, and names it in the model card."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from jrerank.errors import ConfigurationError

Distillation = Literal["kl", "margin-mse"]
# What may differ when a run goes on
_FREE = ("tokens",)
# What no option sets: a run that an older version began goes on with its own
_DERIVED = ("max_tokens", "long_max_tokens")
_LONGEST_RAMP = 0.1  # of the budget: a small one would be spent before `warmup_steps` are done
_MOST_TOKENS = 512


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """`tokens` is the whole budget. Rates are of AdamW; that of the head is `head_factor` times as high.

    `mined_candidates` excerpts are scored by the model itself from `mined_from` of the budget on, and the hardest kept; a question
    whose loss is then below `skip_loss` is not trained on. Excerpts become longer at `long_from`.
    """

    tokens: int
    seed: int = 1
    questions_per_step: int = 8
    hard_negatives: int = 4
    random_negatives: int = 1
    near_share: float = 0.5
    mined_candidates: int = 10
    mined_from: float = 0.5
    max_tokens: int = 192
    max_chars: int = 170
    long_from: float = 0.6
    long_max_tokens: int = 384
    long_max_chars: int = 450
    learning_rate: float = 1.2e-4
    head_factor: float = 5.0
    warmup_steps: int = 60
    decay_from: float = 0.6
    weight_decay: float = 0.01
    bce_weight: float = 0.5
    skip_loss: float = 0.0
    average_decay: float = 0.995
    fact_share: float = 0.15
    cloze_share: float = 0.1
    scene_share: float = 0.0
    freeze_embeddings: bool = True
    dropout: float = 0.0
    distillation: Distillation = "kl"

    def rate(self, step: int, progress: float) -> float:
        """The factor of the learning rates: a ramp, a plateau, and from `decay_from` a half cosine down to zero.

        The ramp takes `warmup_steps`, or a tenth of the budget where that is less.

        With a plateau, a run whose budget turns out to be too large or too small can be ended well: resume it with another one.
        """
        ramp = min(1.0, max((step + 1) / self.warmup_steps, progress / _LONGEST_RAMP))
        if progress <= self.decay_from:
            return ramp
        decayed = min(1.0, (progress - self.decay_from) / (1 - self.decay_from))
        return ramp * 0.5 * (1 + math.cos(math.pi * decayed))

    def as_json(self) -> dict[str, object]:
        """For the run's folder."""
        return asdict(self)

    def continued(self, stored: Mapping[str, Any]) -> TrainingPlan:
        """The plan with which a run goes on that began with the `stored` one.

        A field that `stored` lacks was added by a later version: the run began with what is now its default.

        Raises:
            ConfigurationError: a value is not the one that the run began with.
        """
        began: dict[str, Any] = {**_DEFAULTS.as_json(), **stored}
        for name, value in self.as_json().items():
            if name not in (*_FREE, *_DERIVED) and began[name] != value:
                raise ConfigurationError(
                    f"{name} is {value!r}, but the run in this folder began with {began[name]!r}: "
                    "repeat its options, or choose another folder"
                )
        return replace(self, **{name: began[name] for name in _DERIVED})


_DEFAULTS = TrainingPlan(tokens=1)


def token_limits(max_chars: int, long_max_chars: int) -> tuple[int, int]:
    """`max_tokens` and `long_max_tokens` for excerpts of so many characters, up to 512.

    The defaults fit each other; each character beyond them may be a token of its own. In the last part of the budget short excerpts
    are cut at the long limit too.
    """
    short = _DEFAULTS.max_tokens + max(0, max_chars - _DEFAULTS.max_chars)
    long = _DEFAULTS.long_max_tokens + max(0, long_max_chars - _DEFAULTS.long_max_chars)
    return min(_MOST_TOKENS, short), min(_MOST_TOKENS, max(short, long))
