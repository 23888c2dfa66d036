"""`python -m bench.opensearch` (from `make bench-opensearch`)."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from bench.opensearch import faults, forms, gain, leak, overhead


def _leak(options: argparse.Namespace) -> bool:
    """Its figures are for people: what leaks is what grows."""
    leak.main(options.searches)
    return True


_RUNS: dict[str, Callable[[argparse.Namespace], bool]] = {
    "overhead": lambda options: overhead.main(options.rounds),
    "faults": lambda options: faults.main(options.seconds),
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
    options = parser.parse_args()
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    wanted = options.parts or PARTS
    met = [run(options) for part, run in _RUNS.items() if part in wanted]
    return int(not all(met))


if __name__ == "__main__":
    raise SystemExit(main())
