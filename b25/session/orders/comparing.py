"""Holds a session's world to the order desk and the store: at the start, and after every comparison with the venue."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Final

from b25.execution.orders.actions import Alarm, Hold
from b25.model.event import ORDER_FILLED
from b25.model.order import MANUAL, State
from b25.session.machine import Machine
from b25.session.orders.healing import Healing, heal
from b25.session.resume import Fill, fill_of
from b25.session.session import working_orders
from b25.store.faults import StoreFailed
from b25.store.strategy_fills import fills_after, intents_of, last_number

if TYPE_CHECKING:
    from b25.session.desk_gateway import DeskGateway

LOOK_S: Final = 0.5
DIFFERS: Final = "the session's position differs from the store's"


class Comparing:
    """Compares one session with one gateway's desk.

    Parameters
    ----------
    gateway : DeskGateway
    machine : Machine
    since : int
        Place in the ledger up to which the world's opening position is.
    heard : Counter of Fill
        Executions that the world has heard of since.
    epochs : frozenset of int
        Of the session's lives.
    """

    def __init__(
        self, gateway: DeskGateway, machine: Machine, *, since: int, heard: Counter[Fill], epochs: frozenset[int]
    ) -> None:
        self.gateway, self.machine, self.since, self.heard, self.epochs = gateway, machine, since, heard, epochs
        self._odd: set[int] = set()
        self._compared = 0

    def heard_of(self, event: Any) -> None:
        """Take note of what is being told."""
        if int(event[0]["kind"]) == ORDER_FILLED:
            self.heard[fill_of(event[0])] += 1

    def begin(self, submitted: Collection[int] | None = None) -> None:
        """Tell the world everything that it has not heard, and end what nobody waits for.

        Parameters
        ----------
        submitted : collection of int, optional
            Orders that the journal has, of the lives before.
        """
        gateway = self.gateway
        plan, store = gateway.plan, gateway.store
        rows = working_orders(self.machine)
        waiting = {int(row["order_id"]) for row in rows}
        intents = {
            int(row.order_id): row
            for row in intents_of(store, plan.account, self.epochs)
            if row.kind == "NEW" and row.order_id and row.strategy == plan.strategy
        }
        for order_id, row in intents.items():
            if submitted is not None and order_id not in submitted:
                gateway.tell_person(f"{row.coid} has an intent that the journal knows nothing of: it is cancelled if it lives")
                continue
            gateway.coids[order_id], gateway.mine[row.coid] = row.coid, order_id
            if row.flags & MANUAL:
                gateway.by_hand[order_id] = row.coid
        asked = {order_id: intents[order_id].coid for order_id in waiting if order_id in intents}
        log = gateway.desk.log
        found = heal(
            rows,
            self.heard,
            fills_after(store, gateway.port.name, plan.account, plan.strategy, number=self.since),
            intents,
            {coid: order for coid in asked.values() if (order := gateway.order_of(coid)) is not None},
            {coid: [(one, log.events_of(one.coid)) for one in log.changes_of(coid)] for coid in asked.values()},
            gateway.instruments,
            self.epochs,
        )
        self._do(found)
        self._end_orphans(waiting)
        self._hold(self._differences_once_told())

    def _do(self, found: Healing) -> None:
        gateway = self.gateway
        for note in found.notes:
            gateway.tell_person(note)
        if found.events:
            gateway.tell_person(f"{len(found.events)} events that the session had not heard of are told now")
        gateway.counts.healed += len(found.events)
        for event in found.events:
            gateway.give(event)
        for coid, request_id in found.cancels:
            gateway.desk.cancel(coid, request_id=request_id)

    def _end_orphans(self, waiting: Collection[int]) -> None:
        """Cancel orders of ours that no session waits for."""
        gateway = self.gateway
        for order in list(gateway.desk.manager.live()):
            if gateway.mine.get(order.coid, 0) in waiting or order.cancel_wanted:
                continue
            gateway.tell_person(f"{order.coid} lives, and this session does not wait for it: it is cancelled")
            gateway.desk.cancel(order.coid)

    async def go_on(self) -> None:
        """Compare anew after each comparison of the desk with the venue, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            desk = self.gateway.desk
            if desk.compared != self._compared and self.gateway.is_quiet and not desk.is_fenced:
                with contextlib.suppress(StoreFailed):  # the desk says so, and lets nothing out: the next comparison will do
                    self.check()
                    self._compared = desk.compared

    def check(self) -> None:
        """Compare orders and positions. What is odd twice in a row is named, and healed from the store."""
        manager, mine = self.gateway.desk.manager, self.gateway.coids
        rows = working_orders(self.machine)
        odd = set()
        for row in rows:
            order = manager.orders.get(mine.get(int(row["order_id"]), ""))
            is_open = int(row["state"]) != State.CREATED
            if order is None or order.told_end or (order.told_open and not is_open):
                odd.add(int(row["order_id"]))
        waiting = {int(row["order_id"]) for row in rows}
        odd |= {-one for one in (self.gateway.mine.get(order.coid, 0) for order in manager.live()) if one and one not in waiting}
        differ = self.differences()
        if not odd and not differ:
            self._odd.clear()
            self.since, self.heard = last_number(self.gateway.store, self.gateway.port.name, self.gateway.plan.account), Counter()
            for coid in [coid for coid in self.gateway.mine if coid not in manager.orders]:
                mine.pop(self.gateway.mine.pop(coid), None)
            self._hold(differ)
            return
        if odd & self._odd or differ:
            names = ", ".join(mine.get(abs(one), str(one)) for one in sorted(odd)) or ", ".join(differ)
            self.gateway.tell_person(f"the session and the order desk differ: {names}")
            self.begin()
        self._odd = odd

    def differences(self) -> list[str]:
        """Symbols in which the world's position is not what the store says of the strategy."""
        return self._unlike(lambda i: 0)

    def _differences_once_told(self) -> list[str]:
        """Likewise, when what waits to be told is told."""
        waiting = self.gateway.waiting_lots()
        return self._unlike(lambda i: waiting[i])

    def _unlike(self, more: Any) -> list[str]:
        gateway, found = self.gateway, []
        log, plan = gateway.desk.log, gateway.plan
        for i, one in enumerate(gateway.instruments):
            held = int(self.machine.world.positions[i]["position_lots"]) + more(i)
            if held != one.lots(log.position_of(gateway.port.name, one.symbol, plan.strategy)):
                found.append(one.symbol)
        return found

    def _hold(self, symbols: Collection[str]) -> None:
        """Hold instruments that cannot be trusted; release them when they can be again."""
        desk = self.gateway.desk
        for one in self.gateway.instruments:
            held = DIFFERS in desk.manager.holds.get(one.symbol, ())
            if one.symbol in symbols and not held:
                desk.manager.holds.setdefault(one.symbol, set()).add(DIFFERS)
                desk.hands.perform([Alarm("POSITION_DRIFT", f"{one.symbol}: {DIFFERS}"), Hold(one.symbol, DIFFERS)])
            elif held and one.symbol not in symbols:
                desk.hands.perform(desk.manager.release(one.symbol, DIFFERS))
