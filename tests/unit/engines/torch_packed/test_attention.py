"""The CUDA path without a GPU: torch's own wrapper over a kernel for the CPU, and shapes and devices on pretended CUDA tensors."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from jrerank.domain import Window
from jrerank.engines.torch_packed.attention import VarlenAttention, check_varlen, fits_varlen
from jrerank.engines.torch_packed.device_model import DeviceModel, Kernel, Variant
from jrerank.engines.torch_packed.packing import Bucket, Buckets, inputs_size, pack
from jrerank.models.architectures.registry import read_architecture
from jrerank.models.checkpoint import Checkpoint
from parity import KINDS, windows_of_lengths

CPU = torch.device("cpu")
LENGTHS = (1, 130, 7, 129, 300, 64, 65)
ROUNDING = 0.02  # of float16, over three layers


def model_of(checkpoint: Checkpoint, kernel: Kernel) -> DeviceModel:
    variant = Variant(CPU, kernel, torch.float16)
    return DeviceModel.load(checkpoint.architecture, checkpoint.weights(), variant)


def logits(model: DeviceModel, windows: list[Window], bucket: Bucket | None = None) -> torch.Tensor:
    batch = pack(windows, bucket or Buckets().fitting(windows), 0)
    return model.logits(torch.from_numpy(batch.inputs), batch.bucket)


@pytest.mark.usefixtures("flash_attention")
def test_ragged_attention_equals_that_of_each_window_alone(checkpoint: Checkpoint) -> None:
    windows = windows_of_lengths(*LENGTHS)
    exact = logits(model_of(checkpoint, "each"), windows)
    assert torch.allclose(logits(model_of(checkpoint, "varlen"), windows), exact, atol=ROUNDING)


@pytest.mark.usefixtures("flash_attention")
@pytest.mark.parametrize("kernel", ["varlen", "padded", "each"])
@pytest.mark.parametrize(
    "bucket",
    [Bucket(1024, 80, 512), Bucket(1024, 200, 300), Bucket(2048, 20, 1024), Bucket(696, 7, 300)],
    ids=str,
)
def test_a_filled_up_bucket_gives_the_same_logits_and_leaves_no_row_unwritten(
    checkpoint: Checkpoint, kernel: Kernel, bucket: Bucket
) -> None:
    """The kernel leaves NaN in rows that no window covers."""
    windows = windows_of_lengths(*LENGTHS)
    model = model_of(checkpoint, kernel)
    filled = logits(model, windows, bucket)
    assert filled.isfinite().all()
    assert torch.allclose(filled[: len(windows)], logits(model, windows), atol=ROUNDING)


@pytest.mark.usefixtures("flash_attention")
def test_windows_of_a_mean_model_are_pooled_without_their_neighbours() -> None:
    rows = torch.randn(20, 4)
    attention = VarlenAttention(torch.tensor([0, 7, 7, 20], dtype=torch.int32), 13)
    means = attention.mean(rows)
    assert torch.allclose(means[0], rows[:7].mean(0), atol=1e-6)
    assert torch.allclose(means[2], rows[7:].mean(0), atol=1e-6)
    assert means[1].tolist() == [0.0] * 4


@pytest.mark.parametrize("name", ["ten layers as xsmall-v2", "every third, mean", "BERT", "XLM-RoBERTa"])
@pytest.mark.parametrize("kernel", ["varlen", "padded"])
def test_on_a_cuda_device_every_shape_type_and_device_fits(name: str, kernel: Kernel) -> None:
    """Pretended tensors: no kernel runs, but one on another device, or of another type, raises."""
    architecture = read_architecture(KINDS[name][0])
    bucket = Bucket(1024, 80, 512)
    cuda_backend: Any = torch.backends.cuda  # partly without types
    enabled = cuda_backend.cudnn_sdp_enabled()
    cuda_backend.enable_cudnn_sdp(False)  # torch would look for a driver to decide
    try:
        with FakeTensorMode():
            cuda = torch.device("cuda")
            weights = {
                tensor: torch.empty(shape, dtype=torch.bfloat16, device=cuda)
                for tensor, shape in architecture.expected_shapes().items()
            }
            model = DeviceModel(architecture.torch_forward(weights), Variant(cuda, kernel, torch.bfloat16))
            output = model.logits(torch.empty(inputs_size(bucket), dtype=torch.int32, device=cuda), bucket)
    finally:
        cuda_backend.enable_cudnn_sdp(enabled)
    assert (output.shape, output.dtype, output.device.type) == ((80,), torch.float32, "cuda")


HEADS = torch.zeros(8, 2, 16, dtype=torch.float16)
OFFSETS = torch.tensor([0, 8], dtype=torch.int32)


@pytest.mark.parametrize(
    ("heads", "offsets", "message"),
    [
        (HEADS.float(), OFFSETS, "for float16 and bfloat16, not torch.float32"),
        (HEADS, OFFSETS.long(), "contiguous int32, not torch.int64"),
        (HEADS, torch.zeros(4, dtype=torch.int32)[::2], "contiguous int32"),
        (HEADS, OFFSETS.to("meta"), "offsets are on meta, the rows on cpu"),
        (HEADS[..., :12], OFFSETS, "heads of 12 do not fit"),
        (HEADS.transpose(1, 2).contiguous().transpose(1, 2), OFFSETS, "contiguous in their last dimension"),
    ],
    ids=["float32", "int64", "strided offsets", "another device", "head size", "strided heads"],
)
def test_what_the_kernel_would_misread_is_refused(
    heads: torch.Tensor, offsets: torch.Tensor, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        check_varlen(heads, heads, heads, offsets)


def test_views_of_one_product_need_no_copy() -> None:
    query, key, value = torch.zeros(8, 3, 2, 16, dtype=torch.bfloat16).unbind(1)
    check_varlen(query, key, value, OFFSETS)


def test_flash_attention_has_heads_of_up_to_256_in_steps_of_8() -> None:
    assert [size for size in (4, 8, 12, 64, 256, 264) if fits_varlen(size)] == [8, 64, 256]
