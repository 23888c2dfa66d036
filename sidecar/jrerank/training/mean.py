"""The mean of the weights of two checkpoints: often better than either, and as fast as one (Wortsman et al., 2022)."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from jrerank.errors import ConfigurationError, InvalidInput
from jrerank.models.checkpoint import CONFIG_FILE, Checkpoint, load_checkpoint, save_checkpoint
from jrerank.models.json_file import read_json
from jrerank.models.recommendation import RECOMMENDATION_FILE, keep_recommendations
from jrerank.models.sentence_transformers_folder import MODULES_FILE, SETTINGS_FILE, transformer_folder
from jrerank.models.tokenizer_file import TOKENIZER_CONFIG_FILE, TOKENIZER_FILE
from jrerank.training.card_text import CARD_FILE, card_text, commands, front, made_by, table, table_row

# Of no influence on a logit: they say how the tokenizer's pairs are laid out, which the tokenizer does too
_NOT_COMPUTED = frozenset({"special_ids"})
_OF_ONE_CALL = frozenset({"truncation", "padding"})
# Not each model has them; `modules.json` would lead to the weights of another one
_STALE = (RECOMMENDATION_FILE, MODULES_FILE, SETTINGS_FILE, TOKENIZER_CONFIG_FILE)
_INTRODUCTION = (
    "A cross-encoder for Japanese: the mean of the weights of two (Wortsman et al., 2022), made with\n"
    "`jrerank-admin models average`."
)


@dataclass(frozen=True, slots=True)
class Part:
    """A checkpoint, its name on the card, and its share of the mean, 0 to 1."""

    folder: Path
    name: str
    share: float


def mean_of(first: Part, second: Part, folder: Path, command: str) -> Checkpoint:
    """Write the mean into `folder`, as float32, with the first one's tokenizer and a card that names both.

    Args:
        first: its configuration is the mean's, and what it recommends is the mean's recommendation.
        second: of the same configuration and tokenizer.
        folder: made if it isn't there.
        command: the command line that makes the mean again.

    Raises:
        ConfigurationError: the configurations or tokenizers differ; the message names what does.
        InvalidInput: `folder` is one of the two, or is none and cannot be made.
        ModelNotFound, CorruptModel, UnsupportedModel: see `load_checkpoint`.
    """
    parts = _told_apart(first, second)
    if folder.resolve() in {part.folder.resolve() for part in parts}:
        raise InvalidInput(f"{folder} is one of the two: give another folder", field="folder")
    within = transformer_folder(first.folder)
    checkpoints = [load_checkpoint(part.folder, part.name) for part in parts]
    _check_equal(parts, CONFIG_FILE, *(_computed(checkpoint.architecture) for checkpoint in checkpoints))
    _check_equal(parts, TOKENIZER_FILE, *map(_tokenized, checkpoints))
    one, other = (checkpoint.weights() for checkpoint in checkpoints)
    weights = {name: first.share * one[name] + second.share * other[name] for name in one}
    _make_ready(folder)
    described = within / TOKENIZER_CONFIG_FILE
    made = save_checkpoint(
        folder,
        read_json(within / CONFIG_FILE),
        weights,
        checkpoints[0].tokenizer,
        tokenizer_config=read_json(described) if described.is_file() else None,
    )
    keep_recommendations(first.folder, folder)
    (folder / CARD_FILE).write_text(_card(parts, folder.name, made, command), encoding="utf-8")
    return made


def _make_ready(folder: Path) -> None:
    """What an earlier model in that folder says of itself, and the mean doesn't, would be taken for the mean's."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in _STALE:
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise InvalidInput(f"{folder} cannot be written: {error}", field="folder") from None


def _told_apart(first: Part, second: Part) -> tuple[Part, Part]:
    """Folders of one name get numbers; more of their paths would be published with the card."""
    if first.name != second.name:
        return first, second
    return dataclasses.replace(first, name=f"{first.name} (1)"), dataclasses.replace(
        second, name=f"{second.name} (2)"
    )


def _computed(architecture: object) -> dict[str, object]:
    """What the configuration says of the computation, as this project reads it; how training goes is not among that."""
    fields: dict[str, object] = {"architecture": type(architecture).__name__}
    if dataclasses.is_dataclass(architecture) and not isinstance(architecture, type):
        for inner in dataclasses.asdict(architecture).values():
            fields |= inner
    return {name: value for name, value in fields.items() if name not in _NOT_COMPUTED}


def _tokenized(checkpoint: Checkpoint) -> dict[str, object]:
    """As it is written today: older releases of `tokenizers` had other words for the same."""
    content = json.loads(checkpoint.tokenizer.to_str())
    return {name: value for name, value in content.items() if name not in _OF_ONE_CALL}


def _check_equal(
    parts: Collection[Part], file: str, one: dict[str, object], other: dict[str, object]
) -> None:
    differences = [
        f"{field} is {_short(one.get(field))} and {_short(other.get(field))}"
        for field in dict.fromkeys((*one, *other))
        if one.get(field) != other.get(field)
    ]
    if differences:
        raise ConfigurationError(
            f"{file} of {' and '.join(part.name for part in parts)}: {', '.join(differences)}; a mean is of two models of one "
            "shape and one tokenizer, such as two that were trained from the same one"
        )


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _card(parts: Collection[Part], name: str, made: Checkpoint, command: str) -> str:
    first, second = parts
    cards = [_card_of(part) for part in parts]
    rows = {
        "architecture": f"`{_class_name(first)}`, {made.architecture.summary}",
        "mean of": f"`{first.name}` ({first.share:g}) and `{second.name}` ({second.share:g}), by their weights",
        **{row: known for row in ("trained on", "licence") if (known := _known(cards, row))},
    }
    return card_text(front(name, _INTRODUCTION), table(rows), made_by(command), *_origins(parts, cards))


def _class_name(part: Part) -> object:
    config = read_json(transformer_folder(part.folder) / CONFIG_FILE)
    names = config.get("architectures")
    return names[0] if isinstance(names, list) and names else config.get("model_type")


def _card_of(part: Part) -> str:
    card = part.folder / CARD_FILE
    return card.read_text(encoding="utf-8") if card.is_file() else ""


def _known(cards: Iterable[str], row: str) -> str:
    """What the cards' tables say there, each different text once."""
    values = [value for card in cards if (value := table_row(card, row)) is not None]
    return "; ".join(dict.fromkeys(values))


def _origins(parts: Iterable[Part], cards: Iterable[str]) -> Iterable[str]:
    """How each of the two was made, as far as its card has the command."""
    for part, card in zip(parts, cards, strict=True):
        for title, command in commands(card):
            yield made_by(command, f"{title} ({part.name})")
