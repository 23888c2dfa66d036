"""Does `bench speed --compare` find a build that is a tenth slower, and leave an equal one in peace? (`make bench-regressions`)

Each time an older report is made, then one of a slower build and one of an equal build in turn, as a user's CI would: processes of
their own, whole commands, exit codes. `--older FILE` compares all of them with a report of another hour instead.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jrerank.bench.report.compare import compare
from jrerank.bench.report.schema import read_json
from jrerank.cpu import usable_cores

SLOWER = 0.1
FOUND_AT_LEAST, FALSE_AT_MOST = 0.9, 0.1
_REGRESSION = 1
_WORK = (
    "--model",
    "random:xsmall-v2",
    "--engine",
    "onnx",
    "--precision",
    "int8",
    "--graph",
    "own",
    "--no-curves",
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of one comparison: what the command's exit code said, and by how much speed was found to have changed."""

    regression: bool
    changes: tuple[float, ...]


def main(arguments: Sequence[str] | None = None) -> int:
    """1 where a slower build is missed too often, or an equal one blamed too often."""
    parser = argparse.ArgumentParser(prog="bench.regressions", description=__doc__)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--older", type=Path, help="a report that was made before")
    options = parser.parse_args(arguments)
    work = (
        *_WORK,
        "--workers",
        str(usable_cores()),
        "--pairs",
        str(options.pairs),
        "--rounds",
        str(options.rounds),
    )
    with tempfile.TemporaryDirectory(prefix="jrerank-regressions-") as folder:
        found = [_once(number, Path(folder), work, options.older) for number in range(options.times)]
    slower, equal = (sum(one[place].regression for one in found) for place in range(2))
    print(
        f"a build {SLOWER:.0%} slower: found {slower} of {len(found)} times; an equal one: blamed {equal} of {len(found)} times"
    )
    good = slower >= FOUND_AT_LEAST * len(found) and equal <= FALSE_AT_MOST * len(found)
    return 0 if good else 1


def _once(number: int, folder: Path, work: Sequence[str], older: Path | None) -> tuple[Verdict, Verdict]:
    """Slower and equal, in an order that turns."""
    old = older or folder / "old.json"
    if older is None:
        _run(0.0, [*work, "--json", str(old)])
    shares = (SLOWER, 0.0) if number % 2 else (0.0, SLOWER)
    verdicts = {share: _verdict(share, work, old, folder / "new.json") for share in shares}
    for share, verdict in verdicts.items():
        changes = ", ".join(f"{change:+.1%}" for change in verdict.changes)
        print(
            f"{number + 1}: {share:.0%} slower: {'regression' if verdict.regression else 'none'} ({changes})",
            flush=True,
        )
    return verdicts[SLOWER], verdicts[0.0]


def _verdict(share: float, work: Sequence[str], old: Path, new: Path) -> Verdict:
    code = _run(share, [*work, "--json", str(new), "--compare", str(old)])
    changes = compare(read_json(old), read_json(new))
    return Verdict(code == _REGRESSION, tuple(change.change for change in changes))


def _run(share: float, arguments: Sequence[str]) -> int:
    command = [sys.executable, "-m", "bench.slower_build", str(share), "bench", "speed", *arguments]
    ran = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if ran.returncode != 0 and not (ran.returncode == _REGRESSION and "REGRESSION" in ran.stdout):
        raise SystemExit(f"exit code {ran.returncode}: {ran.stdout}")
    return ran.returncode


if __name__ == "__main__":
    raise SystemExit(main())
