"""A trading account on the wire venue, another account to trade with, and the truth to compare with."""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from b25.execution.orders.identity import identity_of, next_epoch
from b25.execution.orders.order_table import OrderPolicy
from b25.model.event import BUY, ORDER_FILLED, SELL
from b25.session.orders.submitting import OrderDesk, Pace
from b25.store.emergency import EmergencyLog
from b25.store.leases import number_of, take_lease
from b25.store.order_log import OrderLog
from b25.store.store import open_store
from b25.venue.port.requests import NewOrder
from tests.venue.contract.worlds import on_the_wire

FAST = Pace(open_orders_s=2.0, positions_s=4.0, resubscribe_s=0.2)


@dataclass
class Heard:
    """What the world and people were told."""

    tells: list[Any] = field(default_factory=list)
    alarms: list[Any] = field(default_factory=list)

    def position_lots(self) -> int:
        return sum(tell.side * tell.qty_lots for tell in self.tells if tell.kind == ORDER_FILLED)


def now_ns() -> int:
    return time.time_ns()


def desk_of(port, instrument, url, folder, heard, *, policy=None, pace=FAST) -> OrderDesk:
    store = open_store(url)
    account, strategy = number_of(store, "account", "main"), number_of(store, "strategy", "s")
    lease = take_lease(store, "main", "session", now_ms=now_ns() // 10**6, next_epoch=lambda stored: next_epoch(stored, 0, 0))
    return OrderDesk(
        port,
        OrderLog(store, lease, now_ns=now_ns),
        EmergencyLog(folder, reserve_bytes=0),
        {instrument.symbol: instrument},
        account=account,
        strategies={"s": strategy},
        now_ns=now_ns,
        tell=heard.tells.append,
        alarm=heard.alarms.append,
        policy=policy or OrderPolicy(),
        pace=pace,
    )


@dataclass
class Trading:
    stand: Any
    desk: OrderDesk
    heard: Heard
    url: str
    folder: Path

    def new(self, side=BUY, lots=None, offset=0, **changes) -> NewOrder:
        base = {
            "symbol": self.stand.symbol, "client_id": "", "side": side, "qty_lots": lots or self.stand.lots,
            "price_ticks": self.stand.ticks + offset * 100,
        }  # fmt: skip
        return NewOrder(**(base | changes))

    def submit(self, new: NewOrder, order_id: int = 0) -> str:
        return self.desk.submit(new, strategy="s", order_id=order_id)

    async def busy(self, seconds: float, seed: int) -> None:
        """Trade at random: rest, take, cancel; another account trades against it."""
        dice = random.Random(seed)
        end, number = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            number += 1
            side = dice.choice((BUY, SELL))
            self.submit(self.new(side, offset=dice.randint(-3, 3) - 3 * side), order_id=number)
            live = list(self.desk.manager.live())
            if live and dice.random() < 0.6:
                self.desk.cancel(dice.choice(live).coid)
            if dice.random() < 0.7:
                await self.stand.other.submit(self.stand.new(dice.choice((BUY, SELL)), price_ticks=self.stand.ticks))
            await asyncio.sleep(0.03)

    def truth(self):
        """The venue's own orders and fills of the account."""
        exchange = self.stand.venue.exchange
        account = exchange.account_named("alice")
        desk = exchange.spot_orders if self.stand.kind == "spot" else exchange.linear_orders
        name = self.stand.listing.venue_symbol
        orders = [order for order in desk.all_orders(account, name, limit=1000) if identity_of(order.client_id)]
        fills = desk.my_trades(account, name, limit=1000, from_id=0)
        return orders, fills, {order.client_id for order in orders}

    def stored(self, statement: str) -> list[Any]:
        from sqlalchemy import text

        return self.desk.log.store.rows(text(statement))

    def check(self) -> dict[str, int]:
        """Compare everything with the venue: no order lost, doubled or orphaned, each fill once, positions equal."""
        orders, fills, ids = self.truth()
        assert len(ids) == len(orders), "an id was executed twice"
        intents = {row.coid for row in self.stored("SELECT coid FROM intent")}
        assert ids <= intents, "an order without an intent"
        assert {row.trade_id for row in self.stored("SELECT trade_id FROM fill")} == {str(one.trade_id) for one in fills}
        instrument = self.stand.listing.instrument
        signed = sum((instrument.quantity(one.qty_lots) * (1 if one.side == "BUY" else -1) for one in fills), Decimal(0))
        assert self.desk.log.positions(self.desk.port.name).get(self.stand.symbol, Decimal(0)) == signed
        assert not [order for order in self.desk.manager.orders.values() if order.in_doubt]
        live = {order.coid for order in self.desk.manager.live()}
        assert live == {order.client_id for order in orders if order.is_open}, "what lives is not what we think lives"
        sums = {}
        for leg in self.stored("SELECT seq, asset, amount FROM journal"):
            sums[(leg.seq, leg.asset)] = sums.get((leg.seq, leg.asset), 0) + int(leg.amount)
        assert not any(sums.values())
        unsafe = [one for one in self.heard.alarms if getattr(one, "kind", "") in ("ILLEGAL_TRANSITION", "FOUND_AFTER_ABSENT")]
        assert not unsafe, unsafe
        assert self.desk.hands.fault is None, self.desk.hands.fault
        return {"orders": len(orders), "fills": len(fills), "intents": len(intents)}


@asynccontextmanager
async def trading(kind, folder, *, url=None, policy=None, pace=FAST):
    async with on_the_wire(kind, folder) as stand:
        stand.listing = (await stand.port.listings()).must()["BTC/USDT" if kind == "spot" else "BTC/USDT:USDT"]
        url = url or f"sqlite:///{folder / 'store.db'}"
        heard = Heard()
        desk = desk_of(stand.port, stand.listing.instrument, url, folder, heard, policy=policy, pace=pace)
        one = Trading(stand, desk, heard, url, folder)
        try:
            await desk.start()
            yield one
        finally:
            for loop in desk._loops:
                loop.cancel()
            await asyncio.gather(*desk._loops, return_exceptions=True)
            await desk.hands.end()
            desk.log.store.close()


async def healed(one: Trading, patience_s: float = 25.0) -> None:
    """Faults are over: wait until everything is known again."""
    one.stand.venue.faults.clear()
    end = time.monotonic() + patience_s
    compared, waiting = False, []
    while time.monotonic() < end:
        await asyncio.sleep(0.5)
        orders = one.desk.manager.orders.values()
        waiting = [order for order in orders if order.in_doubt or order.awaits_trades or order.state in ("SENDING", "CANCELING")]
        compared = not waiting and await one.desk.reconcile()
        if compared and not one.desk.hands._tasks:
            return
    raise AssertionError(f"not healed: {compared} {waiting} {one.desk.manager.parked} {one.desk.hands._tasks}")
