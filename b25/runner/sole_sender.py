"""Only one session of a run folder sends for an account in a symbol: two could trade with each other, and neither would know.

    <run folder>/accounts/<account>-at-<venue>-<symbol>.sender     locked for as long as a session sends; says whose it is

The lease in the store says the same to sessions that share a store; this says it whatever store each of them keeps. The lock
goes with the process that holds it, however that ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import orjson

from b25.model.errors import Misuse

if TYPE_CHECKING:
    from b25.runner.supervised import Supervised


@contextlib.contextmanager
def sole_sender(own: Supervised, venue: str, symbols: Sequence[str] = ("",)) -> Iterator[None]:
    """Be the one session that sends for its account in these symbols while this is open.

    A session without an account sends nothing.

    Raises
    ------
    Misuse
        When another session sends for it there, or it cannot be known whether one does.
    """
    with contextlib.ExitStack() as held:
        for symbol in sorted(set(symbols)) if own.account else ():
            held.enter_context(_sole(own, venue, symbol))
        yield


@contextlib.contextmanager
def _sole(own: Supervised, venue: str, symbol: str) -> Iterator[None]:
    name = re.sub(r"[^A-Za-z0-9._-]", "-", f"{own.account}-at-{venue}" + (f"-{symbol}" if symbol else ""))
    path = own.seat.folder / "accounts" / f"{name}.sender"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as fault:
        raise Misuse(
            f"it cannot be known whether another session sends for {own.account}: {path}: {fault.strerror}",
            remedy="make the run folder writable",
        ) from None
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            who = _facts(handle)
            where = f"{venue}, {symbol}" if symbol else venue
            raise Misuse(
                f"session {who.get('session', 'of another name')} (process {who.get('pid', 'unknown')}) sends for account "
                f"{own.account} at {where} already: two sessions of one account could trade with each other",
                remedy="stop it first (b25 session stop), or give this one another symbol, or an account of its own",
            ) from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, orjson.dumps({"session": own.seat.session, "pid": os.getpid(), "epoch": own.seat.epoch}), 0)
        yield
    finally:
        os.close(handle)


def _facts(handle: int) -> dict[str, Any]:
    with contextlib.suppress(orjson.JSONDecodeError):
        found = orjson.loads(os.pread(handle, 4_096, 0))
        if isinstance(found, dict):
            return found
    return {}
