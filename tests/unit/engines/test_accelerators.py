"""Which engine computes, by what the settings say and what the machine has."""

from __future__ import annotations

import platform
import sys
from pathlib import Path

import pytest

from jrerank.engines import accelerators
from jrerank.engines.accelerators import faster, has_gpu_driver, use_torch
from jrerank.errors import ConfigurationError
from jrerank.settings import Settings


def machine(monkeypatch: pytest.MonkeyPatch, *, driver: bool, torch: bool, cuda: bool) -> None:
    monkeypatch.setattr(accelerators, "has_gpu_driver", lambda: driver)
    monkeypatch.setattr(accelerators, "has_torch", lambda: torch)
    monkeypatch.setattr(accelerators, "_sees_cuda", lambda: cuda)


@pytest.mark.parametrize(
    ("engine", "device", "driver", "torch", "cuda", "chosen"),
    [
        ("auto", "auto", False, True, False, False),
        ("auto", "auto", True, False, False, False),
        ("auto", "auto", True, True, False, False),
        ("auto", "auto", True, True, True, True),
        ("auto", "cpu", True, True, True, False),
        ("auto", "mps", False, True, False, True),
        ("onnx", "auto", True, True, True, False),
        ("torch", "cpu", False, True, False, True),
        ("torch", "auto", False, True, False, True),
    ],
)
def test_torch_computes_where_it_has_a_gpu_or_is_asked_for(
    engine: str,
    device: str,
    driver: bool,
    torch: bool,
    cuda: bool,
    chosen: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    machine(monkeypatch, driver=driver, torch=torch, cuda=cuda)
    assert use_torch(Settings.load(engine=engine, device=device)) is chosen


@pytest.mark.parametrize(("engine", "device"), [("torch", "auto"), ("auto", "cuda"), ("auto", "mps")])
def test_without_torch_the_message_names_the_extra(
    engine: str, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine(monkeypatch, driver=True, torch=False, cuda=False)
    with pytest.raises(ConfigurationError, match=r"needs torch: pip install 'jrerank\[torch\]'"):
        use_torch(Settings.load(engine=engine, device=device))


def test_onnx_has_no_other_device() -> None:
    with pytest.raises(ConfigurationError, match="device cuda:1 needs engine torch"):
        use_torch(Settings.load(engine="onnx", device="cuda:1"))


def test_a_driver_is_known_by_its_file(tmp_path: Path) -> None:
    file = tmp_path / "nvidiactl"
    assert not has_gpu_driver((str(file),))
    file.touch()
    assert has_gpu_driver((str(file),))


def test_what_would_be_faster_is_said_with_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, driver=True, torch=False, cuda=False)
    assert faster(Settings.load()) == "there is a GPU, which would be faster: pip install 'jrerank[torch]'"
    machine(monkeypatch, driver=True, torch=True, cuda=False)
    assert faster(Settings.load()) == "there is a GPU, which would be faster: torch sees no GPU"
    assert faster(Settings.load(device="cpu")) is None
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(platform, "machine", lambda: "arm64")
    machine(monkeypatch, driver=False, torch=True, cuda=False)
    assert "--device mps" in str(faster(Settings.load()))
