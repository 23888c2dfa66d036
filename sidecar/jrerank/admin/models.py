"""`models`: pull, list, check, build."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer

from jrerank.admin.options import (
    FAILED,
    GraphOption,
    ModelOption,
    PrecisionOption,
    RevisionOption,
    plain_errors,
)
from jrerank.errors import JrerankError
from jrerank.settings import Settings

app = typer.Typer(help="Models and the graphs that are built from them.", no_args_is_help=True)


@app.command()
def pull(
    model: Annotated[str, typer.Argument(help="hub id, such as hotchpotch/japanese-reranker-xsmall-v2")],
    revision: RevisionOption = None,
    graph: GraphOption = None,
) -> None:
    """Fetch a model into the hub's cache, for machines or times without a network.

    Example: jrerank-admin models pull hotchpotch/japanese-reranker-xsmall-v2
    """
    from jrerank.models.source import open_checkpoint

    with plain_errors():
        checkpoint = open_checkpoint(model, revision, prebuilt_graphs=graph == "prebuilt")
    print(f"{checkpoint.name}  {checkpoint.fingerprint[:16]}  {checkpoint.folder or ''}")


@app.command("list")
def list_() -> None:
    """List the models on this machine, each with the graphs that have been built of it.

    Example: jrerank-admin models list
    """
    from jrerank.models.artifacts import built_artifacts

    with plain_errors():
        built = built_artifacts(Settings.load().cache_dir)
    for name, key in models_here():
        if graphs := built.pop(key, []):
            print(f"{name}  {key}  {', '.join(graphs)}")
        elif not name.startswith("random:"):
            print(f"{name}  {key}  nothing built")
    for key, graphs in built.items():
        print(f"(of a folder, or a revision that is gone)  {key}  {', '.join(graphs)}")


def models_here() -> Iterator[tuple[str, str]]:
    """Name and artifact key of what can be served without a network; a damaged one has no key."""
    from jrerank.models.artifacts import artifact_key
    from jrerank.models.checkpoint import load_checkpoint
    from jrerank.models.random import SIZES
    from jrerank.models.source import BUNDLED, cached_models, open_checkpoint

    for name, folder in {"bundled": BUNDLED, **cached_models()}.items():
        try:
            yield name, artifact_key(load_checkpoint(folder, name))
        except JrerankError as error:
            yield name, f"cannot be served: {error}"
    for name in SIZES:
        yield name, artifact_key(open_checkpoint(name))


@app.command()
def check(model: ModelOption = None, revision: RevisionOption = None) -> None:
    """Run the quality gate: how far int8 moves the scores of this model on this CPU.

    Example: jrerank-admin models check --model bundled
    """
    from jrerank.assembly import load_checkpoint
    from jrerank.engines.onnx_cpu.choice import choose_graph

    with plain_errors():
        settings = Settings.load(model=model, revision=revision, precision="int8", graph="own")
        graph = choose_graph(settings, load_checkpoint(settings))
    if graph.gate is not None:
        print(f"score shift  {graph.gate.score_shift:.4f}  (limit {settings.gate_max_score_shift})")
        print(f"inversion    {graph.gate.inversion:.4f}  (limit {settings.gate_max_inversion})")
    print(f"would serve  {graph.precision}")
    if graph.precision != "int8":
        raise typer.Exit(FAILED)


@app.command()
def build(
    model: ModelOption = None,
    revision: RevisionOption = None,
    precision: PrecisionOption = None,
    force: Annotated[bool, typer.Option("--force", help="build anew what is there")] = False,
) -> None:
    """Build the graph that `serve` would build at its first start.

    Example: jrerank-admin models build --model bundled
    """
    from jrerank.assembly import load_checkpoint
    from jrerank.engines.onnx_cpu.choice import choose_graph
    from jrerank.models.artifacts import forget_artifacts

    with plain_errors():
        settings = Settings.load(model=model, revision=revision, precision=precision, graph="own")
        checkpoint = load_checkpoint(settings)
        if force:
            forget_artifacts(settings.cache_dir, checkpoint, settings.precision)
        graph = choose_graph(settings, checkpoint)
    print(graph.path)
