"""Every order of one account: what is known, what must be asked, what may be sent. Nothing ambiguous fails, nothing is resent."""

from __future__ import annotations

from typing import Any, Final

from b25.execution.orders import proof
from b25.execution.orders.actions import Action, Alarm, PullTrades, Query, Record, SendCancel, Source, Tell
from b25.execution.orders.fold import TRIGGERED
from b25.execution.orders.order_amends import OrderAmends
from b25.execution.orders.own_order import OwnOrder
from b25.execution.orders.reasons import reason_of
from b25.execution.orders.states import OF_REPORT, TERMINAL, OrderState
from b25.model.event import ORDER_TRIGGERED
from b25.model.order import Reason
from b25.venue.port.outcome import Answer, Outcome, Reaction
from b25.venue.port.reports import OrderReport
from b25.venue.port.requests import NewOrder

S = OrderState
SENDING_NS_MAX: Final = 10_000_000_000  # after which an answer is not waited for any more


class OrderManager(OrderAmends):
    """State of all orders of one account at one venue.

    Every method takes what happened and returns what must be done, in that order. None of them may be skipped.
    """

    # -- from us ----------------------------------------------------------------------------------

    def intend(self, new: NewOrder, *, order_id: int, request_id: int, now_ns: int) -> list[Action]:
        """Take an approved order. The edge stores the intent, which is not one of the actions, before it goes on."""
        assert new.client_id not in self.orders
        order = OwnOrder(new, order_id=order_id, request_id=request_id, changed_ns=now_ns)
        order.conditional = new.stop_ticks > 0 and ":" in new.symbol
        self.orders[new.client_id] = order
        return []

    def sending(self, coid: str, now_ns: int) -> list[Action]:
        """The intent is durable, and the next thing that happens is the write to the socket."""
        return self._move(self.orders[coid], S.SENDING, Source.REST, now_ns)

    def withdrawn(self, coid: str, why: str, now_ns: int) -> list[Action]:
        """Nothing of it left, and nothing will: refused by us after it became an intent."""
        order = self.orders[coid]
        order.reason = Reason.STOPPED
        return self._move(order, S.NOT_SENT, Source.REST, now_ns, text=why) if order.state is S.INTENT else []

    def restore(self, order: OwnOrder, now_ns: int) -> list[Action]:
        """Take an order of an earlier life. What was on its way is in doubt now."""
        self.orders[order.coid] = order
        if order.venue_id:
            self.by_venue_id[(order.symbol, order.venue_id)] = order.coid
        for trade_id in order.trade_ids:
            self._remember(order.symbol, trade_id)
        order.ended_ns = now_ns if order.state in TERMINAL else 0
        if order.state is S.INTENT:
            order.never_sent = True
        if order.state in (S.INTENT, S.SENDING):
            return self._doubt(order, S.UNKNOWN, Source.BOOT, now_ns, "found unfinished at start")
        if order.state is S.CANCELING:
            return self._doubt(order, S.UNKNOWN_CANCEL, Source.BOOT, now_ns, "found unfinished at start")
        if order.in_doubt:
            order.next_query_ns = now_ns
            return [self._hold(order.symbol, f"{order.coid} is in doubt")]
        return []

    # -- answers ----------------------------------------------------------------------------------

    def answered(self, coid: str, outcome: Outcome[OrderReport], now_ns: int) -> list[Action]:
        """What the submit of an order came to. Its answer may be so late that the order has ended and is forgotten."""
        order = self.orders.get(coid)
        if order is None:
            return []
        actions = self._reactions(order.symbol, outcome)
        if outcome.answer is Answer.ACCEPTED:
            return actions + (self.seen(outcome.value, Source.REST, now_ns) if outcome.value else self._ask(order, now_ns))
        if order.state not in (S.SENDING, S.UNKNOWN):
            # An event or a trade was faster. A refusal that contradicts it is settled by asking.
            return actions if outcome.answer in (Answer.UNKNOWN, Answer.QUERY) or order.state in TERMINAL else [
                *actions, Alarm("CONTRADICTION", f"{coid} is {order.state}, and its submit was answered {outcome.answer.name}"),
                *self._ask(order, now_ns),
            ]  # fmt: skip
        ends = {Answer.REJECTED: S.REJECTED, Answer.NOT_SENT: S.NOT_SENT, Answer.NOT_ACCEPTED: S.NOT_ACCEPTED}
        if outcome.answer in ends:
            order.reason = reason_of(outcome)
            return actions + self._move(order, ends[outcome.answer], Source.REST, now_ns, code=outcome.code, text=outcome.text)
        if order.state is S.SENDING:
            actions += self._doubt(order, S.UNKNOWN, Source.REST, now_ns, outcome.text, outcome.code)
        return actions

    def cancel_answered(self, coid: str, outcome: Outcome[OrderReport], now_ns: int) -> list[Action]:
        """What the cancel of an order came to. Only what the venue says of the order ends it."""
        order = self.orders.get(coid)
        if order is None:
            return []
        actions = self._reactions(order.symbol, outcome)
        if order.state in TERMINAL or order.state in (S.INTENT, S.SENDING, S.UNKNOWN, S.LOST):
            return actions + self._ask(order, now_ns) if order.in_doubt else actions
        if outcome.answer is Answer.ACCEPTED and outcome.value is not None and outcome.value.qty > 0:
            actions += self.seen(outcome.value, Source.REST, now_ns)
            return actions if order.state in TERMINAL else actions + self._ask(order, now_ns)
        if outcome.answer is Answer.ACCEPTED:
            # Taken, and not a word of what became of the order, as with every stop: it is asked for until it has ended.
            order.cancel_taken, order.asked, order.next_query_ns = True, 0, now_ns + proof.wait_ns(0)
            return actions + self._ask(order, now_ns)
        if outcome.answer in (Answer.NOT_SENT, Answer.NOT_ACCEPTED, Answer.REJECTED):
            return actions + self._cancel_failed(order, Source.REST, now_ns, outcome.text) + self._ask(order, now_ns)
        return actions + self._doubt(order, S.UNKNOWN_CANCEL, Source.REST, now_ns, outcome.text, outcome.code)

    def query_answered(self, coid: str, outcome: Outcome[OrderReport], *, started_ms: int, now_ns: int) -> list[Action]:
        """What a question about an order came to; `started_ms` is a lower bound of the venue's time when it was begun."""
        order = self.orders.get(coid)
        if order is None:
            return []
        actions = self._reactions(order.symbol, outcome) if outcome.reaction is not Reaction.NONE else []
        if outcome.answer is Answer.ACCEPTED and outcome.value is not None:
            order.absence = None
            if order.amending is not None:
                over = started_ms > order.amending.bound_ms + self.policy.margin_ms
                actions += self._amend_over(order, outcome.value, Source.RECON, over=over)
            actions += self.seen(outcome.value, Source.RECON, now_ns)
            over = started_ms > order.cancel_bound_ms + self.policy.margin_ms
            if (
                order.state in (S.UNKNOWN_CANCEL, S.CANCELING)
                and over
                and OF_REPORT.get(outcome.value.state) in (S.NEW, S.PARTIAL)
            ):
                actions += self._cancel_failed(order, Source.RECON, now_ns, "the order outlived its cancel")
            return actions
        if outcome.answer is Answer.QUERY:
            return actions + self._not_found(order, started_ms, now_ns)
        return actions

    def _not_found(self, order: OwnOrder, started_ms: int, now_ns: int) -> list[Action]:
        if order.state in TERMINAL or order.state is S.LOST:
            return []
        if order.absence is None:
            bound = proof.bound_ms(order.new.sign_ms, order.new.recv_window_ms, self.policy.margin_ms)
            order.absence = proof.Absence(max(bound, order.update_ms + self.policy.margin_ms))
        if not order.absence.not_found(started_ms):
            return []
        if order.acknowledged or order.cum_lots:
            lost = f"{order.coid} lived at the venue, which no longer knows it"
            return [
                *self._move(order, S.LOST, Source.RECON, now_ns, text=lost),
                Alarm("LOST", lost),
                self._hold(order.symbol, lost),
            ]
        end = S.NOT_SENT if order.never_sent else S.NOT_ACCEPTED
        return self._move(order, end, Source.RECON, now_ns, text="proven absent")

    # -- what the venue tells ---------------------------------------------------------------------

    def seen(self, report: OrderReport, source: Source, now_ns: int) -> list[Action]:
        """Fold a report of an order, whoever told it and however late."""
        order = self.find(report.symbol, report.client_id, report.venue_id)
        if order is None:
            return []
        actions: list[Action] = []
        told = OF_REPORT.get(report.state)
        if told is None:
            text = f"{order.coid}: the venue tells a status that we do not know"
            return [Alarm("UNKNOWN_STATUS", text), self._hold(order.symbol, text)]
        if order.state in (S.NOT_ACCEPTED, S.NOT_SENT) or (order.state is S.REJECTED and told is not S.REJECTED):
            return self._revive(order, report, source, now_ns)
        if order.conditional and ":" in order.symbol and (report.became_id or not report.conditional):
            actions += self._triggered(order, report, source)
        if order.triggered and report.conditional:
            # What the book of stops says of it is only that it is there no more.
            return [*actions, *self._drain(order, now_ns), *self._ask(order, now_ns)]
        if report.venue_id and not order.venue_id:
            order.venue_id = report.venue_id
            self.by_venue_id[(order.symbol, report.venue_id)] = order.coid
        order.conditional = order.conditional or report.conditional
        actions += self._amend_over(order, report, source, over=False)
        cum_lots = self.instruments[order.symbol].lots(report.filled)
        if cum_lots < order.cum_lots or order.state in TERMINAL:
            # A picture of the past, or of an order that is over: only what is executed can still grow.
            if cum_lots > order.cum_lots:
                order.cum_lots = cum_lots
                actions += [Record(order.coid, order.state, source, cum_lots), *self._late(order), self._pull(order, now_ns)]
            return actions + self._drain(order, now_ns)
        grew = cum_lots > order.cum_lots
        order.cum_lots, order.acknowledged = cum_lots, True
        order.update_ms = max(order.update_ms, report.update_ms)
        state = self._after(order, told)
        if state is not order.state or grew:
            actions += self._move(order, state, source, now_ns, venue_ms=report.update_ms)
        actions += self._drain(order, now_ns)
        if order.awaits_trades:
            actions.append(self._pull(order, now_ns))
        return actions + self._told(order, now_ns)

    def _after(self, order: OwnOrder, told: OrderState) -> OrderState:
        """State that a report leads to: a cancel under way stays under way until the order ends."""
        if told in TERMINAL:
            return told
        if order.state in (S.CANCELING, S.UNKNOWN_CANCEL):
            return order.state
        if order.cancel_wanted and order.state is S.UNKNOWN:
            return S.PARTIAL if order.cum_lots else S.NEW  # the caller asks again for its cancel: see `_move`
        return S.PARTIAL if order.cum_lots else S.NEW

    def _revive(self, order: OwnOrder, report: OrderReport, source: Source, now_ns: int) -> list[Action]:
        """An order that was declared absent lives: the proof's margin was too small. It is cancelled, for nobody waits for it."""
        text = f"{order.coid} was found at the venue after it was {order.state}"
        order.revived, order.told_end = True, True
        order.absence = None
        actions = self._move(order, S.LOST, source, now_ns, text=text)
        actions += [Alarm("FOUND_AFTER_ABSENT", text), self._hold(order.symbol, text)]
        actions += self.seen(report, source, now_ns)
        if order.is_live:
            actions.append(SendCancel(order.coid, order.ref))
        return actions

    def _triggered(self, order: OwnOrder, report: OrderReport, source: Source) -> list[Action]:
        """A stop was triggered: from now on it is an order like any other, which the venue has under another number."""
        order.conditional, order.triggered = False, True
        order.venue_id = report.became_id or report.venue_id
        self.by_venue_id[(order.symbol, order.venue_id)] = order.coid
        actions: list[Action] = [Record(order.coid, order.state, source, order.cum_lots, order.venue_id, text=TRIGGERED)]
        if order.order_id and not order.told_end:
            facts: dict[str, Any] = {"side": order.new.side, "coid": order.coid}
            if not order.told_open:
                order.told_open = True
                actions.append(self._accepted(order))
            actions.append(Tell(ORDER_TRIGGERED, order.order_id, order.symbol, **facts))
        return actions

    def _late(self, order: OwnOrder) -> list[Action]:
        return [Alarm("LATE_FILL", f"{order.coid} was {order.state} and executed more: {order.cum_lots} lots")]

    # -- time -------------------------------------------------------------------------------------

    def tick(self, now_ns: int) -> list[Action]:
        """Ask what is due: about orders in doubt, answers that never came, and trades that are missing."""
        actions: list[Action] = []
        for order in self.orders.values():
            if order.state is S.SENDING and now_ns - order.changed_ns > SENDING_NS_MAX:
                actions += self._doubt(order, S.UNKNOWN, Source.RECON, now_ns, "no answer")
            if order.state is S.CANCELING and now_ns - order.changed_ns > SENDING_NS_MAX:
                actions += self._doubt(order, S.UNKNOWN_CANCEL, Source.RECON, now_ns, "no answer")
            is_asked_for = order.in_doubt or order.amending is not None or (order.cancel_taken and order.state is S.CANCELING)
            if is_asked_for and now_ns >= order.next_query_ns:
                order.next_query_ns = now_ns + proof.wait_ns(order.asked)
                order.asked += 1
                actions.append(Query(order.coid, order.ref))
            if order.awaits_trades:
                self.pull_at_ns.setdefault(order.symbol, now_ns)
        for symbol, at_ns in list(self.pull_at_ns.items()):
            if now_ns >= at_ns:
                asked = self.pulls.get(symbol, 0)
                self.pulls[symbol] = asked + 1
                self.pull_at_ns[symbol] = now_ns + proof.wait_ns(asked)
                if any(order.awaits_trades for order in self.orders.values() if order.symbol == symbol) or self._parked(symbol):
                    actions.append(PullTrades(symbol))
                else:
                    del self.pull_at_ns[symbol], self.pulls[symbol]
        return actions

    def forget(self, reconciled_ns: int) -> list[OwnOrder]:
        """Drop orders that ended, with all their trades, before a reconcile that passed."""
        gone = [order for order in self.orders.values() if order.complete and 0 < order.ended_ns < reconciled_ns]
        for order in gone:
            del self.orders[order.coid]
            self.by_venue_id.pop((order.symbol, order.venue_id), None)
        return gone

    def release(self, symbol: str, cause: str = "") -> list[Action]:
        """Let a person end a hold: one cause, or all that are not of an order in doubt."""
        doubts = {f"{order.coid} is in doubt" for order in self.live(symbol) if order.in_doubt}
        gone = {cause} if cause else self.holds.get(symbol, set()) - doubts
        return [self._unhold(symbol, one) for one in sorted(gone)]
