"""What a database that cannot write means: three causes, one answer. Nothing leaves without its intent."""

from __future__ import annotations

import sqlite3
from enum import StrEnum

from b25.model.errors import B25Error


class Cause(StrEnum):
    """Why nothing could be written."""

    LOCKED = "locked"
    FULL = "full"
    UNAVAILABLE = "unavailable"
    CORRUPT = "corrupt"


class StoreFailed(B25Error):
    """A transaction was not made durable: refuse what would increase risk; cancels go on through the emergency log.

    Parameters
    ----------
    cause : Cause
    what : str
    """

    def __init__(self, cause: Cause, what: str) -> None:
        self.cause = cause
        super().__init__(f"the store is {cause}: {what}", remedy="free space or bring the database back; then reconcile")


class Fenced(B25Error):
    """Another process holds the lease of this account, with a newer epoch."""

    def __init__(self, account: str, what: str) -> None:
        super().__init__(f"account {account}: {what}", remedy="stop the other session, or let its lease run out")


def failed(error: Exception) -> StoreFailed | None:
    """Tell which failure a driver's error is; None when it is a fault of the statement, which must not be hidden."""
    said = str(error).lower()
    if isinstance(error, sqlite3.IntegrityError):
        return None
    if isinstance(error, sqlite3.Error):
        name = getattr(error, "sqlite_errorname", "") or ""
        if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            return StoreFailed(Cause.LOCKED, said)
        if name.startswith("SQLITE_FULL") or "disk is full" in said:
            return StoreFailed(Cause.FULL, said)
        if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
            return StoreFailed(Cause.CORRUPT, said)
        if name.startswith(("SQLITE_IOERR", "SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_PERM")) or "closed" in said:
            return StoreFailed(Cause.UNAVAILABLE, said)
        return None
    if isinstance(error, OSError):
        return StoreFailed(Cause.FULL if error.errno == 28 else Cause.UNAVAILABLE, said)
    code = error.args[0].get("C", "") if error.args and isinstance(error.args[0], dict) else ""
    if code.startswith("53"):
        return StoreFailed(Cause.FULL, said)
    if code.startswith(("08", "57")) or (not code and type(error).__name__ == "InterfaceError"):
        return StoreFailed(Cause.UNAVAILABLE, said)
    return StoreFailed(Cause.LOCKED, said) if code in ("55P03", "40P01", "40001") else None
