"""What serves has been compared with float32 on a CPU; what differs is refused, and the next way is tried."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
import torch

from builders import tiny_bert_config, wordpiece_tokenizer, write_checkpoint
from jrerank.domain import Window
from jrerank.engines.engine import BatchLimit
from jrerank.engines.onnx_cpu.session import Graph
from jrerank.engines.torch_packed import open as opening
from jrerank.engines.torch_packed.attention import EachAttention
from jrerank.engines.torch_packed.budget import MAX_RUN_S, measure_budget
from jrerank.engines.torch_packed.compilation import compile_in_background
from jrerank.engines.torch_packed.device_model import DeviceModel, Kernel, Variant
from jrerank.engines.torch_packed.devices import devices, variants
from jrerank.engines.torch_packed.open import OpenTorch, buckets_of, open_torch
from jrerank.engines.torch_packed.packing import Buckets, PackedBatch
from jrerank.engines.torch_packed.replicas import Replicas
from jrerank.engines.torch_packed.runner import Runner
from jrerank.engines.torch_packed.self_test import SelfTest
from jrerank.engines.torch_packed.transfer import Logits
from jrerank.errors import ConfigurationError, EngineError, UnsupportedModel
from jrerank.models.architectures.torch_forward import PackedTokens, TorchForward
from jrerank.models.checkpoint import Checkpoint, load_checkpoint
from parity import windows_of_lengths

CPU = torch.device("cpu")
KERNELS: tuple[Kernel, ...] = ("varlen", "padded")


@pytest.fixture
def opened(checkpoint: Checkpoint, no_measuring: None) -> Iterator[OpenTorch]:
    torch_engine = open_torch(checkpoint, "cpu", "int8", threads=1)
    yield torch_engine
    torch_engine.close()


def test_a_cpu_computes_in_float32_window_by_window(opened: OpenTorch) -> None:
    assert (opened.precision, opened.engine.name, opened.engine.workers) == ("fp32", "torch_packed", 1)
    assert str(opened.judgements[-1]).startswith("cpu, each attention, fp32: logits within ")
    assert opened.engine.batch_limit == BatchLimit(windows=512, tokens=512)


@pytest.mark.usefixtures("no_measuring")
@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_precision_is_had_where_it_is_named(checkpoint: Checkpoint, precision: str) -> None:
    opened = open_torch(checkpoint, "cpu", precision, threads=1)
    opened.close()
    assert opened.precision == precision
    assert 0 < opened.judgements[-1].difference < 0.25


@pytest.mark.usefixtures("no_measuring")
def test_the_passage_of_a_bert_has_its_token_type(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_checkpoint(
        tmp_path_factory.mktemp("bert") / "m", tiny_bert_config(), wordpiece_tokenizer()
    )
    bert = load_checkpoint(folder, "bert")
    opened = open_torch(bert, "cpu", "int8", threads=1)
    windows = [Window(window.ids, 4) for window in windows_of_lengths(30, 7)]
    graph = folder / "graph.onnx"
    graph.write_bytes(bert.architecture.onnx_graph(bert.weights()).SerializeToString())
    exact = Graph(graph, passage_type=1)
    assert opened.engine.score(windows) == pytest.approx([exact.logit(it) for it in windows], abs=1e-4)
    opened.close()


@pytest.mark.usefixtures("no_measuring")
def test_a_kernel_that_ignores_the_window_is_refused_and_the_next_one_serves(
    checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    attend = EachAttention.attend

    def ignoring(
        self: EachAttention, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, window: int | None
    ) -> torch.Tensor:
        return attend(self, q, k, v, None if q.dtype == torch.bfloat16 else window)

    ways = [Variant(CPU, "each", dtype) for dtype in (torch.bfloat16, torch.float32)]
    monkeypatch.setattr(EachAttention, "attend", ignoring)
    monkeypatch.setattr(opening, "variants", lambda *_: ways)
    opened = open_torch(checkpoint, "cpu", "int8", threads=1)
    opened.close()
    assert [judgement.passes for judgement in opened.judgements] == [False, True]
    assert opened.precision == "fp32"


@pytest.mark.usefixtures("no_measuring")
def test_a_model_that_nothing_computes_right_is_not_served(
    checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "variants", lambda *_: [Variant(CPU, "varlen", torch.float32)])
    with pytest.raises(
        UnsupportedModel, match="cannot be served by torch on cpu: cpu, varlen attention, fp32: varlen"
    ):
        open_torch(checkpoint, "cpu", "int8", threads=1)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gpu", "'gpu' is not one of"),
        ("cuda", "device cuda: torch"),
        ("cuda:7", "device cuda:7"),
        ("mps", "Apple"),
    ],
)
def test_a_device_that_is_not_here_is_named_with_what_is_missing(name: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        devices(name)


def test_auto_is_the_cpu_where_no_gpu_is_seen() -> None:
    assert devices("auto") == [CPU]


@pytest.mark.parametrize(
    ("capability", "first"), [((9, 0), "varlen"), ((8, 0), "varlen"), ((7, 5), "padded")], ids=str
)
def test_older_gpus_compute_padded(
    capability: tuple[int, int], first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: capability)
    ways = variants(torch.device("cuda", 0), "int8")
    assert (ways[0].kernel, ways[0].dtype) == (first, torch.float16)
    assert (ways[-1].kernel, ways[-1].dtype) == ("padded", torch.float32)
    assert all(way.dtype != torch.float32 for way in ways if way.kernel == "varlen")


def test_a_gpu_has_few_sizes_of_runs_and_a_cpu_every_size() -> None:
    gpu = torch.device("cuda", 0)
    ragged, padded = (buckets_of(Variant(gpu, kernel, torch.float16), 8192) for kernel in KERNELS)
    assert buckets_of(Variant(CPU, "each", torch.float32), 8192) == Buckets()
    assert ragged.longest == (256, 512, 8192)
    assert (padded.rectangular, padded.longest[-2:]) == (True, (512, 8192))
    assert buckets_of(Variant(gpu, "varlen", torch.float16), 512).longest == (256, 512)


class TimedDevice(Runner):
    """Takes as long as it is told, on a clock of its own."""

    def __init__(self, seconds_of_tokens: dict[int, float]) -> None:
        super().__init__(CPU)
        self.seconds_of_tokens = seconds_of_tokens
        self.now = 0.0

    def logits(self, batch: PackedBatch) -> Logits:
        if batch.tokens not in self.seconds_of_tokens:
            raise torch.OutOfMemoryError
        self.now += self.seconds_of_tokens[batch.tokens]
        return torch.zeros(batch.windows).numpy()


@pytest.mark.parametrize(
    ("seconds", "budget"),
    [
        ({1024: 0.001, 4096: 0.0015, 8192: 0.004}, 4096),  # the caches end before 8192
        ({1024: 0.002, 4096: 0.008, 8192: 0.0159}, 1024),  # more is not faster
        ({1024: 0.01, 4096: 0.019, 8192: MAX_RUN_S + 0.001}, 4096),
        ({1024: 1.0, 4096: 4.0, 8192: 8.0}, 1024),
    ],
    ids=["caches", "no gain", "too long", "slow device"],
)
def test_the_budget_is_the_fastest_run_that_is_short_enough(seconds: dict[int, float], budget: int) -> None:
    device = TimedDevice(seconds)
    assert measure_budget(device, Buckets(), list(seconds), clock=lambda: device.now) == budget


@pytest.mark.parametrize(("seconds", "budget"), [({1024: 0.001, 4096: 0.002}, 4096), ({}, 1024)])
def test_a_size_that_memory_does_not_hold_is_no_budget(seconds: dict[int, float], budget: int) -> None:
    device = TimedDevice(seconds)
    assert measure_budget(device, Buckets(), [1024, 4096, 8192], clock=lambda: device.now) == budget


class Changed:
    """A forward pass as a compiler may make it: off by `shift`."""

    def __init__(self, forward: TorchForward, shift: float) -> None:
        self._forward, self._shift = forward, shift

    def __call__(self, tokens: PackedTokens, attention: object) -> torch.Tensor:
        return self._forward(tokens, attention) + self._shift  # type: ignore[arg-type]


def broken(_: TorchForward) -> TorchForward:
    raise RuntimeError("no C compiler\nand more")


@pytest.mark.parametrize(
    ("shift", "swapped"), [(0.0005, True), (0.5, False), (float("nan"), False), (None, False)]
)
def test_a_compiled_model_serves_only_if_its_logits_are_right(
    checkpoint: Checkpoint, shift: float | None, swapped: bool
) -> None:
    weights = checkpoint.weights()
    runner, test = Runner(CPU), SelfTest(checkpoint, weights)
    model = DeviceModel.load(checkpoint.architecture, weights, Variant(CPU, "each", torch.float32))
    runner.use(model)
    before = test.logits(runner, Buckets())
    compiler = broken if shift is None else lambda forward: Changed(forward, shift)
    compile_in_background(runner, model, test, Buckets(), None, compiler).join()
    change = test.logits(runner, Buckets()) - before
    runner.close()
    assert change == pytest.approx(0.0005 if swapped else 0.0, abs=1e-5)


@pytest.mark.usefixtures("flash_attention")
def test_the_forward_pass_is_one_graph_for_every_number_of_windows(checkpoint: Checkpoint) -> None:
    """No break, and no compilation anew for each batch; fused kernels are another matter, and need a GPU to be seen."""
    variant = Variant(CPU, "varlen", torch.float16)
    model = DeviceModel.load(checkpoint.architecture, checkpoint.weights(), variant)
    graphs = []

    def count(graph: torch.fx.GraphModule, _: Sequence[object]) -> object:
        graphs.append(graph)
        return graph.forward

    compiled = model.with_forward(lambda forward: torch.compile(forward, fullgraph=True, backend=count))
    runner, plain = Runner(CPU), Runner(CPU)
    runner.use(compiled)
    plain.use(model)
    buckets = Buckets(tokens=(1024, 2048), longest=(256,))
    test = SelfTest(checkpoint, checkpoint.weights())
    for lengths in ((100, 20), (200, 129, 64, 3), (7,), (250,) * 6):
        test.windows = windows_of_lengths(*lengths)
        assert test.logits(runner, buckets) == pytest.approx(test.logits(plain, buckets), abs=0.02)
    assert len(graphs) <= 2
    torch._dynamo.reset()


class Named:
    """An engine that answers with its number."""

    name, workers, spare_workers, batch_limit = "named", 2, 0, BatchLimit(8, 100)

    def __init__(self, number: float, tokens: int) -> None:
        self.number = number
        self.batch_limit = BatchLimit(8, tokens)
        self.batches = 0

    def score(self, windows: Sequence[Window]) -> list[float | EngineError]:
        self.batches += 1
        return [self.number for _ in windows]


@pytest.mark.usefixtures("no_measuring")
def test_each_device_has_an_engine_of_its_own_behind_one(
    checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "devices", lambda name: [CPU, CPU])
    opened = open_torch(checkpoint, "cpu", "int8", threads=1)
    alone = [engine.score(windows_of_lengths(30, 7)) for engine in opened.devices]
    assert (opened.engine.workers, len({id(engine) for engine in opened.devices})) == (2, 2)
    assert opened.engine.score(windows_of_lengths(30, 7)) == alone[0] == alone[1]
    assert opened.notes()[0].startswith("on 2 devices, the first cpu, by torch ")
    opened.close()


def test_several_devices_share_the_batches() -> None:
    engines = [Named(1.0, 100), Named(2.0, 60)]
    replicas = Replicas(engines)
    assert (replicas.workers, replicas.batch_limit) == (4, BatchLimit(8, 60))
    assert [replicas.score(windows_of_lengths(3))[0] for _ in range(4)] == [1.0, 2.0, 1.0, 2.0]
