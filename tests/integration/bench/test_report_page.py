"""The report in a real browser: it is drawn without an error, and what it shows is what the JSON has."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

from jrerank.bench.report.html import write_html
from unit.bench.reports import quality_report

REPORT = quality_report(0.5, 0.25, 0.8125)


def chromium(page: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """`tests/install-system-packages` installs it."""
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", *options]
    profile = f"--user-data-dir={page.parent / 'profile'}"
    return subprocess.run(
        [*command, profile, page.as_uri()], capture_output=True, text=True, check=True, timeout=120
    )


def test_the_page_is_drawn_without_an_error_and_has_every_figure(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    write_html(REPORT, page)
    ran = chromium(page, "--dump-dom")
    assert "CONSOLE" not in ran.stderr
    assert ran.stdout.count("<svg") == len(REPORT.curves) + 1
    text = re.sub(r"<script.*?</script>|<[^>]*>", " ", ran.stdout, flags=re.DOTALL)
    for number in re.findall(r"\d+\.\d+", json.dumps([one.model_dump() for one in REPORT.differences])):
        assert number in text


def test_light_dark_and_print_look_different(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    write_html(REPORT, page)
    pictures = []
    for scheme in ("0", "1"):  # dark, light
        picture = tmp_path / f"{scheme}.png"
        chromium(
            page,
            f"--blink-settings=preferredColorScheme={scheme}",
            "--window-size=900,1600",
            f"--screenshot={picture}",
        )
        pictures.append(picture.read_bytes())
    assert pictures[0] != pictures[1]
    printed = tmp_path / "report.pdf"
    chromium(page, f"--print-to-pdf={printed}")
    assert printed.read_bytes().startswith(b"%PDF")
