"""`models`: pull, list, check, build."""

from __future__ import annotations

import shutil
from typing import Annotated

import typer

from jrerank.admin.options import FAILED, ModelOption, PrecisionOption, RevisionOption, plain_errors
from jrerank.settings import Settings

app = typer.Typer(help="Models and the graphs that are built from them.", no_args_is_help=True)


@app.command()
def pull(
    model: Annotated[str, typer.Argument(help="hub id, such as hotchpotch/japanese-reranker-xsmall-v2")],
    revision: RevisionOption = None,
) -> None:
    """Fetch a model into the hub's cache, for machines or times without a network.

    Example: jrerank-admin models pull hotchpotch/japanese-reranker-xsmall-v2
    """
    from jrerank.models.source import open_checkpoint

    with plain_errors():
        checkpoint = open_checkpoint(model, revision, prebuilt_graphs=True)
    print(f"{checkpoint.name}  {checkpoint.fingerprint[:16]}  {checkpoint.folder or ''}")


@app.command("list")
def list_() -> None:
    """List the graphs that have been built.

    Example: jrerank-admin models list
    """
    with plain_errors():
        folder = Settings.load().cache_dir / "artifacts"
    for artifact in sorted(folder.glob("*/model.onnx")):
        print(f"{artifact.parent.name}  {artifact.stat().st_size / 1e6:.1f} MB")


@app.command()
def check(model: ModelOption = None, revision: RevisionOption = None) -> None:
    """Run the quality gate: how far int8 moves the scores of this model on this CPU.

    Example: jrerank-admin models check --model bundled
    """
    from jrerank.assembly import choose_graph, load_checkpoint

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
    from jrerank.assembly import choose_graph, load_checkpoint

    with plain_errors():
        settings = Settings.load(model=model, revision=revision, precision=precision)
        checkpoint = load_checkpoint(settings)
        graph = choose_graph(settings, checkpoint)
        if force:
            shutil.rmtree(graph.path.parent)
            graph = choose_graph(settings, checkpoint)
    print(graph.path)
