"""`python -m bench.opensearch` (from `make bench-opensearch`)."""

from __future__ import annotations

import argparse

from bench.opensearch import faults, forms, gain, leak, overhead

PARTS = ("overhead", "faults", "leak", "gain", "forms")


def main() -> int:
    """1 where forms of searches differ."""
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
    if "overhead" in wanted:
        overhead.main(options.rounds)
    if "faults" in wanted:
        faults.main(options.seconds)
    if "leak" in wanted:
        leak.main(options.searches)
    different = forms.main() if "forms" in wanted else 0
    if "gain" in wanted:
        gain.main(options.questions)
    return int(different > 0)


if __name__ == "__main__":
    raise SystemExit(main())
