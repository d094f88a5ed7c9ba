"""Whether the database answers, and how large it is."""

from __future__ import annotations

import os
from typing import Final

from sqlalchemy import func, literal, select

from b25.store.store import Store

_ONE: Final = select(literal(1))
_SIZE: Final = select(func.pg_database_size(func.current_database()))


def ping(store: Store) -> None:
    """Ask the database for the number one, on a connection for reading.

    Raises
    ------
    StoreFailed
        When it does not answer.
    """
    store.rows(_ONE)


def size_bytes(store: Store) -> int:
    """Room that the database takes, its write-ahead log included where that is a file of ours."""
    if not store.is_sqlite:
        return int(store.rows(_SIZE)[0][0])
    path = str(store.engine.url.database)
    return sum(os.path.getsize(path + more) for more in ("", "-wal") if os.path.exists(path + more))
