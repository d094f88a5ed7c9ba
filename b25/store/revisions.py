"""Which version a database has, and moving it up or down; for a person who looks or upgrades, not for a process that starts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic import command
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from b25.model.errors import Misuse
from b25.store.audit import audit_length, verify_audit
from b25.store.faults import Cause, StoreFailed, failed
from b25.store.schema import LOCK, _alone, _config
from b25.store.store import open_store

POSTGRES_TIMEOUT_S = 5
_INTEGRITY = text("PRAGMA integrity_check")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a database stands.

    Attributes
    ----------
    current : str
        Its version; empty for a database without tables of ours.
    head : str
        The version of this b25.
    pending : tuple of str
        Versions that it lacks, in order.
    """

    current: str
    head: str
    pending: tuple[str, ...]


def open_engine(url: str) -> Engine:
    """Return an engine that changes nothing by being opened.

    Raises
    ------
    Misuse
        For another database.
    StoreFailed
        When a file is not there.
    """
    made = make_url(url)
    if made.get_backend_name() not in ("sqlite", "postgresql"):
        raise Misuse(f"no store can be kept in {made.get_backend_name()}", remedy="use sqlite:///… or postgresql+pg8000://…")
    arguments: dict[str, Any] = {"timeout": POSTGRES_TIMEOUT_S} if made.get_backend_name() == "postgresql" else {}
    if made.get_backend_name() == "sqlite" and not (made.database and Path(made.database).is_file()):
        raise StoreFailed(Cause.UNAVAILABLE, f"there is no file {made.database}")
    return create_engine(made, poolclass=NullPool, connect_args=arguments)


def standing(url: str) -> Standing:
    """Say where a database stands, without changing it."""
    engine = open_engine(url)
    try:
        with engine.connect() as connection:
            current = MigrationContext.configure(connection).get_current_revision() or ""
            known = ScriptDirectory.from_config(_config(connection))
    except Exception as error:
        raise failed(getattr(error, "orig", None) or error) or error from error
    finally:
        engine.dispose()
    order = [script.revision for script in reversed(list(known.walk_revisions()))]
    pending = order[order.index(current) + 1 :] if current in order else order if not current else []
    return Standing(current=current, head=order[-1], pending=tuple(pending))


def known_versions() -> list[str]:
    """Every version that this b25 knows, oldest first."""
    config = _config(None)  # type: ignore[arg-type]
    return [script.revision for script in reversed(list(ScriptDirectory.from_config(config).walk_revisions()))]


def move(url: str, version: str) -> Standing:
    """Bring a database to a version, upwards or downwards, in one transaction.

    Parameters
    ----------
    version : str
        ``"0004"``, or ``"head"``; ``"base"`` drops every table.

    Raises
    ------
    Misuse
        For a version that is not known, or a database of a newer b25.
    """
    versions = known_versions()
    before = standing(url) if not _is_new(url) else Standing(current="", head=versions[-1], pending=tuple(versions))
    wanted = versions[-1] if version == "head" else "" if version == "base" else version
    if wanted and wanted not in versions:
        raise Misuse(f"there is no version {version!r} of the store", remedy=f"use head, base, or one of {', '.join(versions)}")
    if before.current and before.current not in versions:
        raise Misuse(
            f"the store is of version {before.current}, which this b25 does not know", remedy="use the b25 that wrote it"
        )
    if _is_new(url):
        Path(str(make_url(url).database)).parent.mkdir(parents=True, exist_ok=True)
        Path(str(make_url(url).database)).touch(mode=0o600)
    engine = open_engine(url)
    is_up = (versions.index(wanted) if wanted else -1) >= (versions.index(before.current) if before.current else -1)
    try:
        with _alone(engine), engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
            (command.upgrade if is_up else command.downgrade)(_config(connection), wanted or "base")
    except Exception as error:
        raise failed(getattr(error, "orig", None) or error) or error from error
    finally:
        engine.dispose()
    return standing(url)


def _is_new(url: str) -> bool:
    made = make_url(url)
    return made.get_backend_name() == "sqlite" and bool(made.database) and not Path(str(made.database)).exists()


def version_of(url: str) -> str:
    """Version of a database; empty for one without tables of ours, or a file that is not there yet."""
    return "" if _is_new(url) else standing(url).current


def check_whole(url: str) -> tuple[int, str]:
    """Read a database of this version whole.

    Returns
    -------
    int, str
        Entries of the audit; what is wrong, empty when nothing is.
    """
    store = open_store(url)
    try:
        told = store.rows(_INTEGRITY)[0][0] if store.is_sqlite else "ok"
        return audit_length(store), str(told) if told != "ok" else verify_audit(store)
    finally:
        store.close()


def shown_url(url: str) -> str:
    """The URL without its password."""
    return make_url(url).render_as_string(hide_password=True)
