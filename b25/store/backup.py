"""Backups that were read again before they are called so, and restoring them.

    <folder>/b25-20260102T020000Z/
        manifest.json          what is in it, with a hash of every file; what was left out, and why
        database.sqlite        SQLite's own online copy, or
        database.dump          what pg_dump wrote
        files/<name>/…         settings, journals, latches, …

A backup is written beside its name and moved there when all of it was verified; there is never half of one.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import orjson
from sqlalchemy import inspect
from sqlalchemy.engine import make_url

from b25.model.errors import Halt, Misuse
from b25.store import postgres_tools
from b25.store.audit import GENESIS, audit_length, entry_hash, verify_audit
from b25.store.revisions import open_engine, standing
from b25.store.store import open_store

FORMAT: Final = 1
MANIFEST, FILES = "manifest.json", "files"
SQLITE, DUMP = "database.sqlite", "database.dump"
PREFIX: Final = "b25-"
DAYS_KEPT: Final = 7
MAGIC: Final = b"SQLite format 3\0"
_BLOCK: Final = 1 << 20
_BESIDE: Final = ("-wal", "-shm", "-journal")


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """A backup that was verified.

    Attributes
    ----------
    path : Path
    taken_ns : int
    version : str
        Of the database.
    audit_entries : int
    bytes : int
    left_out : mapping of str to str
        What is not in it, and why.
    """

    path: Path
    taken_ns: int
    version: str
    audit_entries: int
    bytes: int
    left_out: Mapping[str, str]


def take_backup(url: str, folder: Path, trees: Mapping[str, Path], *, left_out: Mapping[str, str], now_ns: int) -> Backup:
    """Copy the database and some folders while everything runs on; verify the copy; drop what is older than seven days.

    Parameters
    ----------
    url : str
    folder : Path
        Where backups go.
    trees : mapping of str to Path
        Folders and files by the name that they have in the backup; one that is missing is told as left out.
    left_out : mapping of str to str

    Raises
    ------
    Misuse
        When the database is not of this version, or PostgreSQL's tools are missing.
    Halt
        When the copy is not what it must be: then there is no new backup.
    """
    at = standing(url)
    name = PREFIX + datetime.fromtimestamp(now_ns // 10**9, UTC).strftime("%Y%m%dT%H%M%SZ")
    final, made = folder / name, folder / f".{name}.{os.getpid()}"
    if final.exists():
        raise Misuse(f"{final} is there already", remedy="wait a second")
    folder.mkdir(parents=True, exist_ok=True)
    made.mkdir(mode=0o700)
    try:
        entries = _copy_database(url, made)
        missing = {name: f"{path} is not there" for name, path in trees.items() if not path.exists()}
        inside = (folder.resolve(), *_database_files(url))
        for name, path in trees.items():
            if path.exists():
                _copy_tree(path, made / FILES / name, inside)
        facts = {
            "format": FORMAT, "taken_ns": now_ns, "version": at.current, "audit_entries": entries,
            "left_out": {**left_out, **missing}, "files": {str(path.relative_to(made)): _facts_of(path) for path in _files(made)},
        }  # fmt: skip
        (made / MANIFEST).write_bytes(orjson.dumps(facts, option=orjson.OPT_INDENT_2))
        verify_backup(made)
        _flush(made)
        made.rename(final)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise
    prune(folder)
    return verify_backup(final)


def _copy_database(url: str, into: Path) -> int:
    made = make_url(url)
    if made.get_backend_name() == "sqlite":
        copy_sqlite(Path(str(made.database)), into / SQLITE)
        return _check_sqlite(into / SQLITE)
    store = open_store(url)
    try:
        if fault := verify_audit(store):
            raise Halt(f"the audit's chain is broken: {fault}", remedy="see b25 audit verify; keep the backups that there are")
        postgres_tools.dump(url, into / DUMP)
        return audit_length(store)
    finally:
        store.close()


def copy_sqlite(source: Path, into: Path) -> None:
    """Copy a database with SQLite's online backup, while others write."""
    into.parent.mkdir(parents=True, exist_ok=True)
    into.touch(mode=0o600)
    with closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True, timeout=30)) as old, closing(sqlite3.connect(into)) as new:
        old.backup(new)
        new.execute("PRAGMA journal_mode=DELETE")


def _check_sqlite(path: Path) -> int:
    """Check a database whole, and the chain of its audit; returns how many entries that has."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as held:
        told = held.execute("PRAGMA integrity_check").fetchone()[0]
        if told != "ok":
            raise Halt(f"{path.name} is damaged: {told}", remedy="use another backup")
        if not held.execute("SELECT 1 FROM sqlite_master WHERE name = 'audit'").fetchone():
            return 0
        prev, count = GENESIS, 0
        for seq, ts_ns, actor, action, body, before, own in held.execute(
            "SELECT seq, ts_ns, actor, action, body, prev, hash FROM audit ORDER BY seq"
        ):
            count += 1
            if seq != count or bytes(before) != prev or bytes(own) != entry_hash(prev, seq, ts_ns, actor, action, body):
                raise Halt(f"the audit's chain is broken at entry {count}", remedy="see b25 audit verify; keep older backups")
            prev = bytes(own)
        return count


def _copy_tree(source: Path, into: Path, without: Sequence[Path]) -> None:
    """Copy files as they are now: one that grows is copied up to its present end, a database by its own means."""
    if source.is_file():
        _copy_file(source, into)
        return
    for path in sorted(source.rglob("*")):
        real = path.resolve()
        if any(real == one or one in real.parents for one in without) or path.is_symlink() or not path.is_file():
            continue
        if not path.name.endswith(_BESIDE) and not path.name.startswith("."):
            _copy_file(path, into / path.relative_to(source))


def _copy_file(source: Path, into: Path) -> None:
    into.parent.mkdir(parents=True, exist_ok=True)
    try:
        with source.open("rb") as old:
            if old.read(len(MAGIC)) == MAGIC:
                copy_sqlite(source, into)
                return
            old.seek(0)
            left = os.fstat(old.fileno()).st_size
            into.touch(mode=0o600)
            with into.open("wb") as new:
                while left > 0 and (block := old.read(min(left, _BLOCK))):
                    new.write(block)
                    left -= len(block)
    except FileNotFoundError:
        return  # it went while we looked, as what is replaced whole does


def verify_backup(path: Path) -> Backup:
    """Read a backup again: every hash, the database whole, the chain of the audit.

    Raises
    ------
    Misuse
        When there is none.
    Halt
        When something of it is missing or changed.
    """
    try:
        facts: dict[str, Any] = orjson.loads((path / MANIFEST).read_bytes())
    except (OSError, orjson.JSONDecodeError):
        raise Misuse(f"{path} is no backup", remedy="see b25 db backups") from None
    if facts.get("format") != FORMAT:
        raise Misuse(f"{path} is of another format", remedy="use the b25 that wrote it")
    named, found = dict(facts["files"]), {str(one.relative_to(path)) for one in _files(path)}
    if strange := sorted(found ^ set(named)):
        raise Halt(
            f"{path.name}: {strange[0]} {'is missing' if strange[0] in named else 'was added'}", remedy="use another backup"
        )
    for name, told in named.items():
        if _facts_of(path / name) != told:
            raise Halt(f"{path.name}: {name} was changed", remedy="use another backup")
    entries = int(facts["audit_entries"])
    if (path / SQLITE).exists() and _check_sqlite(path / SQLITE) != entries:
        raise Halt(f"{path.name}: the audit has not {entries} entries", remedy="use another backup")
    if (path / DUMP).exists() and not postgres_tools.contents(path / DUMP):
        raise Halt(f"{path.name}: the dump is empty", remedy="use another backup")
    total = sum(int(one["bytes"]) for one in named.values())
    return Backup(
        path=path, taken_ns=int(facts["taken_ns"]), version=str(facts["version"]), audit_entries=entries, bytes=total,
        left_out=dict(facts["left_out"]),
    )  # fmt: skip


def backups(folder: Path) -> list[Path]:
    """Backups of a folder, oldest first; whether they are whole is not looked at."""
    return sorted(path for path in folder.glob(f"{PREFIX}*") if (path / MANIFEST).is_file())


def prune(folder: Path, *, days: int = DAYS_KEPT) -> list[Path]:
    """Keep the last backup of each of the last days that have one; return those that went."""
    by_day: dict[str, list[Path]] = {}
    for path in backups(folder):
        by_day.setdefault(path.name[len(PREFIX) : len(PREFIX) + 8], []).append(path)
    kept = {by_day[day][-1] for day in sorted(by_day)[-days:]}
    last_day = max(by_day, default="")
    gone = [path for day, paths in by_day.items() for path in paths if path not in kept and day != last_day]
    for path in gone:
        shutil.rmtree(path)
    return gone


def restore_backup(path: Path, url: str, trees: Mapping[str, Path], *, force: bool, now_ns: int) -> tuple[Backup, list[Path]]:
    """Put a backup back: verified first, the database all or nothing, into an empty place unless forced.

    Parameters
    ----------
    trees : mapping of str to Path
        Where folders go, by their names in the backup.
    force : bool
        What is there is moved aside, not lost; returns where to.

    Raises
    ------
    Misuse
        When something is there, or the backup is of the other kind of database.
    """
    found = verify_backup(path)
    made = make_url(url)
    is_sqlite = made.get_backend_name() == "sqlite"
    if not (path / (SQLITE if is_sqlite else DUMP)).exists():
        raise Misuse(f"{path.name} holds no {made.get_backend_name()} database", remedy="restore it to the kind it was taken of")
    places = {name: trees[name] for name in sorted(os.listdir(path / FILES)) if name in trees} if (path / FILES).is_dir() else {}
    taken = [str(place) for place in places.values() if place.exists() and (place.is_file() or any(place.iterdir()))]
    if not is_empty(url):
        taken.insert(0, made.render_as_string(hide_password=True))
    if taken and not force:
        raise Misuse(f"{taken[0]} is not empty", remedy="restore to an empty place, or give --force: what is there is kept aside")
    stamp = datetime.fromtimestamp(now_ns // 10**9, UTC).strftime("%Y%m%dT%H%M%SZ")
    aside = _restore_sqlite(path / SQLITE, Path(str(made.database)), stamp) if is_sqlite else _restore_postgres(path, url, stamp)
    for name, place in places.items():
        aside += _restore_tree(path / FILES / name, place, stamp)
    store = open_store(url)
    try:
        if fault := verify_audit(store):
            raise Halt(f"what was restored is not whole: {fault}", remedy=f"go back to {', '.join(map(str, aside))}")
    finally:
        store.close()
    return found, aside


def _restore_sqlite(source: Path, place: Path, stamp: str) -> list[Path]:
    place.parent.mkdir(parents=True, exist_ok=True)
    beside = place.with_name(f".{place.name}.restoring")
    shutil.copyfile(source, beside)
    beside.chmod(0o600)
    _check_sqlite(beside)
    aside = []
    if place.exists():
        _check_alone(place)
        kept = place.with_name(f"{place.name}.before-{stamp}")
        copy_sqlite(place, kept)
        aside.append(kept)
    for more in _BESIDE:
        Path(f"{place}{more}").unlink(missing_ok=True)
    beside.replace(place)
    return aside


def _check_alone(place: Path) -> None:
    """Raise Misuse while somebody has the database open."""
    try:
        with closing(sqlite3.connect(place, timeout=0.5, isolation_level=None)) as held:
            held.execute("PRAGMA locking_mode=EXCLUSIVE")
            held.execute("BEGIN EXCLUSIVE")
            held.execute("COMMIT")
    except sqlite3.OperationalError:
        raise Misuse(f"{place} is in use", remedy="stop what has it open: b25 session list") from None


def _restore_postgres(path: Path, url: str, stamp: str) -> list[Path]:
    aside = []
    if not is_empty(url):
        kept = path.parent / f"before-restore-{stamp}.dump"
        kept.touch(mode=0o600)
        postgres_tools.dump(url, kept)
        aside.append(kept)
    postgres_tools.load(url, path / DUMP, empties=bool(aside))
    return aside


def _restore_tree(source: Path, place: Path, stamp: str) -> list[Path]:
    aside = []
    beside = place.with_name(f".{place.name}.restoring")
    shutil.rmtree(beside, ignore_errors=True)
    place.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, beside)
    else:
        shutil.copyfile(source, beside)
    if place.exists():
        kept = place.with_name(f"{place.name}.before-{stamp}")
        place.rename(kept)
        aside.append(kept)
    beside.rename(place)
    return aside


def is_empty(url: str) -> bool:
    """Whether a database holds no table."""
    made = make_url(url)
    if made.get_backend_name() == "sqlite" and not Path(str(made.database)).exists():
        return True
    engine = open_engine(url)
    try:
        return not inspect(engine).get_table_names()
    finally:
        engine.dispose()


def _database_files(url: str) -> list[Path]:
    made = make_url(url)
    if made.get_backend_name() != "sqlite":
        return []
    return [Path(f"{made.database}{more}").resolve() for more in ("", ".schema", *_BESIDE)]


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file() and path != folder / MANIFEST)


def _facts_of(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return {"sha256": hashlib.file_digest(file, "sha256").hexdigest(), "bytes": path.stat().st_size}


def _flush(folder: Path) -> None:
    for path in [*_files(folder), folder / MANIFEST, folder]:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
