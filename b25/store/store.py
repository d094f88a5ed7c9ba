"""One connection that writes, in short transactions, and says at once when it cannot."""

from __future__ import annotations

import contextlib
import csv
import io
import re
import socket
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import orjson
from sqlalchemy import Engine, Executable, Insert, Table, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool, QueuePool

from b25.model.errors import Misuse
from b25.store.faults import Cause, StoreFailed, failed
from b25.store.schema import migrate

BUSY_MS: Final = 250
WAL_BYTES_KEPT: Final = 64 * 2**20
POSTGRES_TIMEOUT_S: Final = 5
_VALUES: Final = re.compile(r" VALUES \((?:[^()]|\([^()]*\))*\)")


def open_store(url: str, *, durable: bool = False, readers: int = 0) -> Store:
    """Open a database, bring its schema up to date, and check it.

    Parameters
    ----------
    url : str
        ``"sqlite:///path"`` or ``"postgresql+pg8000://user@host/name"``.
    durable : bool
        Whether every transaction waits for the disk, so that it survives a power cut; the epoch always does.
    readers : int
        Connections kept open for reading from several threads; 0 opens one for each read.

    Raises
    ------
    StoreFailed
        When it cannot be reached or is damaged.
    Misuse
        For another database, or a schema that is newer than this code.
    """
    made = make_url(url)
    if made.get_backend_name() not in ("sqlite", "postgresql"):
        raise Misuse(f"no store can be kept in {made.get_backend_name()}", remedy="use sqlite:///… or postgresql+pg8000://…")
    if made.get_backend_name() == "sqlite" and not made.database:
        raise Misuse("a store in memory would not outlive the process", remedy="give a file: sqlite:///path")
    arguments: dict[str, Any] = {"poolclass": NullPool}
    if readers:  # one more for the writer, which never goes back
        arguments = {"poolclass": QueuePool, "pool_size": readers + 1, "max_overflow": 0}
    if made.get_backend_name() == "sqlite":
        assert made.database is not None
        Path(made.database).parent.mkdir(parents=True, exist_ok=True)
        arguments["connect_args"] = {"check_same_thread": False}  # `writing` lets one thread in at a time
    else:
        arguments["connect_args"] = {"timeout": POSTGRES_TIMEOUT_S}
    engine = create_engine(made, **arguments)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare)
    else:
        event.listen(engine, "connect", _send_at_once)
    try:
        migrate(engine)
        return Store(engine, durable=durable)
    except Exception as error:
        cause = failed(getattr(error, "orig", None) or error)
        if cause is None:
            raise
        raise cause from error


def _prepare(connection: sqlite3.Connection, _: object) -> None:
    for pragma in ("journal_mode=WAL", f"busy_timeout={BUSY_MS}", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _send_at_once(connection: Any, _: object) -> None:
    """Switch Nagle's algorithm off: what is longer than pg8000's buffer goes in two pieces, and the second would wait 40 ms."""
    wire: socket.socket = connection._usock
    if wire.family != getattr(socket, "AF_UNIX", None):
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class Store:
    """A database with one writer: threads may share it, and write one after the other.

    Parameters
    ----------
    engine : Engine
        For reading.
    durable : bool
    """

    def __init__(self, engine: Engine, *, durable: bool = False) -> None:
        self.engine, self.durable = engine, durable
        self.is_sqlite = engine.dialect.name == "sqlite"
        self._said: dict[int, tuple[str, Sequence[str] | None, Executable, Mapping[str, Any]]] = {}
        self._pooled: Any = None
        self._connection: Any = None
        self._one_writes = threading.RLock()
        self._connect()

    def _connect(self) -> None:
        self._pooled = self.engine.raw_connection()
        self._connection = self._pooled.driver_connection
        if self.is_sqlite:
            self._connection.isolation_level = None
            for pragma in ("wal_autocheckpoint=0", f"journal_size_limit={WAL_BYTES_KEPT}"):
                self._connection.execute(f"PRAGMA {pragma}")
            self._wait_for_disk(self.durable)
            if (told := self._connection.execute("PRAGMA quick_check").fetchone()[0]) != "ok":
                raise StoreFailed(Cause.CORRUPT, told)
        else:
            self._connection.autocommit = True
            self._run(f"SET lock_timeout = {BUSY_MS}")
            self._wait_for_disk(self.durable)

    def _wait_for_disk(self, on: bool) -> None:
        if self.is_sqlite:
            self._connection.execute(f"PRAGMA synchronous={'FULL' if on else 'NORMAL'}")
        else:
            self._run(f"SET synchronous_commit = {'on' if on else 'off'}")

    def _run(self, statement: str) -> None:
        cursor = self._connection.cursor()
        cursor.execute(statement)
        cursor.close()

    @contextmanager
    def writing(self, *, full: bool = False) -> Iterator[None]:
        """One transaction: all of it, or nothing. `full` waits for the disk.

        Raises
        ------
        StoreFailed
            When it was not made durable. Whatever was in it did not happen.
        """
        self._one_writes.acquire()
        try:
            if full and not self.durable:
                self._wait_for_disk(True)
            self._run("BEGIN IMMEDIATE" if self.is_sqlite else "BEGIN")
            yield
            self._run("COMMIT")
        except BaseException as error:
            with contextlib.suppress(Exception):
                self._run("ROLLBACK")
            cause = failed(error) if isinstance(error, Exception) else None
            if cause is None:
                raise
            raise cause from error
        finally:
            if full and not self.durable:
                with contextlib.suppress(Exception):
                    self._wait_for_disk(False)
            self._one_writes.release()

    def execute(self, statement: Executable, row: Mapping[str, Any]) -> int:
        """Run a statement inside `writing`; tells how many rows it changed. The statement object is compiled once."""
        cursor = self._said_to(statement, row)
        changed = int(cursor.rowcount)
        cursor.close()
        return changed

    def execute_many(self, statement: Insert, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert rows inside `writing`, in one go; each has the keys of the first, and bytes are not among the values.

        PostgreSQL gets them as one JSON document, which costs it less than as many statements or parameters.
        """
        if not rows:
            return
        names = list(rows[0])
        known = self._said.get(id(statement))
        if known is None:
            compiled = statement.compile(dialect=self.engine.dialect, column_keys=names)
            text = str(compiled)
            if self.is_sqlite:
                names = list(compiled.positiontup or names)
            else:
                table = str(statement.table)
                listed = ", ".join(names)
                text, count = _VALUES.subn(f" SELECT {listed} FROM json_populate_recordset(NULL::{table}, %s::json)", text)  # noqa: S608
                assert count == 1, text
                text = re.sub(r"\(([^()]*)\)", f"({listed})", text, count=1)
            known = self._said[id(statement)] = (text, names, statement, {})
        text, said, _, _ = known
        cursor = self._connection.cursor()
        if self.is_sqlite:
            cursor.executemany(text, [[row[name] for name in said or ()] for row in rows])
        else:
            cursor.execute(text, [_document(rows)])
        cursor.close()

    def append_many(self, table: Table, rows: Sequence[Sequence[Any]], names: Sequence[str]) -> None:
        """Insert rows without a null that are certain to be new, inside `writing`: on PostgreSQL by COPY, the fastest way in."""
        cursor = self._connection.cursor()
        listed = ", ".join(names)
        if self.is_sqlite:
            places = ", ".join("?" * len(names))
            cursor.executemany(f"INSERT INTO {table} ({listed}) VALUES ({places})", rows)  # noqa: S608 - no input
        else:
            text = io.StringIO()
            csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)
            stream = io.BytesIO(text.getvalue().encode())
            cursor.execute(f"COPY {table} ({listed}) FROM STDIN WITH (FORMAT csv)", stream=stream)
        cursor.close()

    def rows_within(self, statement: Executable, row: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Read inside `writing`, what it has written included: plain tuples, in the order of the columns."""
        cursor = self._said_to(statement, row or {})
        found = [tuple(one) for one in cursor.fetchall()]
        cursor.close()
        return found

    def _said_to(self, statement: Executable, row: Mapping[str, Any]) -> Any:
        known = self._said.get(id(statement))
        if known is None:
            compiled = statement.compile(dialect=self.engine.dialect, column_keys=list(row))  # type: ignore[attr-defined]
            known = self._said[id(statement)] = (str(compiled), compiled.positiontup, statement, compiled.params)
        text, names, _, preset = known
        cursor = self._connection.cursor()
        cursor.execute(text, [row[name] if name in row else preset[name] for name in names or ()])
        return cursor

    def lock(self, table: str) -> None:
        """Inside `writing`: nobody else writes this table until it ends. SQLite has one writer anyway."""
        if not self.is_sqlite:
            self._run(f"LOCK TABLE {table} IN EXCLUSIVE MODE")

    def rows(self, statement: Executable) -> list[Any]:
        """Read."""
        try:
            with self.engine.connect() as connection:
                return list(connection.execute(statement))
        except Exception as error:
            cause = failed(getattr(error, "orig", None) or error)
            if cause is None:
                raise
            raise cause from error

    def reconnect(self) -> None:
        """Try again after a failure.

        Raises
        ------
        StoreFailed
            When it is still gone.
        """
        try:
            with self._one_writes:
                with contextlib.suppress(Exception):
                    self._pooled.invalidate()
                self._connect()
        except StoreFailed:
            raise
        except Exception as error:
            raise failed(getattr(error, "orig", None) or error) or StoreFailed(Cause.UNAVAILABLE, str(error)) from error

    def checkpoint(self) -> None:
        """Move the write-ahead log into the database: a maintenance task, never the path of an order."""
        if self.is_sqlite:
            with self._one_writes:
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()

    def close(self) -> None:
        """Let go of the database."""
        with contextlib.suppress(Exception):
            self.checkpoint()
        self._pooled.close()
        self.engine.dispose()


def _document(rows: Sequence[Mapping[str, Any]]) -> str:
    try:
        return orjson.dumps(rows).decode()
    except orjson.JSONEncodeError as fault:
        raise OverflowError(str(fault)) from fault
