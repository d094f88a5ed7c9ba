"""A store that is only read: a report changes nothing, not even the schema."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from b25.model.errors import Misuse
from b25.store.store import POSTGRES_TIMEOUT_S, Store


class ReadOnlyStore(Store):
    """A database of which nothing is changed.

    Parameters
    ----------
    engine : Engine
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.is_sqlite = engine.dialect.name == "sqlite"

    @contextmanager
    def writing(self, *, full: bool = False) -> Iterator[None]:
        """Refuse. Raises Misuse."""
        raise Misuse("a report tried to write into the store", remedy="keep what a report makes in its own files")
        yield

    def close(self) -> None:
        """Let go of the database."""
        self.engine.dispose()


def open_read_only(url: str) -> ReadOnlyStore:
    """Open a database for reading.

    Parameters
    ----------
    url : str
        ``"sqlite:///path"`` or ``"postgresql+pg8000://user@host/name"``.

    Raises
    ------
    Misuse
        When it is not there, or holds nothing of b25.
    """
    made = make_url(url)
    if made.get_backend_name() == "sqlite":
        path = Path(made.database or "")
        if not path.is_file():
            raise Misuse(f"there is no database {path}", remedy="set B25_DATABASE_URL, or give database=sqlite:///PATH")
        # The file is opened for reading by the operating system itself.
        engine = create_engine("sqlite://", creator=lambda: _read(path), poolclass=NullPool)
    elif made.get_backend_name() == "postgresql":
        engine = create_engine(made, poolclass=NullPool, connect_args={"timeout": POSTGRES_TIMEOUT_S})
        event.listen(engine, "connect", _forbid)
    else:
        raise Misuse(f"no store can be kept in {made.get_backend_name()}", remedy="use sqlite:///… or postgresql+pg8000://…")
    store = ReadOnlyStore(engine)
    try:
        store.rows(text("SELECT version_num FROM alembic_version"))
    except Exception as fault:
        store.close()
        raise Misuse(
            f"{made.render_as_string(hide_password=True)} cannot be read: {str(fault).splitlines()[0]:.200}",
            remedy="check that it is there and is a store of b25: b25 db status",
        ) from fault
    return store


def _read(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=5.0, check_same_thread=False)


def _forbid(connection: Any, _: object) -> None:
    cursor = connection.cursor()
    cursor.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
    cursor.close()
    connection.commit()
