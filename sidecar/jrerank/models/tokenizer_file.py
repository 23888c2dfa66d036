"""The tokenizer of a checkpoint's folder: `tokenizer.json`, as the `tokenizers` library reads it, whichever class it is of."""

from __future__ import annotations

from pathlib import Path

from tokenizers import Tokenizer

from jrerank.errors import ConfigurationError, CorruptModel, ModelNotFound
from jrerank.models.json_file import read_json

TOKENIZER_FILE = "tokenizer.json"
TOKENIZER_CONFIG_FILE = "tokenizer_config.json"
# transformers 5 has one class for what is nothing but a tokenizer.json; it makes no token types unless it is told to
_CLASSES_WITHOUT_TOKEN_TYPES = ("TokenizersBackend",)


def read_tokenizer(folder: Path, vocab_size: int) -> Tokenizer:
    """The tokenizer, without the padding and truncation that it may have been saved with.

    A window is never padded, and what of it is cut is for those to say who know the query from the passage.

    Raises:
        ModelNotFound: there is no tokenizer.json.
        CorruptModel: it can't be read.
        ConfigurationError: it has ids that the model doesn't.
    """
    path = folder / TOKENIZER_FILE
    if not path.is_file():
        raise ModelNotFound(f"{folder} has no {TOKENIZER_FILE}{_advice(folder)}")
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises plain Exception
        raise CorruptModel(f"{path}: {error}") from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    highest = max(tokenizer.get_vocab(with_added_tokens=True).values(), default=-1)
    if highest >= vocab_size:
        raise ConfigurationError(
            f"{path} has token id {highest}, but the model's vocabulary ends at {vocab_size - 1}"
        )
    return tokenizer


def gives_token_types(folder: Path) -> bool:
    """Whether transformers would give the model the tokenizer's token types: `tokenizer_config.json` may say no.

    Raises:
        CorruptModel: that file isn't JSON.
    """
    if not (folder / TOKENIZER_CONFIG_FILE).is_file():
        return True
    config = read_json(folder / TOKENIZER_CONFIG_FILE)
    names = config.get("model_input_names")
    if isinstance(names, list):
        return "token_type_ids" in names
    return config.get("tokenizer_class") not in _CLASSES_WITHOUT_TOKEN_TYPES


def _advice(folder: Path) -> str:
    """What to do without one, by what is there instead."""
    path = folder / TOKENIZER_CONFIG_FILE
    config = read_json(path) if path.is_file() else {}
    if "mecab" in str(config.get("word_tokenizer_type")).lower() or "Japanese" in str(
        config.get("tokenizer_class")
    ):
        return (
            f": its {config.get('tokenizer_class')} splits words with MeCab, which a tokenizer.json cannot hold."
            " Take a model whose tokenizer works on raw text, such as hotchpotch/japanese-reranker-xsmall-v2"
        )
    if any(folder.glob("*.model")) or (folder / "vocab.txt").is_file():
        return (
            ": make one with transformers:"
            f" AutoTokenizer.from_pretrained({str(folder)!r}, use_fast=True).save_pretrained({str(folder)!r})"
        )
    return ""
