"""Carries out a session's effects through the order desk: durable before it is sent, never sent twice, proven before it is told.

`open` reads, reconciles, and only then lets orders out. What the desk tells reaches the session in the loop's next turn; what was
told while no session listened is found by comparison, and told then.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from b25.execution.orders.actions import Action, Alarm, Halt, Hold, Tell
from b25.execution.orders.identity import id_prefix
from b25.execution.orders.order_table import OrderPolicy
from b25.execution.orders.own_order import OwnOrder
from b25.model.errors import B25Error
from b25.model.event import (
    CANCEL_REJECTED,
    MAKER,
    ORDER_FILLED,
    ORDER_REJECTED,
    ORDER_REPLACED,
    REPLACE_REJECTED,
)
from b25.model.instrument import Instrument
from b25.model.order import CANCEL, MANUAL, MARKET, POST_ONLY, REDUCE_ONLY, SUBMIT, Reason, Tif
from b25.session.gateway import Deliver, Say, order_event
from b25.session.machine import Machine
from b25.session.orders.carrying_out import LIQUIDATIONS
from b25.session.orders.comparing import Comparing
from b25.session.orders.desk_plan import DeskPlan, lease_of, patiently, reached, seen_epoch
from b25.session.orders.money import fee_e8, opening_of
from b25.session.orders.submitting import OrderDesk
from b25.session.resume import Fill
from b25.store.emergency import EmergencyLog
from b25.store.leases import names_of, number_of, release_lease
from b25.store.lives import begin_life, end_life, epochs_of
from b25.store.order_log import OrderLog
from b25.store.store import Store, open_store
from b25.store.strategy_fills import fills_after, last_number
from b25.venue.port.port import VenuePort
from b25.venue.port.requests import NewOrder

MS_NS: Final = 1_000_000
TOLD_AGAIN_S: Final = 5.0  # the same words are not said to a person more often


@dataclass(slots=True)
class Counts:
    """What was sent and what came back."""

    sent: int = 0
    fills: int = 0
    refused: int = 0
    healed: int = 0


class DeskGateway:
    """Sends through an order desk.

    Parameters
    ----------
    port : VenuePort
    plan : DeskPlan
    instruments : sequence of Instrument
    deliver : callable
        Takes events.
    say : callable
        Told what a person should read.
    refusal : callable, optional
        Says why nothing may be sent, as a latched kill switch does; empty when it may.
    now_ns : callable, optional
        Local wall clock.

    Attributes
    ----------
    decided : callable
        Gives what is stored with an intent beside it: see `b25.session.limits_file.decided_by`.
    prepare : callable
        Called with the desk before it reconciles.
    on_fenced : callable
        Called once when another process has taken the account.
    """

    def __init__(
        self,
        port: VenuePort,
        plan: DeskPlan,
        instruments: Sequence[Instrument],
        deliver: Deliver,
        say: Say,
        *,
        refusal: Callable[[], str] = lambda: "",
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self.port, self.plan, self.instruments = port, plan, list(instruments)
        self.deliver, self.say, self.refusal, self.now_ns = deliver, say, refusal, now_ns
        self.decided: Callable[[Any], dict[str, Any]] = lambda effect: {}
        self.prepare: Callable[[OrderDesk], None] = lambda desk: None
        self.on_fenced: Callable[[str], None] = lambda why: None
        self.places = {one.symbol: i for i, one in enumerate(self.instruments)}
        self.counts = Counts()
        self.coids: dict[int, str] = {}  # of this session's orders, by the world's id
        self.mine: dict[str, int] = {}
        self.by_hand: dict[int, str] = {}  # likewise of a person's, and never forgotten
        self.desk: OrderDesk
        self.store: Store
        self.is_open = self.is_told = False
        self.comparing: Comparing | None = None
        self._queue: deque[np.ndarray[Any, Any]] = deque()
        self._said: dict[str, float] = {}
        self._task: asyncio.Task[None] | None = None

    # -- begin and end ----------------------------------------------------------------------------

    async def open(self) -> None:
        """Take the account, read what was stored, and reconcile it with the venue.

        Raises
        ------
        Retry
            When the venue or the store does not answer.
        Fenced
            When another session sends for this account.
        """
        self.store = open_store(self.plan.store)
        await patiently(lambda: reached(self.port), self.plan.patience_s, self.say)
        symbols = [one.symbol for one in self.instruments]
        seen = await patiently(lambda: seen_epoch(self.port, symbols), self.plan.patience_s, self.say)
        lease = await lease_of(self.store, self.plan, seen=seen, now_ms=lambda: self.now_ns() // MS_NS, say=self.say)
        plan = self.plan
        account, _ = number_of(self.store, "account", plan.account), number_of(self.store, "strategy", plan.strategy)
        facts = {"strategy": plan.strategy, "venue": self.port.name, "account": plan.account, "mode": plan.mode}
        begin_life(self.store, plan.session, **facts, epoch=lease.epoch, folder=str(plan.folder), now_ns=self.now_ns())
        self.desk = OrderDesk(
            self.port,
            OrderLog(self.store, lease, now_ns=self.now_ns),
            EmergencyLog(plan.folder, reserve_bytes=plan.reserve_bytes),
            {one.symbol: one for one in self.instruments},
            account=account,
            strategies=names_of(self.store, "strategy"),
            now_ns=self.now_ns,
            tell=self._tell,
            alarm=self._alarm,
            may_send=self.refusal,
            policy=OrderPolicy(foreign=plan.foreign),
            pace=plan.pace,
        )
        self.is_open = True
        self.prepare(self.desk)
        for coid in await self.desk.start(patience_s=plan.patience_s):
            self.say(f"{coid} is not resolved yet: its symbol is on hold")

    async def start(self) -> None:
        """Open, if that was not done before, and begin to tell."""
        if not self.is_open:
            await self.open()
        self.is_told = True

    @property
    def client_id_prefix(self) -> str:
        """What the ids of this strategy's orders begin with, of every life."""
        return id_prefix(self.desk.account, self.desk.strategies[self.plan.strategy], self.port.abilities.client_id_pattern)

    @property
    def epoch(self) -> int:
        """Of this life."""
        return self.desk.log.lease.epoch

    def opening(self) -> tuple[np.ndarray[Any, Any], int]:
        """What the strategy holds by the store, and the place in its ledger up to which that is."""
        number = last_number(self.store, self.port.name, self.plan.account)
        fills = fills_after(self.store, self.port.name, self.plan.account, self.plan.strategy, until=number)
        return opening_of(fills, self.instruments), number

    def listen(
        self,
        machine: Machine,
        *,
        since: int,
        heard: Counter[Fill] | None = None,
        submitted: Collection[int] | None = None,
        first_epoch: int = 0,
    ) -> None:
        """Hear for a session: tell it first whatever it has not heard, then all that comes.

        Parameters
        ----------
        machine : Machine
        since : int
            Place in the ledger up to which its opening position is.
        heard : Counter of Fill
            Executions that it has heard of since.
        submitted : collection of int, optional
            Orders that its journal has, when it goes on.
        first_epoch : int
            Of the session's first life.
        """
        epochs = epochs_of(self.store, self.plan.account, self.plan.session, since=first_epoch)
        self.comparing = Comparing(self, machine, since=since, heard=heard or Counter(), epochs=frozenset(epochs))
        self.is_told = True
        self.comparing.begin(submitted)
        self._task = asyncio.get_running_loop().create_task(self.comparing.go_on())
        self._task.add_done_callback(self.desk.hands.ended)

    async def pull_all(self) -> list[str]:
        """Cancel every order of ours, and wait until that is proven; symbols where it is not."""
        if not self.is_open:
            return []
        if self.desk.is_fenced:
            return []  # whoever holds the account now answers for its orders
        unsure = await self.desk.stop()
        self._hand_over()
        return unsure

    async def close(self) -> None:
        """Let go of everything: the account too, unless something may still rest there."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self.is_open:
            await self.desk.end()
            self._hand_over()
            lease = self.desk.log.lease
            if not self.desk.is_fenced:
                with contextlib.suppress(B25Error):  # it runs out by itself
                    end_life(self.store, self.plan.session, lease.epoch, now_ns=self.now_ns())
                    release_lease(self.store, lease)
        await self.port.close()
        if hasattr(self, "store"):
            self.store.close()
        self.is_open = False

    # -- what a session asks ----------------------------------------------------------------------

    def rows(self, book: int, rows: np.ndarray[Any, Any]) -> None:
        """The venue makes its own market."""

    def act(self, effects: np.ndarray[Any, Any]) -> None:
        """Store and send, each request in a task of its own."""
        for effect in effects.copy():
            kind = int(effect["kind"])
            if kind == SUBMIT:
                self._submit(effect)
            elif kind == CANCEL:
                self._cancel(effect)
            else:
                self._amend(effect)

    def _submit(self, effect: Any) -> None:
        order_id, flags = int(effect["order_id"]), int(effect["flags"])
        new = NewOrder(
            symbol=self.instruments[int(effect["instrument"])].symbol,
            client_id="",
            side=int(effect["side"]),
            qty_lots=int(effect["qty_lots"]),
            price_ticks=0 if flags & MARKET else int(effect["price_ticks"]),
            stop_ticks=int(effect["stop_ticks"]),
            # A market order has no time in force of its own; the exchange executes what it can and expires the rest.
            tif=Tif.GTC if flags & (MARKET | POST_ONLY) else Tif(int(effect["tif"])),
            post_only=bool(flags & POST_ONLY),
            reduce_only=bool(flags & REDUCE_ONLY),
        )
        facts: dict[str, Any] = {"order_id": order_id, "request_id": int(effect["request_id"])}
        decided = self.decided(effect)
        if flags & MANUAL:
            # Whose it was is kept with the intent; its executions are the strategy's all the same.
            decided = {**decided, "flags": flags & ~MARKET}
        coid = self.desk.submit(new, strategy=self.plan.strategy, decided=decided, **facts)
        if coid:
            self.counts.sent += 1
            self.coids[order_id], self.mine[coid] = coid, order_id
            if flags & MANUAL:
                self.by_hand[order_id] = coid
        else:
            self._refused(ORDER_REJECTED, effect, self.desk.refused)

    def _cancel(self, effect: Any) -> None:
        coid = self.coids.get(int(effect["order_id"]), "")
        if coid and not self.desk.is_fenced:
            self.desk.cancel(coid, request_id=int(effect["request_id"]))
        else:
            self._refused(CANCEL_REJECTED, effect, Reason.STOPPED if coid else Reason.UNKNOWN_ORDER)

    def _amend(self, effect: Any) -> None:
        coid = self.coids.get(int(effect["order_id"]), "")
        facts: dict[str, Any] = {"price_ticks": int(effect["price_ticks"]), "qty_lots": int(effect["qty_lots"])}
        facts |= {"strategy": self.plan.strategy, "request_id": int(effect["request_id"]), "decided": self.decided(effect)}
        if not coid or not self.desk.amend(coid, **facts):
            self._refused(REPLACE_REJECTED, effect, self.desk.refused if coid else Reason.UNKNOWN_ORDER)

    def _refused(self, kind: int, effect: Any, reason: Reason) -> None:
        self.counts.refused += 1
        facts = {name: int(effect[name]) for name in ("instrument", "request_id", "side")}
        self.give(order_event(kind, int(effect["order_id"]), reason=reason, **facts))

    def sent_as(self, order_id: int) -> str | None:
        """Id of an order at the venue; empty for one that was held back, or one of the strategy's that is long over."""
        return self.coids.get(order_id) or self.by_hand.get(order_id, "")

    def held_back(self) -> str:
        """Why the latest order that was approved did not leave."""
        return self.desk.refused.name.lower()

    # -- what the desk tells ----------------------------------------------------------------------

    def _tell(self, tell: Tell) -> None:
        if not self.is_told:
            return  # found by comparison when somebody listens
        order_id = self.mine.get(tell.coid, 0) if tell.order_id else 0
        if tell.trade is not None:
            if self.is_ours(tell):
                self.counts.fills += 1
                self.give(self._fill(tell, order_id))
        elif order_id:
            more = {"price_ticks": tell.price_ticks, "qty_lots": tell.qty_lots} if tell.kind == ORDER_REPLACED else {}
            self.give(
                order_event(
                    tell.kind, order_id, instrument=self.places[tell.symbol], request_id=tell.request_id, side=tell.side,
                    reason=Reason(tell.reason), exch_ns=tell.venue_ms * MS_NS, **more,
                )
            )  # fmt: skip

    def is_ours(self, tell: Tell) -> bool:
        """Whether an execution changes what this strategy holds: its own orders', of any life, and what the venue forces."""
        if tell.coid:
            return self.desk.hands.strategies.get(tell.coid, "") == self.plan.strategy
        return tell.trade is not None and tell.trade.client_id.startswith(LIQUIDATIONS)

    def _fill(self, tell: Tell, order_id: int) -> np.ndarray[Any, Any]:
        assert tell.trade is not None
        i = self.places[tell.symbol]
        trade, one = tell.trade, self.instruments[i]
        fee = fee_e8(trade.fee, trade.fee_asset or one.settle, trade.price, one)
        if fee is None:
            self.tell_person(f"{one.symbol}: fees in {trade.fee_asset} stand in the ledger, and not in the session's own account")
        return order_event(
            ORDER_FILLED, order_id, instrument=i, side=tell.side, price_ticks=tell.price_ticks, qty_lots=tell.qty_lots,
            amount=fee or 0, flags=MAKER if trade.maker else 0, exch_ns=trade.time_ms * MS_NS,
        )  # fmt: skip

    def give(self, event: np.ndarray[Any, Any]) -> None:
        """Have an event delivered in the loop's next turn: never within `act`."""
        self._queue.append(event)
        if len(self._queue) == 1:
            asyncio.get_running_loop().call_soon(self._hand_over)

    def _hand_over(self) -> None:
        while self._queue:
            event = self._queue.popleft()
            if self.comparing is not None:
                self.comparing.heard_of(event)
            self.deliver(event)

    def waiting_lots(self) -> list[int]:
        """What the executions that wait to be told add up to, by instrument."""
        lots = [0] * len(self.instruments)
        for event in self._queue:
            if int(event[0]["kind"]) == ORDER_FILLED:
                lots[int(event[0]["instrument"])] += int(event[0]["side"]) * int(event[0]["qty_lots"])
        return lots

    @property
    def is_quiet(self) -> bool:
        """Whether everything that was to be stored is, and everything that was to be told was."""
        return not self._queue and self.desk.hands.is_flushed

    def _alarm(self, action: Action) -> None:
        if isinstance(action, Hold):
            if action.on and "in doubt" not in action.cause:
                self.tell_person(f"{action.symbol or 'the account'} is on hold: {action.cause}")
        elif isinstance(action, Halt):
            self.tell_person(f"orders are halted and cancelled: {action.cause}")
        elif isinstance(action, Alarm):
            self.tell_person(f"{action.kind.lower().replace('_', ' ')}: {action.text}")
            if action.kind == "FENCED":
                self.on_fenced("another process has taken the account")

    def tell_person(self, text: str) -> None:
        """Say something, but not the same again and again."""
        now_s = time.monotonic()
        if now_s - self._said.get(text, -TOLD_AGAIN_S) >= TOLD_AGAIN_S:
            if len(self._said) > 1_000:
                self._said.clear()
            self._said[text] = now_s
            self.say(text)

    def order_of(self, coid: str) -> OwnOrder | None:
        """An order as the desk knows it, or as the store has it once the desk has forgotten it."""
        return self.desk.manager.orders.get(coid) or self.desk.recall.stored(coid)
