"""What a server's process leaves out."""

from __future__ import annotations

import gc
import subprocess
import sys

import pytest

from jrerank.admin import app, entry
from jrerank.admin.lean_start import without_garbage_collection, without_unused_libraries

# Prints what is loaded once the command is there and once the server is
PROBE = """
import sys
def loaded(*names):
    print(*[name for name in names if sys.modules.get(name) is not None])
from jrerank.admin.app import app
loaded("rich", "fastapi", "numpy", "onnxruntime", "structlog", "torch", "onnx", "huggingface_hub")
from jrerank.admin.lean_start import without_unused_libraries
with without_unused_libraries():
    import jrerank.server
    loaded("rich", "pydantic.v1", "onnx", "onnxruntime.quantization", "huggingface_hub", "torch", "fastapi")
import rich.text, pydantic.v1
loaded("rich.text", "pydantic.v1")
"""


def test_a_server_loads_what_it_serves_with() -> None:
    run = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == ["", "fastapi", "rich.text pydantic.v1"]


@pytest.mark.parametrize(
    ("command", "loaded"), [("serve", ""), ("rerank", "jrerank.admin.app jrerank.bench")]
)
def test_serve_does_not_wait_for_the_other_commands(command: str, loaded: str) -> None:
    probe = f"""
import sys
sys.argv = ["jrerank-admin", "{command}", "--help"]
from jrerank.admin.entry import main
try:
    main()
except SystemExit:
    print(*[name for name in ("jrerank.admin.app", "jrerank.bench") if name in sys.modules])
"""
    run = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == loaded


def test_serve_alone_is_the_command_that_it_is_among_the_others(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["jrerank-admin", "serve", "--help"])
    shown = []
    for main in (entry.main, app.main):
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 0
        shown.append(capsys.readouterr().out)
    assert "--pgwire-port" in shown[0]
    assert shown[0] == shown[1]


def test_what_has_been_loaded_before_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    import rich

    with without_unused_libraries():
        assert sys.modules["rich"] is rich
    assert sys.modules["rich"] is rich


def test_garbage_is_collected_again_afterwards() -> None:
    with without_garbage_collection():
        assert not gc.isenabled()
    assert gc.isenabled()
    gc.unfreeze()
