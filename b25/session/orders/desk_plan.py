"""Where and as whom a session's orders are kept and sent, and how an order desk begins a life there."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

from b25.execution.orders.identity import identity_of, next_epoch
from b25.model.errors import Retry
from b25.session.orders.submitting import Pace
from b25.store.emergency import RESERVE_BYTES
from b25.store.faults import Fenced
from b25.store.leases import LEASE_MS, Lease, take_lease
from b25.store.store import Store
from b25.venue.port.port import VenuePort

Told = TypeVar("Told")
TRY_S: Final = 0.5
FOREIGN: Final = ("ignore", "alarm", "cancel")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskPlan:
    """Where and as whom orders are kept.

    Attributes
    ----------
    store : str
        URL of the database.
    folder : Path
        Of the file for cancels while the database is away.
    session, strategy, account : str
        Names. One process at a time sends for an account; a strategy's positions go on from session to session.
    mode : str
    foreign : {"ignore", "alarm", "cancel"}
        What happens to orders and executions of the account that are not ours.
    epoch_min : int
        The epoch is at least this: that of the supervisor's seat.
    patience_s : float
        How long a start waits for the venue.
    pace : Pace
    reserve_bytes : int
        Kept on the disk in `folder`, for an orderly stop when it is full.
    """

    store: str
    folder: Path
    session: str
    strategy: str
    account: str
    mode: str = "live"
    foreign: str = "alarm"
    epoch_min: int = 0
    patience_s: float = 60.0
    pace: Pace = field(default_factory=Pace)
    reserve_bytes: int = RESERVE_BYTES


async def patiently(ask: Callable[[], Awaitable[Told]], patience_s: float, say: Callable[[str], None]) -> Told:
    """Ask until it is answered, or patience is at its end: then the last Retry is raised."""
    until, told = asyncio.get_running_loop().time() + patience_s, False
    while True:
        try:
            return await ask()
        except Retry as fault:
            if asyncio.get_running_loop().time() > until:
                raise
            if not told:
                say(f"waiting: {fault.what}")
                told = True
        await asyncio.sleep(TRY_S)


async def reached(port: VenuePort) -> None:
    """Return once the venue lists its instruments. Raises Retry when it does not."""
    if (listed := await port.listings()).value is None:
        raise Retry(f"{port.name} does not answer: {listed.text}", remedy="check the venue, then start again")


async def seen_epoch(port: VenuePort, symbols: Iterable[str]) -> int:
    """Highest epoch in the ids of open and of the last orders: a store restored from a backup may have forgotten it.

    Raises
    ------
    Retry
        When the venue does not tell: without it an id might be used twice.
    """
    highest = 0
    for symbol in symbols:
        for outcome in (await port.open_orders(symbol), await port.all_orders(symbol)):
            if outcome.value is None:
                raise Retry(f"{port.name} does not list our orders in {symbol}: {outcome.text}", remedy="start again later")
            identities = (identity_of(report.client_id) for report in outcome.value)
            highest = max([highest, *(one.epoch for one in identities if one is not None)])
    return highest


async def lease_of(store: Store, plan: DeskPlan, *, seen: int, now_ms: Callable[[], int], say: Callable[[str], None]) -> Lease:
    """Take the account's lease; wait for that of another session that died to run out.

    Raises
    ------
    Fenced
        When another session goes on holding it.
    """

    def epoch(stored: int) -> int:
        return max(next_epoch(stored, seen, now_ms()), plan.epoch_min)

    until = asyncio.get_running_loop().time() + 1.5 * LEASE_MS / 1_000
    told = False
    while True:
        try:
            return take_lease(store, plan.account, plan.session, now_ms=now_ms(), next_epoch=epoch)
        except Fenced as fault:
            if asyncio.get_running_loop().time() > until:
                raise
            if not told:
                say(f"waiting for the lease: {fault.what}")
                told = True
        await asyncio.sleep(TRY_S)
