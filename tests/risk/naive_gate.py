"""The gate's controls in the dullest Python: one instrument of one tick and one lot, sums over lists."""

from math import isfinite
from typing import Any

DAY_S = 86_400
START_S = 1_700_000_000


class NaiveGate:
    """Orders that live, executions that were, and the worth of the account as it was seen."""

    def __init__(self, balance: float, limits: dict[str, Any]) -> None:
        self.limits, self.cash, self.held = limits, balance, 0
        self.live: dict[int, dict[str, Any]] = {}
        self.approved: list[tuple[float, int, int, int, bool]] = []
        self.fills = 0
        self.peak, self.day, self.day_equity = balance, -1, balance
        self.latched: set[str] = set()
        self.ever_reduce_only = False

    def reduces(self, side: int, lots: int) -> bool:
        working = sum(o["lots"] for o in self.live.values() if o["side"] == side)
        return self.held * side < 0 and lots + working <= abs(self.held)

    def equity(self, bid: int, ask: int) -> float:
        return self.cash + self.held * (bid + ask) / 2

    def watch(self, clock: float, bid: int, ask: int) -> None:
        equity = self.equity(bid, ask)
        day = int((START_S + clock) // DAY_S)
        if day != self.day:
            self.day, self.day_equity = day, equity
        self.peak = max(self.peak, equity)
        if "daily_loss_max" in self.limits and self.day_equity - equity > self.limits["daily_loss_max"]:
            self.latched.add("DAILY_LOSS")
        if "drawdown_max" in self.limits and (self.peak - equity) / self.peak > self.limits["drawdown_max"]:
            self.latched.add("DRAWDOWN")
        if "orders_per_fill_max" in self.limits and len(self.approved) / max(self.fills, 1) > self.limits["orders_per_fill_max"]:
            self.latched.add("ORDERS_PER_FILL")

    def judge(self, clock: float, bid: int, ask: int, side: int, lots: int, price: int, *, reduce_only: bool) -> set[str]:
        self.watch(clock, bid, ask)
        if reduce_only and self.held * side >= 0:
            return {"WOULD_INCREASE"}
        if reduce_only or self.reduces(side, lots):
            return set()
        limits, broken = self.limits, set(self.latched)
        market = price == 0
        paid = price or (ask if side > 0 else bid)
        touch = ask if side > 0 else bid
        mid = (bid + ask) / 2

        def over(name: str, value: float, control: str) -> None:
            if name in limits and value > limits[name]:
                broken.add(control)

        working = {s: sum(o["lots"] for o in self.live.values() if o["side"] == s) for s in (1, -1)}
        up, down = self.held + working[1], self.held - working[-1]
        if side > 0:
            up += lots
        else:
            down -= lots
        reach = up if side > 0 else -down
        worst = max(abs(up), abs(down)) * mid
        equity = self.equity(bid, ask)
        assert isfinite(equity)
        assert equity > 0
        over("open_orders_max", len(self.live) + 1, "OPEN_ORDERS")
        over("order_value_max", paid * lots, "ORDER_VALUE")
        over("collar", abs(paid - mid) / mid, "COLLAR")
        over("order_qty_max", lots, "ORDER_QTY")
        over("position_max", reach, "POSITION")
        over("gross_max", worst, "GROSS")
        over("net_max", reach * mid, "NET")
        over("leverage_max", worst / equity, "LEVERAGE")
        over("concentration_max", worst / equity, "CONCENTRATION")
        over("spread_max", (ask - bid) / mid, "SPREAD")
        if not market:
            over("through_max", (paid - touch) * side / touch, "THROUGH")
        same = [a for a in self.approved if a[0] > clock - 1 and a[1:] == (side, lots, price, market)]
        over("duplicates_max", len(same) + 1, "DUPLICATES")
        over("orders_per_fill_max", (len(self.approved) + 1) / max(self.fills, 1), "ORDERS_PER_FILL")
        if "ORDERS_PER_FILL" in broken:
            self.latched.add("ORDERS_PER_FILL")
        if "no_self_cross" in limits:
            for order in self.live.values():
                if order["side"] == -side and order["price"] and (paid - order["price"]) * side >= 0:
                    broken.add("SELF_CROSS")
        return broken

    def took(self, order_id: int, clock: float, side: int, lots: int, price: int, *, reduce_only: bool) -> None:
        self.live[order_id] = {"side": side, "lots": lots, "price": price}
        self.approved.append((clock, side, lots, price, price == 0))
        self.ever_reduce_only |= reduce_only

    def filled(self, order_id: int, price: int) -> None:
        order = self.live.pop(order_id)
        self.held += order["side"] * order["lots"]
        self.cash -= order["side"] * order["lots"] * price
        self.fills += 1
