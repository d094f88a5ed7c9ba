"""Tells others of orders and fills after they are committed, and as often as it takes until the bus has them.

The store's outbox says what is not told yet. It is read in a thread; nothing here is on the way of an order.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any, Final

from b25.bus.bodies import Fill, OrderChange
from b25.bus.link import Link, Say
from b25.bus.message import Message
from b25.bus.publisher import Counts, publish_kept
from b25.bus.subjects import SymbolTokens, subject
from b25.store.faults import StoreFailed
from b25.store.outbox import FILL, Outbox

BATCH: Final = 200
LOOK_S: Final = 0.25
BECAME: Final = {
    "FILLED": "filled", "CANCELED": "canceled", "EXPIRED": "canceled", "REJECTED": "rejected", "DENIED": "rejected",
    "NOT_SENT": "rejected", "NOT_ACCEPTED": "rejected",
}  # fmt: skip


class Delivery:
    """Empties an outbox into the bus.

    Parameters
    ----------
    outbox : Outbox
    source : str
        E.g. ``"session/live-1"``.
    say : callable
    """

    def __init__(self, outbox: Outbox, source: str, say: Say) -> None:
        self.outbox, self.source, self.say = outbox, source, say
        self.counts = Counts()
        self.tokens = SymbolTokens()
        self._told = ""

    async def run(self, link: Link) -> None:
        """Deliver until cancelled."""
        while True:
            if not link.is_up or not await self.once(link):
                await asyncio.sleep(LOOK_S)

    async def once(self, link: Link) -> int:
        """Deliver one batch; return how many rows went."""
        try:
            rows = await asyncio.to_thread(self.outbox.pending, BATCH)
            gone = [row["id"] for row in rows if row["about"] is None]  # a synthetic fill that the real one replaced
            whole = [row for row in rows if row["about"] is not None]
            taken = await publish_kept(link, [self.message(row) for row in whole], self.counts) if whole else 0
            gone += [row["id"] for row in whole[:taken]]
            if gone:
                await asyncio.to_thread(self.outbox.delivered, gone)
        except Exception as fault:  # also a store that nobody has opened yet; whatever it is, the rows stay where they are
            what = fault.what if isinstance(fault, StoreFailed) else f"{type(fault).__name__}: {str(fault).splitlines()[0]}"
            if self._told != what:
                self._told = what
                self.say(f"bus: {what}; orders and fills are told when it is back")
            return 0
        self._told = ""
        return len(gone)

    async def drain(self, link: Link, within_s: float) -> None:
        """Deliver what is there, at the end, for so long at most; the rest is told by the next life."""
        with contextlib.suppress(TimeoutError, asyncio.TimeoutError):
            async with asyncio.timeout(within_s):
                while link.is_up and await self.once(link):
                    pass

    def message(self, row: dict[str, Any]) -> tuple[str, Message, str]:
        """Subject, message and message id of a row: the id is the same however often it is told."""
        about = row["about"]
        token = self.tokens.token(about["symbol"])
        if row["kind"] == FILL:
            name = subject("fills.{symbol}").name(symbol=token)
            message_id = f"fill/{about['venue']}/{row['account']}/{about['symbol']}/{about['trade_id']}"
            event_ns = about["venue_ts_ms"] * 1_000_000
            body: Fill | OrderChange = fill_body(about)
            receive_ns, version = time.time_ns(), subject("fills.{symbol}").version
        else:
            pattern = f"orders.{became(about)}.{{symbol}}"
            name, version = subject(pattern).name(symbol=token), subject(pattern).version
            message_id = f"order/{row['account']}/{about['coid']}/{about['seq']}"
            receive_ns = about["ts_ns"]
            event_ns = about["venue_ts_ms"] * 1_000_000 if about["venue_ts_ms"] else receive_ns
            body = order_body(about)
        message = Message(
            version=version, seq=row["id"], event_ns=event_ns, receive_ns=receive_ns, source=self.source,
            correlation_id=about["coid"] or "", account=row["account"], body=body,
        )  # fmt: skip
        return name, message, message_id


def became(about: dict[str, Any]) -> str:
    """Second word of the subject for a state of an order; the first acknowledgement creates it."""
    if about["status"] == "NEW" and about["seq"] == about["first_new_seq"]:
        return "created"
    return BECAME.get(about["status"], "updated")


def order_body(about: dict[str, Any]) -> OrderChange:
    """A change of an order, from its rows."""
    return OrderChange(
        symbol=about["symbol"], venue=about["venue"], strategy=about["strategy"], client_id=about["coid"],
        venue_id=about["venue_oid"], side=about["side"], type=about["type"], quantity=about["qty"], price=about["price"],
        filled=about["cum_qty"], status=about["status"], told_by=about["src"], code=about["code"], text=about["msg"],
    )  # fmt: skip


def fill_body(about: dict[str, Any]) -> Fill:
    """A fill, from its row."""
    return Fill(
        symbol=about["symbol"], venue=about["venue"], trade_id=about["trade_id"], client_id=about["coid"],
        venue_id=about["venue_oid"], strategy=about["strategy"] or "", side=about["side"], quantity=about["qty"],
        price=about["price"], fee=about["fee"], fee_asset=about["fee_asset"],
        is_maker=None if about["maker"] is None else bool(about["maker"]), realised=about["realized"],
        is_synthetic=bool(about["synthetic"]),
    )  # fmt: skip
