"""The command line on a model's card, which makes the model again."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from pathlib import Path

import typer


def command_line(context: typer.Context) -> str:
    """The command that runs, with the names of files and folders in place of their paths: a card is published.

    It is made of the parameters as they were read, not of the words: what is a path is known of them alone.
    """
    words = ["jrerank-admin", *_subcommands(context)]
    for parameter in context.command.params:
        if is_given(context, parameter.name or ""):
            value = context.params[parameter.name or ""]
            words += _words(parameter.opts, parameter.secondary_opts, parameter.param_type_name, value)
    return shlex.join(words)


def is_given(context: typer.Context, parameter: str) -> bool:
    """Whether it is on the command line, also with its default."""
    source = context.get_parameter_source(parameter)
    return source is not None and source.name == "COMMANDLINE"


def published_name(value: object) -> str:
    """As a card says it: a path's last part, also where the path is of a folder that a text such as `--from` names."""
    if isinstance(value, Path) or (isinstance(value, str) and value and Path(value).is_dir()):
        return Path(os.path.abspath(value)).name  # noqa: PTH100  resolve() would publish the name that a link points to
    return str(value)


def _subcommands(context: typer.Context) -> list[str]:
    names: list[str] = []
    name, parent = context.info_name, context.parent
    while parent is not None:
        names.insert(0, name or "")
        name, parent = parent.info_name, parent.parent
    return names


def _words(opts: list[str], negative: list[str], kind: str, value: object) -> Iterator[str]:
    values = value if isinstance(value, (list, tuple)) else [value]
    for one in values:
        if isinstance(one, bool):
            yield opts[0] if one else negative[0]
        elif kind == "argument":
            yield published_name(one)
        else:
            yield from (opts[0], published_name(one))
