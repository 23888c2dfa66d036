"""Makes the scripts of this version from source/: the whole one, and the one that leads here from the version before."""

from __future__ import annotations

import re
from pathlib import Path

SQL = Path(__file__).parent
VERSION, BEFORE = "0.2.0", "0.1.0"
HEAD = """\
-- jrerank {version}: SELECT * FROM jrerank.rerank(query, documents). README.md beside this file says how everything behaves.
-- {what}
-- Made of source/ by build.py: change that.

-- A trusted extension is installed with a superuser's rights: no name below may be found in a schema where others write
SET LOCAL search_path = pg_catalog, pg_temp;

"""
# What an older version has, too, and what is made anew where it was there already
ONLY_NEW = {"10-roles", "20-types", "86-wrapper"}


def scripts() -> dict[str, str]:
    """By the names of their files."""
    parts = {path.stem: path.read_text(encoding="utf-8") for path in sorted((SQL / "source").glob("*.sql"))}
    upgrade = parts.pop("00-upgrade")
    kept = [text for name, text in parts.items() if name not in ONLY_NEW]
    by_hand = "or psql, as one transaction: psql -1 -v ON_ERROR_STOP=1 -f"
    whole = f"For CREATE EXTENSION, {by_hand} jrerank--{VERSION}.sql"
    step = f"For ALTER EXTENSION jrerank UPDATE, {by_hand} jrerank--{BEFORE}--{VERSION}.sql"
    return {
        f"jrerank--{VERSION}.sql": _script(whole, [*parts.values()]),
        f"jrerank--{BEFORE}--{VERSION}.sql": _script(step, [upgrade, *kept]),
    }


def _script(what: str, parts: list[str]) -> str:
    text = HEAD.format(version=VERSION, what=what) + "".join(parts)
    return re.sub("@VERSION@", VERSION, text)


if __name__ == "__main__":
    for name, text in scripts().items():
        (SQL / name).write_text(text, encoding="utf-8")
