"""How a session's own account stands: positions and money as decimals, exactly as its ledger has them.

What has no price is None, never 0. Money is in the settlement currency of each instrument.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from b25.model.event import NO_ASK_TICKS, NO_BID_TICKS
from b25.model.order import MANUAL, MARKET, POST_ONLY, REDUCE_ONLY, Pending, State, Tif
from b25.model.world import NO_LIMIT
from b25.session.session import working_orders

if TYPE_CHECKING:
    from b25.model.instrument import Instrument
    from b25.session.machine import Machine

PLACES: Final = Decimal("1e-12")
LOTS: Final = {"position_lots_max": "position_max", "order_lots_max": "order_qty_max", "adv_lots_max": "adv_qty_max"}
SECONDS: Final = {
    "data_age_ns_max": "data_age_max_s", "clock_skew_ns_max": "clock_skew_max_s", "duplicates_window_ns": "duplicates_window_s",
    "executions_window_ns": "executions_window_s",
}  # fmt: skip
MONEY: Final = ("gross_max", "net_max", "turnover_max", "daily_loss_max")
NO_NUMBERS: Final = ("version", "hash", "value_bound", "trading")


def text(amount: Fraction | Decimal | None) -> str | None:
    """An amount as text, to 12 places; None stays None."""
    if amount is None:
        return None
    with localcontext() as context:
        context.prec = 60
        exact = Decimal(amount.numerator) / Decimal(amount.denominator) if isinstance(amount, Fraction) else amount
        told = f"{exact.quantize(PLACES):f}".rstrip("0").rstrip(".")
    return "0" if told in ("-0", "") else told


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionFacts:
    """One position; `worth` is its signed value at the mark, and None without one, as is what follows from it."""

    symbol: str
    settle: str
    quantity: Decimal
    entry: Fraction | None
    mark: Fraction | None
    worth: Fraction | None
    unrealised: Fraction | None
    realised: Fraction
    fees: Fraction
    funding: Fraction
    flows: Fraction  # funding and what an insurance fund bore, less what borrowing cost and fees

    @property
    def equity(self) -> Fraction | None:
        """What it has earned in all."""
        return None if self.unrealised is None else self.realised + self.unrealised + self.flows


def mark2_of(machine: Machine, i: int) -> int | None:
    """Twice the middle of a book in ticks; None while a side is empty."""
    book = machine.world.books[i]
    bid, ask = int(book["best_bid_ticks"]), int(book["best_ask_ticks"])
    return bid + ask if bid != NO_BID_TICKS and ask != NO_ASK_TICKS else None


def value_at(one: Instrument, lots: int, mark2: int) -> Fraction:
    """Signed value of lots at twice a mark in ticks, in money units; that of an inverse contract falls as the price rises."""
    return Fraction(lots * mark2, 2) if not one.inverse else -Fraction(2 * lots * one.inverse_num, mark2)


def position_facts(machine: Machine, i: int, added_lots: int = 0) -> PositionFacts:
    """One position as it stands, or with lots more that cost what the mark says."""
    one, row, unit = machine.instruments[i], machine.world.positions[i], machine.instruments[i].money_unit
    held, cost, mark2 = int(row["position_lots"]), int(row["cost"]), mark2_of(machine, i)
    entry = worth = unrealised = None
    if held and (not one.inverse or cost):
        ticks = Fraction(abs(held) * one.inverse_num, abs(cost)) if one.inverse else Fraction(cost, held)
        entry = ticks * Fraction(one.tick)
    if mark2 is not None:
        unrealised = (value_at(one, held, mark2) - cost) * unit
        worth = abs(value_at(one, held + added_lots, mark2)) * unit * (1 if held + added_lots >= 0 else -1)
    elif not held:
        unrealised = Fraction(0)
        worth = Fraction(0) if not added_lots else None
    fees = (int(row["fees"]) + Fraction(int(row["fees_e8"]), 10**8)) * unit
    funding = int(row["funding"]) * unit
    return PositionFacts(
        symbol=one.symbol,
        settle=one.settle,
        quantity=one.quantity(held + added_lots),
        entry=entry,
        mark=None if mark2 is None else Fraction(mark2, 2) * Fraction(one.tick),
        worth=worth,
        unrealised=unrealised,
        realised=int(row["realised"]) * unit,
        fees=fees,
        funding=funding,
        flows=funding + (int(row["insurance"]) - int(row["borrow"])) * unit - fees,
    )


def equity_of(machine: Machine) -> Fraction | None:
    """Worth of the session's account at the mids; None while something held has no price, or there are two kinds of it."""
    if len({one.settle for one in machine.instruments}) > 1:
        return None
    total = Fraction(float(machine.world.context["balance"][0]))
    for i in range(len(machine.instruments)):
        earned = position_facts(machine, i).equity
        if earned is None:
            return None
        total += earned
    return total


def positions_of(machine: Machine, now_ns: int) -> list[dict[str, Any]]:
    """Every position in words."""
    equity = equity_of(machine)
    told = []
    for i in range(len(machine.instruments)):
        facts, row, book = position_facts(machine, i), machine.world.positions[i], machine.world.books[i]
        leverage = abs(facts.worth) / equity if facts.worth is not None and equity is not None and equity > 0 else None
        one, local_ns = machine.instruments[i], int(book["local_ns"])
        told.append(
            {
                "symbol": facts.symbol,
                "asset": facts.settle,
                "quantity": text(facts.quantity),
                "entry_price": text(facts.entry),
                "mark": text(facts.mark),
                "notional": text(facts.worth),
                "leverage": None if leverage is None else float(leverage),
                "unrealised": text(facts.unrealised),
                "realised": text(facts.realised),
                "fees": text(facts.fees),
                "funding": text(facts.funding),
                "open_buy": text(one.quantity(int(row["open_buy_lots"]))),
                "open_sell": text(one.quantity(int(row["open_sell_lots"]))),
                "fills": int(row["fills"]),
                "is_healthy": int(book["health"]) == 0,
                "data_age_s": None if not local_ns else max(0.0, (now_ns - local_ns) / 1e9),
            }
        )
    return told


def money_of(machine: Machine) -> dict[str, Any]:
    """The account in its settlement currency; where instruments settle in several, only what can be added is told."""
    lines = [position_facts(machine, i) for i in range(len(machine.instruments))]
    assets = sorted({line.settle for line in lines})
    if len(assets) > 1:
        return {
            "asset": None,
            **dict.fromkeys(("balance", "equity", "unrealised", "realised", "fees", "funding", "gross", "leverage")),
        }
    equity = equity_of(machine)
    worths = [line.worth for line in lines if line.worth is not None]
    parts = [line.unrealised for line in lines if line.unrealised is not None]
    is_marked = len(worths) == len(parts) == len(lines)
    gross = sum((abs(one) for one in worths), Fraction(0)) if is_marked else None
    leverage = gross / equity if gross is not None and equity is not None and equity > 0 else None
    return {
        "asset": assets[0],
        "balance": text(Fraction(float(machine.world.context["balance"][0]))),
        "equity": text(equity),
        "unrealised": text(sum(parts, Fraction(0))) if is_marked else None,
        "realised": text(sum((line.realised for line in lines), Fraction(0))),
        "fees": text(sum((line.fees for line in lines), Fraction(0))),
        "funding": text(sum((line.funding for line in lines), Fraction(0))),
        "gross": text(gross),
        "leverage": None if leverage is None else float(leverage),
    }


def orders_of(machine: Machine, now_ns: int) -> list[dict[str, Any]]:
    """Working orders in words, oldest first; what is in flight is among them."""
    told = []
    for row in working_orders(machine):
        one, flags = machine.instruments[int(row["instrument"])], int(row["flags"])
        is_market = bool(flags & MARKET)
        told.append(
            {
                "order_id": int(row["order_id"]),
                "symbol": one.symbol,
                "side": "buy" if row["side"] > 0 else "sell",
                "type": ("stop_" if row["stop_ticks"] else "") + ("market" if is_market else "limit"),
                "price": None if is_market else text(one.price(int(row["price_ticks"]))),
                "stop_price": text(one.price(int(row["stop_ticks"]))) if row["stop_ticks"] else None,
                "quantity": text(one.quantity(int(row["qty_lots"]))),
                "filled": text(one.quantity(int(row["filled_lots"]))),
                "leaves": text(one.quantity(int(row["leaves_lots"]))),
                "state": State(int(row["state"])).name.lower(),
                "pending": Pending(int(row["pending"])).name.lower(),
                "tif": Tif(int(row["tif"])).name.lower(),
                "post_only": bool(flags & POST_ONLY),
                "reduce_only": bool(flags & REDUCE_ONLY),
                "is_manual": bool(flags & MANUAL),
                "parent": int(row["parent"]) or None,
                "created_ns": int(row["created_ns"]),
                "age_s": max(0.0, (now_ns - int(row["created_ns"])) / 1e9),
            }
        )
    return told


def limits_of(machine: Machine) -> dict[str, Any]:
    """The limits in force, in the units in which people give them: what is not limited is left out."""
    rows = machine.world.limits
    told: dict[str, Any] = {
        "version": int(rows["version"][0]),
        "hash": f"{int(rows['hash'][0]) & (2**64 - 1):016x}",
        "symbols": {},
    }
    for i, one in enumerate(machine.instruments):
        told["symbols"][one.symbol] = _limits_of_one(rows[i], one)
    return told


def _limits_of_one(row: Any, one: Instrument) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in row.dtype.names:
        value = row[name].item()
        if value == NO_LIMIT or name in NO_NUMBERS:
            continue
        if name in LOTS:
            found[LOTS[name]] = text(one.quantity(value))
        elif name == "order_value_max":
            found[name] = text(value * one.money_unit)
        elif name in MONEY:
            found[name] = text(Decimal(repr(value)))
        elif name in SECONDS:
            found[SECONDS[name]] = value / 1e9
        elif name == "collar_e6":
            found["collar"] = value / 1e6
        else:
            found[name] = bool(value) if name == "no_self_cross" else value
    trading = int(row["trading"])
    return {**found, "trading": {NO_LIMIT: "all", 1: "reduces"}.get(trading, "nothing")}
