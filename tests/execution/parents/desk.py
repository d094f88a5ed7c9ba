"""A world with parent orders, driven event by event, and a venue by hand: each test says what it answers and when."""

from collections.abc import Callable
from typing import Any

import numpy as np

import b25
from b25.model import event as kinds
from b25.model.event import BUY, EVENT, LAST_OF_MESSAGE, MAKER, SELL
from b25.model.order import AMEND, CANCEL, MARKET, REDUCE_ONLY, SUBMIT, Reason
from b25.model.parent import Algo, ParentState, Role
from b25.model.world import LIMITS, NOTE
from b25.session.commands import Command, command_event
from b25.session.gateway import order_event
from b25.session.machine import Machine, timer_event
from tests.engine.runs import ETH

SECOND = 1_000_000_000
START = 1_000 * SECOND
Act = Callable[[Any], Any]


class Puppet(b25.Strategy):
    """Do at each timer what the desk has put into its hands."""

    def makers(self, ctx):
        return (ctx.twap, ctx.bracket)

    def on_timer(self, ctx):
        for act in ACTS:
            act(ctx)


ACTS: list[Act] = []


class Desk:
    """One machine, its clock, and everything that left it.

    Parameters
    ----------
    instrument : Instrument
    limits : Limits, optional
    """

    def __init__(self, instrument: Any = ETH, limits: b25.Limits | None = None) -> None:
        self.instrument, self.now_ns = instrument, START
        self.limits = (limits or b25.Limits()).record(instrument).astype(LIMITS)
        self.machine = self.new_machine()
        self.live: dict[int, Any] = {}  # what the venue holds: effects by order id
        self.sent: list[Any] = []
        self.refused: list[Any] = []
        self.noted: list[tuple[int, int]] = []
        self.filled: list[tuple[int, int, int]] = []
        self.command(Command.START)

    def new_machine(self) -> Machine:
        return Machine(Puppet, {}, [self.instrument], limits=self.limits, balance=1e6, call=None)

    # The sink of the machine.

    def effects(self, seq: int, rows: np.ndarray) -> None:
        for row in rows.copy():
            (self.refused if row["reason"] else self.sent).append(row)
            if not row["reason"]:
                self._at_venue(row)

    def _at_venue(self, row: Any) -> None:
        if row["kind"] == SUBMIT:
            self.live[int(row["order_id"])] = row

    def state(self, seq: int, rows: bytes) -> None:
        """Positions are looked up in the world."""

    def notes(self, rows: bytes) -> None:
        self.noted += [(int(note["code"]), int(note["value"])) for note in np.frombuffer(rows, NOTE)]

    # What happens.

    def take(self, event: np.ndarray) -> None:
        self.machine.take(event, self)

    def do(self, act: Act) -> Any:
        """Let the strategy act now; gives what its act returned."""
        found: list[Any] = []
        ACTS[:] = [lambda ctx: found.append(act(ctx))]
        self.take(timer_event(self.now_ns))
        ACTS.clear()
        return found[0]

    def wait(self, ns: int) -> None:
        """Let time pass; parents' timers ring when they are due."""
        until = self.now_ns + ns
        while (due := self.machine.parents_due_ns) <= until:
            self.now_ns = max(due, self.now_ns)
            self.take(timer_event(self.now_ns, for_parents=True))
        self.now_ns = until

    def book(self, bid: int, ask: int, lots: int = 10**6) -> None:
        """Show one level a side."""
        rows = np.zeros(4, EVENT)
        rows["exch_ns"] = rows["local_ns"] = self.now_ns
        rows["kind"] = [kinds.CLEAR, kinds.SNAPSHOT, kinds.CLEAR, kinds.SNAPSHOT]
        rows["side"] = [BUY, BUY, SELL, SELL]
        rows["price_ticks"] = [0, bid, 2**31 - 1, ask]
        rows["qty_lots"] = [0, lots, 0, lots]
        rows["flags"][-1] = LAST_OF_MESSAGE
        self.take(rows)

    def trade(self, ticks: int, lots: int, side: int = BUY) -> None:
        """A public print."""
        row = np.zeros(1, EVENT)
        row["exch_ns"] = row["local_ns"] = self.now_ns
        row["kind"], row["side"], row["price_ticks"], row["qty_lots"] = kinds.TRADE, side, ticks, lots
        self.take(row)

    def gap(self) -> None:
        """The feed lost something; the book is suspect until the next snapshot."""
        row = np.zeros(1, EVENT)
        row["exch_ns"] = row["local_ns"] = self.now_ns
        row["kind"] = kinds.GAP
        self.take(row)

    def command(self, code: Command) -> None:
        self.take(command_event(code, self.now_ns))

    # What the venue answers.

    def answer(self, kind: int, order_id: int, *, request: Any = None, **more: Any) -> None:
        effect = request if request is not None else self.live[order_id]
        facts = {"request_id": int(effect["request_id"]), "side": int(effect["side"])} | more
        event = order_event(kind, order_id, instrument=0, **facts)
        event["local_ns"] = self.now_ns
        self.take(event)

    def accept(self) -> None:
        """Accept whatever is in flight, cancels too, until nothing is."""
        while waiting := self.in_flight():
            for effect in waiting:
                self.accept_one(effect)

    def accept_one(self, effect: Any) -> None:
        """Accept one request."""
        order_id = int(effect["order_id"])
        if effect["kind"] == SUBMIT:
            self.answer(kinds.ORDER_ACCEPTED, order_id, request=effect)
        elif effect["kind"] == CANCEL:
            self.end(order_id, request=effect)
        else:
            facts = {"price_ticks": int(effect["price_ticks"]), "qty_lots": int(effect["qty_lots"])}
            self.answer(kinds.ORDER_REPLACED, order_id, request=effect, **facts)

    def settle(self, ticks: int) -> None:
        """Answer whatever is in flight as a venue does that fills every order at market at once."""
        while waiting := self.in_flight():
            for effect in waiting:
                if effect["kind"] == SUBMIT and effect["flags"] & MARKET and not effect["stop_ticks"]:
                    self.fill(int(effect["order_id"]), ticks=ticks)
                else:
                    self.accept_one(effect)

    def in_flight(self) -> list[Any]:
        """Requests that were not answered yet."""
        orders = self.machine.world.orders
        pending = {int(row["request_id"]) for row in orders[orders["pending"] != 0]}
        return [effect for effect in self.sent if int(effect["request_id"]) in pending]

    def end(self, order_id: int, *, request: Any = None, kind: int = kinds.ORDER_CANCELLED, reason: Reason | None = None) -> None:
        """An order is over: cancelled, expired or rejected."""
        self.answer(kind, order_id, request=request, reason=reason or Reason.CANCEL_REQUESTED)
        self.live.pop(order_id, None)

    def fill(self, order_id: int, lots: int | None = None, ticks: int | None = None) -> None:
        """Fill an order, at its price or at a given one."""
        order = self.order(order_id)
        lots = int(order["leaves_lots"]) if lots is None else lots
        ticks = ticks or int(order["price_ticks"]) or int(order["stop_ticks"]) or 10_000
        self.filled.append((order_id, lots, ticks))
        more = {"price_ticks": ticks, "qty_lots": lots, "flags": MAKER, "request_id": 0}
        self.answer(kinds.ORDER_FILLED, order_id, request=self.live[order_id], **more)
        if not self.is_live(order_id):
            self.live.pop(order_id, None)

    # What there is.

    def order(self, order_id: int) -> Any:
        orders = self.machine.world.orders
        return orders[(orders["order_id"] == order_id) & (orders["state"] != 0)][0]

    def is_live(self, order_id: int) -> bool:
        orders = self.machine.world.orders
        return bool(np.any((orders["order_id"] == order_id) & (orders["state"] != 0)))

    def parent(self, parent_id: int) -> Any:
        """The row of a parent."""
        table = self.machine.world.parents
        row = table[parent_id % table.size]
        assert row["parent_id"] == parent_id
        return row

    def state_of(self, parent_id: int) -> str:
        return ParentState(int(self.parent(parent_id)["state"])).name

    def child(self, parent_id: int, role: Role = Role.WORK) -> Any:
        """The live child of a role, as the world's order; None when there is none."""
        order_id = int(self.parent(parent_id)["child_ids"][role])
        return self.order(order_id) if order_id else None

    def child_id(self, parent_id: int, role: Role = Role.WORK) -> int:
        return int(self.parent(parent_id)["child_ids"][role])

    def children(self, parent_id: int, kind: int = SUBMIT) -> list[Any]:
        """Approved requests of a parent."""
        return [row for row in self.sent if row["parent"] == parent_id and row["kind"] == kind]

    @property
    def position(self) -> int:
        return int(self.machine.world.positions[0]["position_lots"])


__all__ = ["AMEND", "CANCEL", "MARKET", "REDUCE_ONLY", "SECOND", "SUBMIT", "Algo", "Desk"]
