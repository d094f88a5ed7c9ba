"""Orders by hand in a running session: the same gate, the same desk, the same journal as for those of its strategy.

    {"command": "order", "symbol", "side", "quantity", "price"?, "type"?, "stop_price"?, "post_only"?, "reduce_only"?, "tif"?}
    {"command": "cancel", "order_id" | "client_id" | "symbol" | "all", "manual"?}
    {"command": "amend", "order_id" | "client_id", "price"?, "quantity"?}
    {"command": "close", "symbol", "quantity"?}
    {"command": "check", …}   of an order: what the gate would say, and how large it might be
    {"command": "orders"} {"command": "positions"}

Nothing is rounded: what is off the grid is refused before it enters. `verdict` is "ok", or why the gate or the desk held it back.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from b25.model.errors import Misuse, Retry
from b25.model.event import BUY, EVENT, SELL
from b25.model.order import MARKET, POST_ONLY, REDUCE_ONLY, Reason, Tif
from b25.risk.status import controls_of
from b25.session.dry_run import dry_run, lots_max, metrics_of
from b25.session.manual import Done, amend_command, cancel_command, number_of_request, order_command
from b25.session.standing import money_of, orders_of, positions_of, text

if TYPE_CHECKING:
    from b25.model.instrument import Instrument
    from b25.runner.session_watch import SessionWatch

SIDES: Final = {"buy": BUY, "sell": SELL}
TIFS: Final = {one.name.lower(): one for one in Tif}
FLAGS: Final = {"post_only": POST_ONLY, "reduce_only": REDUCE_ONLY}
BY_HAND: Final = ("order", "cancel", "amend", "close")
DIGITS_MIN, DIGITS_MAX = -30, 15  # of a number's first digit: beyond these it is no price and no quantity
Request = dict[str, Any]


class ManualOrders:
    """Carries out what is asked for by hand.

    Parameters
    ----------
    watch : SessionWatch
    """

    def __init__(self, watch: SessionWatch) -> None:
        self.watch, self.loop = watch, watch.loop
        self.acts: dict[str, Callable[[Request], dict[str, Any]]] = {
            "order": self._order,
            "cancel": self._cancel,
            "amend": self._amend,
            "close": self._close,
            "check": self._check,
            "orders": lambda request: {"orders": self.working(), **self._when()},
            "positions": lambda request: {
                "positions": positions_of(self.loop.session.machine, self.loop.clock_ns()),
                "money": money_of(self.loop.session.machine),
                **self._when(),
            },
        }

    @property
    def instruments(self) -> list[Instrument]:
        """Of the session."""
        return self.loop.session.machine.instruments

    def _when(self) -> dict[str, Any]:
        machine = self.loop.session.machine
        return {"seq": machine.seq, "time_ns": self.loop.clock_ns(), "mode": self.watch.mode}

    def _now_ns(self) -> int:
        return max(self.loop.clock_ns(), self.loop.session.machine.now_ns)

    def working(self) -> list[dict[str, Any]]:
        """Working orders, with the ids that the venue knows them by."""
        found = orders_of(self.loop.session.machine, self.loop.clock_ns())
        return [{**one, "client_id": self.loop.gateway.sent_as(one["order_id"]) or None} for one in found]

    # What changes something.

    def _order(self, request: Request) -> dict[str, Any]:
        return self._placed(request, self._once(request, lambda number: self._event_of(request, number)))

    def _close(self, request: Request) -> dict[str, Any]:
        def build(number: int) -> np.ndarray[Any, Any]:
            i = self._place_of(request)
            one, held = self.instruments[i], int(self.loop.session.machine.world.positions[i]["position_lots"])
            if not held:
                raise Misuse(f"nothing of {one.symbol} is held", remedy="see b25 session status")
            lots = abs(held) if request.get("quantity") is None else lots_of(one, request["quantity"])
            if lots > abs(held):
                raise Misuse(
                    f"{request['quantity']} {one.symbol} is more than the {one.quantity(abs(held))} held",
                    remedy="give less, or leave the quantity out to close all",
                )
            return order_command(
                self._now_ns(), instrument=i, side=SELL if held > 0 else BUY, qty_lots=lots, flags=MARKET | REDUCE_ONLY,
                tif=Tif.IOC, request=number,
            )  # fmt: skip

        return self._placed(request, self._once(request, build))

    def _cancel(self, request: Request) -> dict[str, Any]:
        def build(number: int) -> np.ndarray[Any, Any]:
            targets = self._targets(request)
            events = [
                cancel_command(self._now_ns(), one["order_id"], instrument=self._symbols().index(one["symbol"]), request=number)
                for one in targets
            ]
            return np.concatenate(events) if events else np.zeros(0, EVENT)

        done = self._once(request, build)
        told = [{"order_id": int(one.event["order_id"][0]), **self._verdict(one)} for one in done]
        for row in told:
            row["client_id"] = self.loop.gateway.sent_as(row["order_id"]) or None
        refused = [row["verdict"] for row in told if row["verdict"] != "ok"]
        return {"orders": told, "verdict": refused[0] if refused else "ok", **self._when()}

    def _amend(self, request: Request) -> dict[str, Any]:
        def build(number: int) -> np.ndarray[Any, Any]:
            (target,) = self._targets(request, several=False)
            if request.get("price") is None and request.get("quantity") is None:
                raise Misuse("an amend without a price or a quantity", remedy="give the new price, the new quantity, or both")
            i = self._symbols().index(target["symbol"])
            one = self.instruments[i]
            price, quantity = (target[name] if request.get(name) is None else request[name] for name in ("price", "quantity"))
            if price is None:
                raise Misuse("an order at market has no price to change", remedy="cancel it, or let it be")
            return amend_command(
                self._now_ns(), target["order_id"], instrument=i, price_ticks=ticks_of(one, price),
                qty_lots=lots_of(one, quantity), request=number,
            )  # fmt: skip

        (one,) = self._once(request, build)
        order_id = int(one.event["order_id"][0])
        facts = {"order_id": order_id, "client_id": self.loop.gateway.sent_as(order_id) or None}
        return {**facts, **self._verdict(one), "order": self._live(order_id), **self._when()}

    def _once(self, request: Request, build: Callable[[int], np.ndarray[Any, Any]]) -> list[Done]:
        """Do what is asked for, unless a request of this id is in the journal: then give what that led to."""
        number = number_of_request(str(request.get("id") or ""))
        if number and (known := self.loop.session.requests.get(number)):
            return known
        if not self.loop.has_begun:
            raise Retry("the session has not begun", remedy="wait until it runs: b25 session list")
        if self.loop.until.is_set():
            raise Misuse("the session is ending", remedy="start it again when it has ended")
        self.watch.look()  # the gate is to know what stops it now
        events = build(number)
        if not len(events):
            return []
        done = self.loop.ask(events)
        if not done:
            raise self._halted()
        by, why = str(request.get("by") or "somebody"), str(request.get("reason") or "")
        self.loop.say(f"{request['command']} by hand, by {by}{': ' + why if why else ''}")
        return done

    def _halted(self) -> Misuse:
        fault = self.loop.session.fault
        return Misuse(f"the session has halted: {fault.what if fault else 'at this very request'}", remedy="see its log")

    def settle(self, request: Request) -> dict[str, Any] | None:
        """Answer a request that an earlier life was asked and did not answer; None when it is certain that it was not done.

        Raises
        ------
        Retry
            When nobody can know.
        """
        if request.get("command") not in BY_HAND or not self.loop.resumes:
            raise Retry("the session ended while it did this", remedy="see b25 session status, and ask anew")
        if not self.loop.has_begun:
            raise Retry("the session has not begun", remedy="wait until it runs: b25 session list")
        if number_of_request(str(request.get("id") or "")) not in self.loop.session.requests:
            return None  # every event is in the journal before anything is done for it, and this one is not
        return {**self.acts[str(request["command"])](request), "of_an_earlier_life": True}

    # What it is told as.

    def _placed(self, request: Request, done: list[Done]) -> dict[str, Any]:
        """How one order stands that was asked for."""
        one = done[0]
        found = one.judged()
        if found is None:
            raise self._halted()
        effect, event = found[0], one.event[0]
        order_id, instrument = int(effect["order_id"]), self.instruments[int(effect["instrument"])]
        facts = self._verdict(one)
        sent_as = self.loop.gateway.sent_as(order_id) if facts["verdict"] == "ok" else None
        live = self._live(order_id)
        if facts["verdict"] == "ok" and sent_as == "":
            why = self.loop.gateway.held_back() if one.verdicts else ""  # approved, and the desk did not let it out
            why = why if why not in ("", "ok") else "not_sent"  # or it was never stored, because the life before ended
            facts = {"verdict": why, "reasons": [why]}
        is_market = bool(int(effect["flags"]) & MARKET)
        return {
            "order_id": order_id,
            "client_id": sent_as or None,
            "symbol": instrument.symbol,
            "side": "buy" if effect["side"] > 0 else "sell",
            "type": ("stop_" if effect["stop_ticks"] else "") + ("market" if is_market else "limit"),
            "quantity": text(instrument.quantity(int(effect["qty_lots"]))),
            "price": None if is_market else text(instrument.price(int(effect["price_ticks"]))),
            **facts,
            "decided_ns": int(event["local_ns"]),
            "event_seq": one.seq,
            "is_sent": bool(sent_as),
            "order": live,
            **self._when(),
        }

    def _verdict(self, one: Done) -> dict[str, Any]:
        found = one.judged()
        if found is None:
            return {"verdict": "not_done", "reasons": ["not_done"]}
        reason = Reason(int(found[0]["reason"]))
        if reason is Reason.OK:
            return {"verdict": "ok", "reasons": []}
        broken = [control.name.lower() for control in controls_of(found[1])]
        return {"verdict": reason.name.lower(), "reasons": broken or [reason.name.lower()]}

    def _live(self, order_id: int) -> dict[str, Any] | None:
        found = [one for one in self.working() if one["order_id"] == order_id]
        return found[0] if found else None

    # What changes nothing.

    def _check(self, request: Request) -> dict[str, Any]:
        machine = self.loop.session.machine
        is_sized = request.get("quantity") is not None
        event = self._event_of(request if is_sized else {**request, "quantity": str(self._instrument(request).lot)}, 0)
        i, judged = int(event["instrument"][0]), dry_run(machine, event)
        most = machine.instruments[i].quantity(lots_max(machine, event))
        told: dict[str, Any] = {"max_quantity": text(most), "metrics_before": metrics_of(machine, i), **self._when()}
        if is_sized:
            added = int(event["side"][0]) * int(event["qty_lots"][0])
            told |= {"verdict": judged.reason.name.lower(), "reasons": judged.reasons}
            told["metrics_after"] = {**metrics_of(machine, i, added), "limits_used": judged.used}
        if why := self.watch.standing()[1]:
            told["stopped_by"] = why
        return told

    # What is asked for.

    def _symbols(self) -> list[str]:
        return [one.symbol for one in self.instruments]

    def _place_of(self, request: Request) -> int:
        symbols = self._symbols()
        symbol = str(request.get("symbol") or (symbols[0] if len(symbols) == 1 else ""))
        if symbol not in symbols:
            raise Misuse(f"the session does not trade {symbol or 'without a symbol'}", remedy=f"name one of {', '.join(symbols)}")
        return symbols.index(symbol)

    def _instrument(self, request: Request) -> Instrument:
        return self.instruments[self._place_of(request)]

    def _event_of(self, request: Request, number: int) -> np.ndarray[Any, Any]:
        """The event of the order that a request describes. Raises Misuse for one that cannot be one."""
        i = self._place_of(request)
        one = self.instruments[i]
        price, stop = request.get("price"), request.get("stop_price")
        kind = str(request.get("type") or ("market" if price is None else "limit")).lower()
        if request.get("side") not in SIDES:
            raise Misuse(f"side {request.get('side')!r}", remedy="give buy or sell")
        if kind not in ("limit", "market") or (kind == "limit") != (price is not None):
            raise Misuse(
                f"a {kind} order {'with' if price is not None else 'without'} a price", remedy="limit with, market without"
            )
        tif = str(request.get("tif") or ("ioc" if kind == "market" else "gtc")).lower()
        if tif not in TIFS:
            raise Misuse(f"tif {request.get('tif')!r}", remedy=f"give one of {', '.join(TIFS)}")
        flags = MARKET if kind == "market" else 0
        for name, bit in FLAGS.items():
            if not isinstance(wanted := request.get(name, False), bool):
                raise Misuse(f"{name} {wanted!r}", remedy="give true or false")
            flags |= bit * wanted
        if flags & MARKET and flags & POST_ONLY:
            raise Misuse("a market order that is post-only", remedy="give a price, or leave post_only out")
        return order_command(
            self._now_ns(), instrument=i, side=SIDES[request["side"]], qty_lots=lots_of(one, request.get("quantity")),
            price_ticks=0 if price is None else ticks_of(one, price), stop_ticks=0 if stop is None else ticks_of(one, stop),
            flags=flags, tif=Tif.IOC if kind == "market" else TIFS[tif], request=number,
        )  # fmt: skip

    def _targets(self, request: Request, *, several: bool = True) -> list[dict[str, Any]]:
        """Working orders that a request names."""
        orders = self.working()
        for name in ("order_id", "client_id"):
            if request.get(name) is not None:
                found = [one for one in orders if str(one[name]) == str(request[name])]
                if not found:
                    raise Misuse(f"no working order has the {name} {request[name]}", remedy="see b25 session orders")
                return found
        if not several:
            raise Misuse("an amend without an order", remedy="give its order_id or client_id")
        if request.get("symbol"):
            symbol = self._symbols()[self._place_of(request)]
            orders = [one for one in orders if one["symbol"] == symbol]
        elif request.get("all") is not True:
            raise Misuse("a cancel without an order", remedy="give order_id, client_id, symbol, or all")
        return [one for one in orders if one["is_manual"] or not request.get("manual")]


def lots_of(one: Instrument, quantity: Any) -> int:
    """Whole lots of a quantity as text. Raises Misuse for what is no quantity, or off the grid."""
    lots = one.lots(number_of(quantity, "quantity"))
    if not 0 < lots <= one.qty_lots_max:
        raise Misuse(f"a quantity of {quantity} {one.symbol}", remedy=f"give from {one.lot} to {one.quantity(one.qty_lots_max)}")
    return lots


def ticks_of(one: Instrument, price: Any) -> int:
    """Whole ticks of a price as text; likewise."""
    ticks = one.ticks(number_of(price, "price"))
    if not 0 < ticks <= one.price_ticks_max:
        raise Misuse(f"a price of {price} {one.symbol}", remedy=f"give from {one.tick} to {one.price(one.price_ticks_max)}")
    return ticks


def number_of(value: Any, what: str) -> Decimal:
    """A decimal as text or number. Raises Misuse for anything else."""
    try:
        if value is None or isinstance(value, bool) or len(str(value)) > 60:
            raise InvalidOperation
        found = Decimal(str(value))
        if not found.is_finite() or not DIGITS_MIN < found.adjusted() < DIGITS_MAX:
            raise InvalidOperation
    except InvalidOperation:
        raise Misuse(f"{what} {value!r} is no number", remedy="give a decimal, e.g. 0.01") from None
    return found
