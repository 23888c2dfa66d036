"""What a run began with, kept in its folder: the plan, and a digest of each input. A run that goes on with others is refused."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from jrerank.errors import ConfigurationError
from jrerank.models.json_file import read_json
from jrerank.training.examples import Corpus, Pair
from jrerank.training.plan import TrainingPlan
from jrerank.training.scenes import Scene

_PLAN, _INPUTS = "plan.json", "inputs.json"
_OF_A_MODEL = ("config.json", "tokenizer.json", "*.safetensors", "*.bin")

# By the name of the option, None where it isn't given
Digests = Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Beginning:
    """`state` is the folder of the run's state."""

    state: Path

    def continued(self, plan: TrainingPlan, inputs: Digests) -> TrainingPlan:
        """The plan to train by: `plan` for a new run, else that of the run there, with the budget of `plan`.

        A run of a version that kept no digests, or not all of them, goes on.

        Raises:
            ConfigurationError: the run in the folder began with another plan or other inputs.
        """
        if (path := self.state / _PLAN).is_file():
            plan = plan.continued(read_json(path))
        stored = read_json(path) if (path := self.state / _INPUTS).is_file() else {}
        if others := [name for name, digest in inputs.items() if stored.get(name, digest) != digest]:
            raise ConfigurationError(
                f"{', '.join(others)}: not what the run in this folder began with; give what it began with, "
                "or choose another folder"
            )
        return plan

    def keep(self, plan: TrainingPlan, inputs: Digests) -> None:
        """Write both down. It is done when all inputs are known to be usable: a folder would refuse the mended command else."""
        self.state.mkdir(parents=True, exist_ok=True)
        _replace(self.state / _INPUTS, inputs)
        _replace(self.state / _PLAN, plan.as_json())


def digest_of(items: Iterable[object]) -> str:
    """Of what `repr` says of each, which is the same in every process."""
    digest = hashlib.blake2b(digest_size=16)
    for item in items:
        digest.update(f"{item!r}\n".encode())
    return digest.hexdigest()


def digest_of_passages(corpus: Corpus) -> str:
    """Of titles and texts, in their order."""
    return digest_of((passage.title, passage.text) for passage in corpus.passages)


def digest_of_pairs(corpus: Corpus) -> str:
    """Of all that a line says, with its clicks."""
    return digest_of(map(_content, corpus.pairs))


def digest_of_scenes(scenes: Iterable[Scene]) -> str:
    """Of all their texts, with their titles."""
    return digest_of(
        (scene.title, [(item.questions, item.answers, item.decoys) for item in scene.items])
        for scene in scenes
    )


def digest_of_model(folder: Path) -> str:
    """Of its weights, configuration and tokenizer, whatever the folder is called."""
    digest = hashlib.blake2b(digest_size=16)
    for file in sorted(file for pattern in _OF_A_MODEL for file in folder.glob(pattern)):
        with file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, hashlib.blake2b).digest())
    return digest.hexdigest()


def _content(pair: Pair) -> tuple[object, ...]:
    return pair.question, pair.passage, pair.answers, pair.negatives, sorted(pair.scores.items())


def _replace(path: Path, content: Mapping[str, object]) -> None:
    """At once: a run may be killed meanwhile."""
    part = path.with_name(f"{path.name}.part")
    part.write_text(json.dumps(content, indent=1), encoding="utf-8")
    part.replace(path)
