"""The gate's self-test at start: a healthy account breaks nothing, for each control a breached one breaks exactly that one."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from math import ceil
from typing import Any

import numpy as np

from b25.model.errors import Halt
from b25.model.event import BUY, SELL
from b25.model.instrument import Instrument
from b25.model.order import INTENT, MARKET, SUBMIT, Reason
from b25.model.risk import ANSWERS_MAX, CONTROLS, REDUCING, STOPPED, Control
from b25.model.world import LIMITS, NO_LIMIT, TRADING_REDUCES
from b25.risk.gate import judge
from b25.risk.status import controls_of

NOW_NS = 1_700_000_000_000_000_000
PLENTY = 2**30
# A limit, its companions that must stand beside it, and the control that it belongs to.
FIELDS: dict[str, tuple[Control, tuple[str, ...]]] = {
    "position_lots_max": (Control.POSITION, ()),
    "order_value_max": (Control.ORDER_VALUE, ()),
    "collar_e6": (Control.COLLAR, ()),
    "open_orders_max": (Control.OPEN_ORDERS, ()),
    "orders_per_s_max": (Control.ORDER_RATE, ("orders_burst_max",)),
    "data_age_ns_max": (Control.DATA_AGE, ()),
    "clock_skew_ns_max": (Control.CLOCK_SKEW, ()),
    "order_lots_max": (Control.ORDER_QTY, ()),
    "adv_lots_max": (Control.ADV_SHARE, ()),
    "no_self_cross": (Control.SELF_CROSS, ()),
    "spread_max": (Control.SPREAD, ()),
    "divergence_max": (Control.DIVERGENCE, ()),
    "slippage_max": (Control.SLIPPAGE, ()),
    "through_max": (Control.THROUGH, ()),
    "duplicates_max": (Control.DUPLICATES, ("duplicates_window_ns",)),
    "executions_max": (Control.EXECUTIONS, ("executions_window_ns",)),
    "turnover_max": (Control.TURNOVER, ("executions_window_ns",)),
    "reject_ratio_max": (Control.REJECTS, ("reject_window",)),
    "orders_per_fill_max": (Control.ORDERS_PER_FILL, ()),
    "gross_max": (Control.GROSS, ()),
    "net_max": (Control.NET, ()),
    "concentration_max": (Control.CONCENTRATION, ()),
    "leverage_max": (Control.LEVERAGE, ()),
    "daily_loss_max": (Control.DAILY_LOSS, ()),
    "drawdown_max": (Control.DRAWDOWN, ()),
    "messages_per_s_max": (Control.MESSAGE_RATE, ("messages_burst_max",)),
}
OF_ACCOUNT = (*tuple(FIELDS)[tuple(FIELDS).index("duplicates_max") :], "orders_per_s_max")


@dataclass(frozen=True, slots=True)
class Finding:
    """Something in which the gate did not do what it should."""

    instrument: str
    case: str
    expected: tuple[Control, ...]
    found: tuple[Control, ...]
    reason: Reason

    def __str__(self) -> str:
        wanted = ", ".join(c.name.lower() for c in self.expected) or "nothing"
        broken = ", ".join(c.name.lower() for c in self.found) or self.reason.name.lower()
        return f"{self.instrument}, {self.case}: should break {wanted}, but broke {broken}"


class Bench:
    """One instrument of a world with a calm market, to try an order on; `price` is its bid in ticks."""

    def __init__(self, world: Any, i: int, prices: Sequence[int]) -> None:
        self.world, self.i, self.price = world, i, prices[i]
        for book, ticks in zip(world.books, prices, strict=True):
            book["best_bid_ticks"], book["best_ask_ticks"], book["last_trade_ticks"] = ticks, ticks + 1, ticks
            book["best_bid_lots"] = book["best_ask_lots"] = PLENTY
            book["local_ns"] = book["exch_ns"] = book["last_trade_ns"] = NOW_NS
            book["health"] = 0
        world.head["now_ns"] = world.context["now_ns"] = world.head["rate_filled_ns"] = NOW_NS
        world.risk["message_filled_ns"], world.risk["day"] = NOW_NS, NOW_NS // (86_400 * 10**9)
        self.book, self.position, self.row = world.books[i], world.positions[i], world.limits[i]
        self.instrument = world.instruments[i]
        per_lot = self.lot_value() / self.money
        self.lots = max(
            int(self.instrument["qty_lots_min"]), ceil(int(self.instrument["min_notional"]) / max(per_lot, 1e-300)), 1
        )

    @property
    def money(self) -> float:
        """Settlement currency of one money unit."""
        return float(self.instrument["money_num"]) / float(self.instrument["money_den"])

    def lot_value(self) -> float:
        """Worth of one lot at the bid, settlement currency."""
        k = int(self.instrument["inverse_num"])
        return (k / self.price if k else float(self.price)) * self.money

    def hold(self, lots: int) -> None:
        """Hold a long position that has neither gained nor lost."""
        k, mid = int(self.instrument["inverse_num"]), self.price + 0.5
        self.position["position_lots"] = self.position["entry_lots"] = lots
        self.position["cost"] = self.position["entry_cost"] = round(-(lots * k / mid) if k else lots * mid)
        self.position["cash"] = -self.position["cost"]

    def lose(self, amount: float) -> None:
        """Have lost a little more than an amount of settlement currency."""
        self.position["realised"] -= int(amount / self.money * (1 + 1e-9)) + 2

    def ask_for(self, side: int = BUY, lots: int | None = None, price: int | None = None, flags: int = 0, times: int = 1) -> None:
        """Leave an intent, or some equal ones."""
        for _ in range(times):
            k = int(self.world.head["intents"][0])
            intent = np.zeros(1, INTENT)
            intent["kind"], intent["instrument"], intent["side"], intent["flags"] = SUBMIT, self.i, side, flags
            intent["order_id"] = self.world.head["next_order_id"]
            intent["qty_lots"] = self.lots if lots is None else lots
            intent["price_ticks"] = self.price if price is None else price
            self.world.intents[k] = intent[0]
            self.world.head["intents"] += 1
            self.world.head["next_order_id"] += 1

    def verdict(self) -> tuple[tuple[Control, ...], Reason]:
        """Let the gate judge, and return what it said to the last intent."""
        self.world.head["outbox"] = 0
        judge(self.world.context[0])
        last = int(self.world.head["outbox"][0]) - 1
        return controls_of(int(self.world.verdicts[last])), Reason(int(self.world.outbox["reason"][last]))


def breach(bench: Bench, name: str) -> None:
    """Bring a calm bench to where an order breaks one limit."""
    value, world, price = bench.row[name], bench.world, bench.price
    risk = world.risk
    lots, at, side, flags, times = bench.lots, price, BUY, 0, 1
    if name == "position_lots_max":
        bench.hold(int(value))
    elif name == "order_value_max":
        lots = int(value * bench.money / bench.lot_value() * (1 + 1e-9)) + 2
    elif name == "collar_e6":
        side, at = SELL, ceil((price + 1) * (1 + value / 1e6)) + 2
    elif name == "open_orders_max":
        world.lives[bench.i, 0]["count"] = value
    elif name == "orders_per_s_max":
        world.head["rate_tokens_e9"] = 0
    elif name == "messages_per_s_max":
        risk["message_tokens_e9"] = 0
    elif name in ("order_lots_max", "adv_lots_max"):
        lots = int(value) + 1
    elif name == "data_age_ns_max":
        bench.book["local_ns"] -= value + 1
        bench.book["exch_ns"] = bench.book["last_trade_ns"] = bench.book["local_ns"]
    elif name == "clock_skew_ns_max":
        bench.book["exch_ns"] = bench.book["last_trade_ns"] = bench.book["local_ns"] - value - 1
    elif name == "spread_max":
        bench.book["best_ask_ticks"] = ceil(price * (2 + value) / (2 - value)) + 2
    elif name == "divergence_max":
        bench.book["last_trade_ticks"] = ceil((price + 1) * (1 + value)) + 2
    elif name == "slippage_max":
        flags, bench.book["best_ask_lots"] = MARKET, lots - 1
    elif name == "through_max":
        at = ceil((price + 1) * (1 + value)) + 2
    elif name == "no_self_cross":
        bench.ask_for(SELL, price=price + 1)
        at = price + 1
    elif name == "duplicates_max":
        times = int(value) + 1
    elif name == "executions_max":
        bench.position["fills"] = value + 1
    elif name == "turnover_max":
        bench.position["volume"] = int(value / bench.money * (1 + 1e-9)) + 2
    elif name == "reject_ratio_max":
        risk["answers"], risk["answer_bits"] = ANSWERS_MAX, 2**ANSWERS_MAX - 1
    elif name == "orders_per_fill_max":
        world.head["submits"] = int(value) + 1
    elif name in ("gross_max", "net_max"):
        bench.hold(int(value / bench.lot_value() * (1 + 1e-9)) + 2)
    elif name in ("concentration_max", "leverage_max"):
        bench.hold(int(value * float(world.context[0]["balance"]) / bench.lot_value() * (1 + 1e-6)) + 2)
    elif name == "daily_loss_max":
        bench.lose(float(value))
    elif name == "drawdown_max":
        bench.lose(float(value) * float(world.context[0]["balance"]))
    bench.ask_for(side, lots, at, flags, times)


def selftest(
    rows: np.ndarray[Any, Any],
    instruments: Sequence[Instrument],
    prices: Sequence[float],
    make: Callable[[np.ndarray[Any, Any]], Any],
) -> list[Finding]:
    """Try every control that is set, each alone; and all together on a healthy account.

    Parameters
    ----------
    rows : ndarray of LIMITS, shape (n,)
        As `LimitSet.records` gives them.
    instruments : sequence of Instrument
    prices : sequence of float
        About what each costs now; a healthy order is tried there.
    make : callable
        Makes a fresh World of these instruments, at the session's balance, from such rows: `engine.world.make_world`.

    Returns
    -------
    list of Finding
        Empty when the gate does all that it should. `require` halts on anything else.
    """
    ticks = [max(2, round(price / float(one.tick))) for price, one in zip(prices, instruments, strict=True)]
    return [finding for i, one in enumerate(instruments) for finding in _try_instrument(rows, i, one.symbol, ticks, make)]


def _try_instrument(
    rows: np.ndarray[Any, Any], i: int, symbol: str, ticks: list[int], make: Callable[[np.ndarray[Any, Any]], Any]
) -> Iterator[Finding]:
    def tried(case: str, limits: np.ndarray[Any, Any], expected: tuple[Control, ...], prepare: Callable[[Bench], None]) -> Any:
        bench = Bench(make(limits.copy()), i, ticks)
        prepare(bench)
        found, reason = bench.verdict()
        good = found == expected and (reason == Reason.OK) == (not expected)
        return [] if good else [Finding(symbol, case, expected, found, reason)]

    none = _only(rows, ())
    trading = int(rows[i]["trading"])
    healthy = rows.copy()
    healthy["trading"] = NO_LIMIT
    yield from tried("a healthy account", healthy, (), lambda bench: bench.ask_for())
    if trading != NO_LIMIT:
        expected = Control.SYMBOL_REDUCING if trading == TRADING_REDUCES else Control.RESTRICTED
        yield from tried("its trading", _only(rows, ("trading",)), (expected,), lambda bench: bench.ask_for())
    for state, control in ((REDUCING, Control.STATE_REDUCING), (STOPPED, Control.STATE_STOPPED)):
        yield from tried(control.name.lower(), none, (control,), partial(_in_state, state=state))
    yield from tried("a suspect book", none, (Control.BOOK,), _with_suspect_book)
    for name, (control, companions) in FIELDS.items():
        if rows[i][name] == NO_LIMIT or (name in OF_ACCOUNT and i > 0):
            continue
        yield from tried(name, _only(rows, (name, *companions)), (control,), partial(breach, name=name))

    def all_breached(bench: Bench) -> None:
        bench.hold(4 * bench.lots)
        bench.world.risk["state"], bench.world.risk["latched"] = REDUCING, 2**CONTROLS - 1
        bench.world.head["rate_tokens_e9"] = bench.world.risk["message_tokens_e9"] = 0
        bench.book["health"], bench.book["local_ns"] = 1, 0
        bench.ask_for(SELL)

    if trading in (NO_LIMIT, TRADING_REDUCES):
        yield from tried("an exit with everything breached", rows, (), all_breached)


def _in_state(bench: Bench, *, state: int) -> None:
    bench.world.risk["state"] = state
    bench.ask_for()


def _with_suspect_book(bench: Bench) -> None:
    bench.book["health"] = 1
    bench.ask_for()


def _only(rows: np.ndarray[Any, Any], names: tuple[str, ...]) -> np.ndarray[Any, Any]:
    """Rows with some limits alone."""
    out = rows.copy()
    for name in LIMITS.names or ():
        if name not in names:
            out[name] = NO_LIMIT
    return out


def require(findings: Sequence[Finding]) -> None:
    """Raise Halt, naming every finding, unless there is none."""
    if findings:
        raise Halt(
            "the risk gate failed its self-test: " + "; ".join(map(str, findings)), remedy="mend the limits that are named"
        )
