"""Whatever is lost, doubled, late or out of order, wherever we crash: one order an intent, each trade once, no doubt for ever."""

from dataclasses import dataclass, replace
from decimal import Decimal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from b25.execution.orders.actions import Alarm, Book, PullTrades, Query, Record, SendCancel, Source, Tell
from b25.execution.orders.fold import Stored, fold
from b25.execution.orders.identity import Identity, client_id, identity_of
from b25.execution.orders.own_orders import OrderManager
from b25.execution.orders.reconciling import reconcile_open
from b25.execution.orders.states import TERMINAL, OrderState
from b25.model.event import BUY, ORDER_FILLED, SELL
from b25.model.instrument import Instrument
from b25.model.order import State
from b25.venue.port.outcome import Answer, Outcome, accepted
from b25.venue.port.reports import OrderReport, TradeReport
from b25.venue.port.requests import NewOrder

SYMBOL = "BTC/USDT"
INSTRUMENT = Instrument(venue="binance", symbol=SYMBOL, tick="0.01", lot="0.001")
WINDOW_MS, DELAY_MS_MAX = 2_000, 4_000
OPEN = (State.OPEN, State.PART_FILLED)


@dataclass
class Resting:
    new: NewOrder
    venue_id: str
    state: State
    filled: int = 0
    born_ms: int = 0

    def report(self):
        lots = INSTRUMENT.quantity
        return OrderReport(
            symbol=SYMBOL, venue_id=self.venue_id, client_id=self.new.client_id, state=self.state, side=self.new.side,
            qty=lots(self.new.qty_lots), filled=lots(self.filled), price=INSTRUMENT.price(self.new.price_ticks),
        )  # fmt: skip


class Venue:
    """It is never wrong, only hard to hear."""

    def __init__(self):
        self.orders, self.trades, self.wire, self.now_ms = {}, [], [], 1_000

    def send(self, new, delay_ms):
        self.wire.append((self.now_ms + delay_ms, "new", new))

    def send_cancel(self, coid, sign_ms, delay_ms):
        self.wire.append((self.now_ms + delay_ms, "cancel", (coid, sign_ms)))

    def advance(self, ms):
        end_ms = self.now_ms + ms
        for due in sorted((one for one in self.wire if one[0] <= end_ms), key=lambda one: one[0]):
            self.wire.remove(due)
            self.now_ms = max(self.now_ms, due[0])
            self.arrive(*due)
        self.now_ms = end_ms

    def arrive(self, at_ms, kind, what):
        if kind == "new" and at_ms <= what.sign_ms + what.recv_window_ms:
            assert what.client_id not in self.orders, "a double order"
            self.orders[what.client_id] = Resting(what, str(len(self.orders) + 1), State.OPEN, born_ms=at_ms)
        if kind == "cancel" and at_ms <= what[1] + WINDOW_MS:
            order = self.orders.get(what[0])
            if order and order.state in OPEN:
                order.state = State.CANCELLED

    def fill(self, order, lots):
        lots = min(lots, order.new.qty_lots - order.filled)
        order.filled += lots
        order.state = State.FILLED if order.filled == order.new.qty_lots else State.PART_FILLED
        self.trades.append(
            TradeReport(
                symbol=SYMBOL, trade_id=str(len(self.trades) + 1), venue_id=order.venue_id, side=order.new.side,
                price=INSTRUMENT.price(order.new.price_ticks), qty=INSTRUMENT.quantity(lots), fee=Decimal(0), fee_asset="USDT",
                maker=True, time_ms=self.now_ms,
            )
        )  # fmt: skip


class Trading(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.venue = Venue()
        self.epoch, self.seq = 1, 0
        self.intents, self.records, self.fills = {}, [], {}
        self.manager = OrderManager({SYMBOL: INSTRUMENT})
        self.cums, self.ids, self.told_lots = {}, set(), {}
        self.die_after = None
        self.past = []

    @property
    def now_ns(self):
        return self.venue.now_ms * 1_000_000

    def do(self, actions):
        """Act as the edge does: durable first. A crash comes between any two of them."""
        queue = list(actions)
        while queue:
            if self.die_after is not None:
                self.die_after -= 1
                if self.die_after < 0:
                    self.die_after = None
                    self.restart()
                    return
            action = queue.pop(0)
            match action:
                case Record():
                    self.records.append(action)
                case Book():
                    assert action.trade.trade_id not in self.fills
                    self.fills[action.trade.trade_id] = action
                case Query():
                    queue += self.ask(action)
                case PullTrades():
                    queue += self.manager.trades_seen(self.venue.trades, Source.RECON, self.now_ns)
                case SendCancel():
                    self.venue.send_cancel(action.coid, self.venue.now_ms, 0)
                    self.venue.advance(0)
                case Alarm():
                    assert action.kind not in ("ILLEGAL_TRANSITION", "FOUND_AFTER_ABSENT", "UNEXPECTED_FILL"), action
                case Tell() if action.kind == ORDER_FILLED and action.order_id:
                    self.told_lots[action.order_id] = self.told_lots.get(action.order_id, 0) + action.qty_lots

    def ask(self, query):
        order = self.venue.orders.get(query.coid)
        seen = order is not None and self.venue.now_ms - order.born_ms >= 400
        answer = accepted(order.report()) if seen else Outcome(answer=Answer.QUERY)
        return self.manager.query_answered(query.coid, answer, started_ms=self.venue.now_ms, now_ns=self.now_ns)

    def restart(self):
        self.epoch += 1
        self.seq = 0
        self.manager = OrderManager({SYMBOL: INSTRUMENT})
        actions = []
        for coid, (new, order_id) in self.intents.items():
            events = [Stored(one.state, one.cum_lots, one.venue_id, one.venue_ms) for one in self.records if one.coid == coid]
            fills = [(one.trade.trade_id, INSTRUMENT.lots(one.trade.qty)) for one in self.fills.values() if one.coid == coid]
            actions += self.manager.restore(fold(new, events, fills, order_id=order_id), self.now_ns)
        self.cums = {}
        self.do(actions)
        self.reconcile()

    def reconcile(self):
        reports = [one.report() for one in self.venue.orders.values() if one.state in OPEN]
        self.do(reconcile_open(self.manager, reports, Source.RECON, started_ns=self.now_ns, now_ns=self.now_ns))
        self.do([PullTrades(SYMBOL)])

    # -- what may happen --------------------------------------------------------------------------

    @rule(
        side=st.sampled_from([BUY, SELL]), lots=st.integers(1, 5), lost=st.booleans(),
        delay=st.sampled_from([0, 50, 1_900, 2_100, 4_000]),
        answer=st.sampled_from(["told", "lost", "stale"]), where=st.sampled_from(["", "", "", "stored", "sending", "sent"]),
    )  # fmt: skip
    def submit(self, side, lots, lost, delay, answer, where):
        coid = client_id(Identity(0, 0, self.epoch, self.seq), r".{1,36}")
        assert coid not in self.ids, "an id was used twice"
        self.ids.add(coid)
        self.seq += 1
        new = NewOrder(symbol=SYMBOL, client_id=coid, side=side, qty_lots=lots, price_ticks=100, sign_ms=self.venue.now_ms)
        if self.manager.refuses(new):
            return
        order_id = len(self.ids)
        self.manager.intend(new, order_id=order_id, request_id=0, now_ns=self.now_ns)
        self.intents[coid] = (new, order_id)
        if where == "stored":
            self.restart()
            return
        self.do(self.manager.sending(coid, self.now_ns))
        if where == "sending" or coid not in self.manager.orders or self.manager.orders[coid].state is not OrderState.SENDING:
            self.restart()
            return
        if not lost:
            self.venue.send(new, delay)
            self.venue.advance(min(delay, 50))
        if where == "sent":
            self.restart()
            return
        resting = self.venue.orders.get(coid)
        told = answer == "told" and resting is not None
        outcome = accepted(resting.report()) if told else Outcome(answer=Answer.UNKNOWN)
        if told or answer != "stale":
            self.do(self.manager.answered(coid, outcome, self.now_ns))

    @rule(data=st.data(), lots=st.integers(1, 5))
    @precondition(lambda self: any(one.state in OPEN for one in self.venue.orders.values()))
    def trade(self, data, lots):
        order = data.draw(st.sampled_from([one for one in self.venue.orders.values() if one.state in OPEN]))
        self.past.append(order.report())
        self.venue.fill(order, lots)

    @rule(data=st.data())
    @precondition(lambda self: self.venue.trades)
    def event_of_a_trade(self, data):
        trade = data.draw(st.sampled_from(self.venue.trades))
        coid = next(one.new.client_id for one in self.venue.orders.values() if one.venue_id == trade.venue_id)
        known = replace(trade, client_id=coid) if data.draw(st.booleans()) else trade
        self.do(self.manager.trades_seen([known], Source.WS, self.now_ns))

    @rule(data=st.data())
    @precondition(lambda self: self.venue.orders)
    def event_of_an_order(self, data):
        now = [one.report() for one in self.venue.orders.values()]
        self.do(self.manager.seen(data.draw(st.sampled_from([*now, *self.past])), Source.WS, self.now_ns))

    @rule(
        data=st.data(),
        answer=st.sampled_from(["told", "lost", "unknown order", "not sent"]),
        delay=st.sampled_from([0, 1_500, 3_000]),
    )
    @precondition(lambda self: any(self.manager.live()))
    def cancel(self, data, answer, delay):
        coid = data.draw(st.sampled_from([order.coid for order in self.manager.live()]))
        actions = self.manager.want_cancel(coid, request_id=1, now_ns=self.now_ns, bound_ms=self.venue.now_ms + WINDOW_MS)
        self.do([action for action in actions if not isinstance(action, SendCancel)])
        if answer != "not sent":
            self.venue.send_cancel(coid, self.venue.now_ms, delay)
            self.venue.advance(0)
        order = self.venue.orders.get(coid)
        outcome = {"lost": Outcome(answer=Answer.UNKNOWN), "not sent": Outcome(answer=Answer.NOT_SENT)}.get(answer)
        if outcome is None:
            done = answer == "told" and order is not None and order.state is State.CANCELLED
            outcome = accepted(order.report()) if done else Outcome(answer=Answer.QUERY)
        self.do(self.manager.cancel_answered(coid, outcome, self.now_ns))

    @rule(ms=st.sampled_from([100, 400, 1_000, 5_000]))
    def time_passes(self, ms):
        self.venue.advance(ms)
        self.do(self.manager.tick(self.now_ns))

    @rule()
    def compare(self):
        self.reconcile()

    @rule(after=st.integers(0, 5))
    def crash_soon(self, after):
        self.die_after = after

    # -- what must hold ---------------------------------------------------------------------------

    @invariant()
    def executed_never_falls_nor_exceeds(self):
        for order in self.manager.orders.values():
            assert order.booked_lots <= order.cum_lots <= order.new.qty_lots
            assert order.cum_lots >= self.cums.get(order.coid, 0)
            self.cums[order.coid] = order.cum_lots

    @invariant()
    def every_order_at_the_venue_has_an_intent(self):
        assert set(self.venue.orders) <= set(self.intents)
        assert all(identity_of(coid) is not None for coid in self.venue.orders)

    @invariant()
    def what_may_live_counts(self):
        for coid, order in self.venue.orders.items():
            mine = self.manager.orders[coid]
            assert order.state not in OPEN or mine.is_live, (mine.state, order)

    def teardown(self):
        self.die_after = None
        for _ in range(60):
            self.venue.advance(1_000)
            self.do(self.manager.tick(self.now_ns))
        self.reconcile()
        for _ in range(10):
            self.venue.advance(1_000)
            self.do(self.manager.tick(self.now_ns))
        assert {one.trade_id for one in self.venue.trades} == set(self.fills)
        for coid, mine in self.manager.orders.items():
            theirs = self.venue.orders.get(coid)
            assert not mine.in_doubt, mine
            if theirs is None:
                assert mine.state in (OrderState.NOT_SENT, OrderState.NOT_ACCEPTED), mine
                continue
            assert mine.booked_lots == mine.cum_lots == theirs.filled
            assert (mine.state in TERMINAL) == (theirs.state not in OPEN), (mine.state, theirs.state)
        assert not self.manager.holds or not any("doubt" in cause for cause in self.manager.holds.get(SYMBOL, ()))


Trading.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestTrading = Trading.TestCase
