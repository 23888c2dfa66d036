"""`python -m bench.opensearch` (from `make bench-opensearch`)."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from bench.opensearch import faults, forms, gain, leak, overhead
from integration.opensearch.faults import FAULTS
from jrerank.admin.opensearch_node.releases import OPENSEARCH_3, RELEASES


def _leak(options: argparse.Namespace) -> bool:
    """Its figures are for people: what leaks is what grows."""
    leak.main(options.searches)
    return True


def _faults_extent(options: argparse.Namespace) -> faults.Extent:
    counts_lines = not options.no_lines
    release = RELEASES[options.release]
    return faults.Extent(options.seconds, options.faults, options.indexes, counts_lines, release)


_RUNS: dict[str, Callable[[argparse.Namespace], bool]] = {
    "overhead": lambda options: overhead.main(options.rounds),
    "faults": lambda options: faults.main(_faults_extent(options)),
    "leak": _leak,
    "gain": lambda options: gain.main(options.questions),
    "forms": lambda _: forms.main() == 0,
}
PARTS = tuple(_RUNS)


def main() -> int:
    """1 where a target is missed: see each part."""
    parser = argparse.ArgumentParser(prog="bench.opensearch")
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; all by default")
    parser.add_argument("--rounds", type=int, default=300, help="of overhead")
    parser.add_argument("--searches", type=int, default=100_000, help="of leak")
    parser.add_argument("--questions", type=int, default=400, help="of gain")
    parser.add_argument("--seconds", type=float, default=5, help="of each of the faults")
    parser.add_argument("--faults", nargs="*", choices=tuple(FAULTS), default=tuple(FAULTS), metavar="FAULT")
    parser.add_argument(
        "--indexes", nargs="+", choices=("docs", "long"), default=("docs", "long"), help="of faults"
    )
    parser.add_argument(
        "--no-lines", action="store_true", help="don't count the lines of the faults' circuits"
    )
    parser.add_argument("--release", choices=tuple(RELEASES), default=OPENSEARCH_3.version, help="of faults")
    options = parser.parse_args()
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    wanted = options.parts or PARTS
    met = [run(options) for part, run in _RUNS.items() if part in wanted]
    return int(not all(met))


if __name__ == "__main__":
    raise SystemExit(main())
