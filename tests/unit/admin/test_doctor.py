"""`doctor`: one line per dependency."""

from __future__ import annotations

import asyncio
import importlib.util
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

import kernel
from jrerank import assembly
from jrerank.admin import doctor
from jrerank.admin.app import app
from jrerank.admin.doctor import findings
from jrerank.admin.findings import Finding
from jrerank.engines import accelerators
from jrerank.errors import StoreError
from jrerank.settings import Settings, StoreSettings
from tiny import second_tiny_model, tiny_settings

WITHOUT_KERNEL = "the checkpoint's own; jrerank-native is not installed: pip install ./native, in a checkout"


class Depot:
    """A store whose check ends as its settings say."""

    returns_text = True

    def __init__(self, name: str, settings: StoreSettings) -> None:
        self._ends = (settings.model_extra or {})["ends"]
        self.closed = False

    async def fetch(self, ids: Sequence[str], timeout_s: float) -> Mapping[str, str]:
        return {}

    async def check(self) -> None:
        if self._ends == "refused":
            raise StoreError("connection refused")
        await asyncio.sleep(60 if self._ends == "late" else 0)

    async def close(self) -> None:
        self.closed = True


def found(settings: Settings, name: str) -> list[Finding]:
    return [finding for finding in findings(settings) if finding.name == name]


def test_it_says_what_is_served() -> None:
    result = CliRunner().invoke(app, ["doctor", "--model", "bundled"])
    lines = result.stdout.splitlines()
    names = [line.split()[1] for line in lines]
    assert names == ["cpu", "model", "tokenizer", "engine", "stores", "bind", "port"]
    assert lines[2] == (
        f"note  tokenizer {WITHOUT_KERNEL}"
        if kernel.is_missing
        else "ok    tokenizer jrerank-native, with the ids of the checkpoint's tokenizer"
    )
    assert "int8 is served" in lines[3]
    assert lines[4].startswith("note")


def test_it_says_why_texts_are_not_tokenized_faster(
    tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    (missing,) = found(tiny_settings(tiny_folder), "tokenizer")
    assert missing == Finding("tokenizer", None, WITHOUT_KERNEL)


@pytest.mark.usefixtures("no_measuring")
def test_it_says_what_torch_computes_by(tiny_folder: Path) -> None:
    (engine,) = found(tiny_settings(tiny_folder, engine="torch", device="cpu"), "engine")
    assert engine.ok
    assert engine.text.startswith("torch: cpu, each attention, fp32: logits within ")
    assert "; runs of up to 512 tokens; on cpu, by torch 2." in engine.text
    assert engine.text.endswith("int8 is faster on a CPU: --engine onnx")


def test_it_says_what_was_refused_and_what_is_missing(
    tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accelerators, "has_gpu_driver", lambda: True)
    monkeypatch.setattr(accelerators, "has_torch", lambda: False)
    (onnx,) = found(tiny_settings(tiny_folder), "engine")
    assert onnx.text.endswith("there is a GPU, which would be faster: pip install 'jrerank[torch]'")
    (torch,) = found(tiny_settings(tiny_folder, engine="torch"), "engine")
    assert torch == Finding(
        "engine", False, "engine torch on device auto needs torch: pip install 'jrerank[torch]'"
    )
    (gpu,) = found(tiny_settings(tiny_folder, engine="onnx", device="cuda"), "engine")
    assert gpu == Finding("engine", False, "engine onnx computes on the CPU; device cuda needs engine torch")


def test_what_is_wrong_is_one_line_and_the_rest_is_still_checked() -> None:
    result = CliRunner().invoke(app, ["doctor", "--model", "random:huge"])
    lines = result.stdout.splitlines()
    assert result.exit_code == 1
    assert [line.split()[0] for line in lines[:3]] == ["ok", "FAIL", "FAIL"]
    assert len(lines) == 7


def test_each_store_is_asked(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_STORE_TIMEOUT_S", 0.05)
    monkeypatch.setattr(assembly, "STORE_KINDS", {"postgres": Depot})
    stores = {end: StoreSettings(kind="postgres", ends=end) for end in ("well", "refused", "late")}
    assert found(tiny_settings(tiny_folder, stores=stores), "store") == [
        Finding("store", True, "well is reachable"),
        Finding("store", False, "refused: connection refused"),
        Finding("store", False, "late: no answer within 0.05 s"),
    ]


def test_a_store_whose_settings_are_wrong_is_a_finding(tiny_folder: Path) -> None:
    (finding,) = found(tiny_settings(tiny_folder, stores={"docs": {"kind": "postgres"}}), "stores")
    assert (finding.ok, "JRERANK_STORES" in finding.text) == (False, True)


def test_a_taken_port_and_an_open_bind_are_findings(tiny_folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        (finding,) = found(tiny_settings(tiny_folder, port=port), "port")
        (pgwire,) = found(tiny_settings(tiny_folder, port=0, pgwire_port=port), "pgwire")
    assert (finding.ok, str(port) in finding.text) == (False, True)
    assert pgwire == Finding("pgwire", False, finding.text)
    (bind,) = found(tiny_settings(tiny_folder, host="0.0.0.0", port=0), "bind")
    assert (bind.ok, "JRERANK_API_KEYS" in bind.text) == (False, True)


def test_int8_that_the_gate_refused_is_a_failure_and_fp32_by_choice_is_not(tiny_folder: Path) -> None:
    (chosen,) = found(tiny_settings(tiny_folder), "engine")
    assert chosen == Finding("engine", True, "onnx in fp32 on the CPU")
    (failed,) = found(tiny_settings(tiny_folder, precision="int8", gate_max_score_shift=1e-9), "engine")
    assert (failed.ok, failed.text.endswith("too much, so fp32 is served by onnx on the CPU")) == (
        False,
        True,
    )


def test_it_says_of_both_models_what_is_served(tiny_folder: Path) -> None:
    settings = tiny_settings(tiny_folder, **second_tiny_model(tiny_folder))
    told = {finding.name: finding for finding in findings(settings)}
    assert str(tiny_folder / "model") in told["model"].text
    assert str(tiny_folder / "second") in told["second model"].text
    assert told["second engine"].ok


def test_a_second_model_that_is_not_there_is_named(tiny_folder: Path) -> None:
    (model,) = found(tiny_settings(tiny_folder, second_model="nowhere"), "second model")
    assert not model.ok
    assert "nowhere" in model.text
