"""PostgreSQL's own tools for its backups. They come with the server; without them a backup is refused, not replaced by less."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from sqlalchemy.engine import make_url

from b25.model.errors import Misuse, Retry

WAIT_S: Final = 3_600.0
TOOLS: Final = ("pg_dump", "pg_restore", "psql")
# Beside what the dump holds nothing may be left: what a newer version had made would not fit the older rows.
_EMPTY: Final = "DROP SCHEMA public CASCADE; CREATE SCHEMA public;"


def dump(url: str, into: Path) -> None:
    """Write a consistent picture of a database, in PostgreSQL's own format, while others go on writing."""
    _run(["pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={into}"], url)


def contents(path: Path) -> int:
    """Number of things that a dump holds. Raises Misuse when it is none."""
    listed = _run(["pg_restore", "--list", str(path)], None)
    return sum(1 for line in listed.splitlines() if line and not line.startswith(";"))


def load(url: str, path: Path, *, empties: bool) -> None:
    """Put a dump into a database: all of it or nothing.

    Parameters
    ----------
    empties : bool
        Whether what is there goes, in the same transaction.
    """
    script = path.with_name(f".{path.name}.{os.getpid()}.sql")
    try:
        script.touch(mode=0o600)
        _run(["pg_restore", "--no-owner", "--no-privileges", f"--file={script}", str(path)], None)
        words = ["psql", "--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1", "--output=/dev/null"]
        words += [f"--command={_EMPTY}"] if empties else []
        if empties:  # the dump begins by making the schema itself only where it was altered
            _drop_schema_line(script)
        _run([*words, f"--file={script}"], url)
    finally:
        script.unlink(missing_ok=True)


def _drop_schema_line(script: Path) -> None:
    text = script.read_text(encoding="utf-8")
    script.write_text(text.replace("CREATE SCHEMA public;\n", ""), encoding="utf-8")


def environment_of(url: str) -> dict[str, str]:
    """Where a database is, as PostgreSQL's tools read it; the password is in no argument, where others could see it."""
    made = make_url(url)
    told = {
        "PGHOST": made.host, "PGPORT": str(made.port or ""), "PGUSER": made.username, "PGPASSWORD": made.password,
        "PGDATABASE": made.database, "PGCONNECT_TIMEOUT": "10",
    }  # fmt: skip
    return {**os.environ, **{name: str(value) for name, value in told.items() if value}}


def _run(words: Sequence[str], url: str | None) -> str:
    found = shutil.which(words[0])
    if found is None:
        raise Misuse(
            f"{words[0]} is not on the PATH, and without it there is no backup of PostgreSQL",
            remedy="install the client tools of the server's version",
        )
    environment = environment_of(url) if url is not None else dict(os.environ)
    try:
        done = subprocess.run(  # noqa: S603 - the words are ours; the address is in the environment
            [found, *words[1:]],
            env=environment,
            capture_output=True,
            text=True,
            timeout=WAIT_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        raise Retry(f"{words[0]} did not end within {WAIT_S:g} s", remedy="look at the server; then try again") from None
    if done.returncode:
        told = (done.stderr.strip().splitlines() or ["no reason is told"])[-1]
        raise Misuse(f"{words[0]} failed: {told}", remedy="correct that, and try again; nothing was changed")
    return done.stdout
