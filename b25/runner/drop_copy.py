"""The process of the drop copy: its own connection to an account's venue, and a comparison every half minute, until stopped."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from b25.model.errors import Misuse
from b25.runner.kill_account import open_port, read_accounts
from b25.session.account.drop_copy import DropCopy
from b25.store.account_log import AccountLog
from b25.store.faults import StoreFailed
from b25.store.store import open_store

EVERY_S: Final = 30.0


async def watch(
    plan: Path, name: str, store_url: str, *, say: Callable[[str], None], every_s: float = EVERY_S, looks: int = 0
) -> int:
    """Compare an account until a signal ends it.

    Parameters
    ----------
    plan : Path
        The plan of `b25 up`, whose [accounts] say how to reach the venue; give it a key that can only read.
    name : str
        Account, there and in the store.
    store_url : str
        The session's store.
    say : callable
        Told what changes.
    every_s : float
    looks : int
        End after so many comparisons; 0 for never.

    Returns
    -------
    int
        Symbols that differed in the last comparison.

    Raises
    ------
    Misuse
        For an account that the plan does not have, or one without symbols.
    """
    account = read_accounts(plan).get(name)
    if account is None or not account.symbols:
        raise Misuse(f"{plan} has no account {name!r} with symbols", remedy=f"write [accounts.{name}] with its symbols")
    port, _ = open_port(account)
    store = open_store(store_url)
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    try:
        log = AccountLog(store, port.name, name, now_ns=time.time_ns)
        fills = log.fills()
        began_ms = min((row.venue_ts_ms for row in fills), default=time.time_ns() // 10**6)
        copy = DropCopy(log, port, account.symbols, since_ms=began_ms)
        last: dict[str, str] | None = {}
        count = 0
        while not ended.is_set():
            try:
                found = await _compare(copy)
            except StoreFailed as fault:
                say(f"{name}: {fault.what}; trying again")
                with contextlib.suppress(StoreFailed):
                    store.reconnect()
                found = None
            if found is None:
                say(f"{name}: nothing could be compared")
            elif found != last:
                say("; ".join(found.values()) or f"{name}: both readers agree")
                last = found
            count += 1
            if count == looks:
                break
            await _wait(ended, every_s)
        return len(last or {})
    finally:
        store.close()
        await port.close()


async def _compare(copy: DropCopy) -> dict[str, str] | None:
    listed = await copy.port.listings()
    return None if listed.value is None else await copy.compare()


async def _wait(ended: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(ended.wait(), seconds)
    except TimeoutError:
        return
