"""The ledger by itself: fills a second with mark-to-market, many strategies on one account, on one core."""

import os
import statistics
import time
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

import numpy as np
from figures import Figure, spread
from stage import Stage

FILLS, STRATEGIES, ROUNDS = 1_000_000, 8, 5
BOOKED = 5_000
CHECKED = 20_000  # folded again in exact fractions, and compared


def ledger(stage: Stage) -> Iterator[Figure]:
    """Each row is a fill and a new mark; positions of eight strategies and of the account, and its equity after every row."""
    from b25.account.fold import fold_rows
    from b25.model.instrument import Instrument
    from b25.model.position import POSITION

    instruments = [
        Instrument(venue="sim", symbol="ETH/USDT:USDT", tick=Decimal("0.01"), lot=Decimal("0.001")),
        Instrument(venue="sim", symbol="BTC/USDT:USDT", tick=Decimal("0.1"), lot=Decimal("0.0001")),
    ]
    records = np.concatenate([one.record() for one in instruments])
    rows = made_rows(len(instruments))
    speeds, hashes, equity = [], set(), np.zeros(FILLS)
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})
    try:
        for k in range(ROUNDS + 1):
            cells, net = np.zeros((STRATEGIES, 2), POSITION), np.zeros(2, POSITION)
            marks2 = np.zeros(2, np.int64)
            begun = time.perf_counter()
            fold_rows(cells, net, records, marks2, rows, equity)
            took_s = time.perf_counter() - begun
            hashes.add((cells.tobytes(), net.tobytes(), equity.tobytes()))
            if k:  # the first compiles
                speeds.append(FILLS / took_s / 1e6)
    finally:
        os.sched_setaffinity(0, allowed)
    apart = largest_error(rows, equity, instruments)
    assert (cells["position_lots"].sum(axis=0) == net["position_lots"]).all()
    detail = (
        f"{spread(speeds)}; {STRATEGIES} strategies, 2 instruments, a mark with every fill; "
        f"{len(hashes)} state in {ROUNDS + 1} runs; "
        f"equity of {CHECKED:,} rows within {apart:.0e} of exact fractions"
    )
    yield Figure("ledger, fills with mark-to-market on one core", statistics.median(speeds), "M/s", 0.1, 1, True, detail)


def account_books(stage: Stage) -> Iterator[Figure]:
    """One account's books in a live process: each fill attributed and posted in whole atoms, the account valued after it."""
    from b25.account.ledger.account import Account
    from b25.account.ledger.amounts import ATOMS
    from b25.account.ledger.entries import OPENING, Fill, Transfer
    from b25.account.ledger.prices import Prices
    from b25.account.ledger.statement import make_statement
    from b25.model.instrument import Instrument

    one = Instrument(venue="sim", symbol="ETH/USDT:USDT", tick=Decimal("0.01"), lot=Decimal("0.001"))
    fills = [
        Fill(
            symbol=one.symbol, trade_id=str(k), strategy="ab"[k % 2], side=1 if k % 3 else -1, price_ticks=250_000 + k % 97,
            qty_lots=1 + k % 2, time_ms=k, fee=ATOMS // 1000, fee_asset="USDT", fee_settle=ATOMS // 1000,
        )
        for k in range(1, BOOKED + 1)
    ]  # fmt: skip
    speeds, worths = [], set()
    for k in range(ROUNDS + 1):
        account, prices = Account("sim", "main", [one]), Prices([one], "USDT")
        account.book(Transfer(transfer_id="o", asset="USDT", amount=10**6 * ATOMS, time_ms=0, source=OPENING))
        begun = time.perf_counter()
        for fill in fills:
            account.book(fill)
            prices.mark(one.symbol, Fraction(fill.price_ticks, 100))
            statement = make_statement(account, prices)
        took_s = time.perf_counter() - begun
        worths.add(statement.equity)
        assert not list(account.unbalanced())
        if k:
            speeds.append(BOOKED / took_s)
    detail = f"{spread(speeds)}; two strategies, exact to the atom, a whole statement after every fill; {len(worths)} equity"
    yield Figure("an account's books, fills with a statement each", statistics.median(speeds), "/s", 1_000, None, True, detail)


def made_rows(columns: int) -> np.ndarray:
    """Random fills that reverse often, each with a mark near its price."""
    from b25.account.fold import LEDGER_ROW

    dice = np.random.default_rng(25)
    rows = np.zeros(FILLS, LEDGER_ROW)
    rows["instrument"], rows["strategy"] = dice.integers(0, columns, FILLS), dice.integers(0, STRATEGIES, FILLS)
    rows["side"], rows["qty_lots"] = np.where(dice.random(FILLS) < 0.5, 1, -1), dice.integers(1, 500, FILLS)
    rows["price_ticks"] = 250_000 + np.cumsum(dice.integers(-3, 4, FILLS))
    rows["mark2_ticks"] = 2 * rows["price_ticks"] + dice.integers(-9, 10, FILLS)
    rows["fee_e8"], rows["maker"] = rows["price_ticks"] * rows["qty_lots"] * 40_000, dice.random(FILLS) < 0.5
    return rows


def largest_error(rows: np.ndarray, equity: np.ndarray, instruments: list) -> float:
    """Largest relative difference of the first rows' equity from sums of exact fractions."""
    cash, lots, marks = [Fraction(0)] * 2, [0] * 2, [Fraction(0)] * 2
    worst = 0.0
    for k in range(CHECKED):
        row = rows[k]
        i, signed = int(row["instrument"]), int(row["side"]) * int(row["qty_lots"])
        cash[i] -= signed * int(row["price_ticks"]) + Fraction(int(row["fee_e8"]), 10**8)
        lots[i] += signed
        marks[i] = Fraction(int(row["mark2_ticks"]), 2)
        exact = sum((cash[j] + lots[j] * marks[j]) * one.money_unit for j, one in enumerate(instruments))
        worst = max(worst, abs(float(exact) - equity[k]) / max(1.0, abs(float(exact))))
    return worst


MEASURES = (ledger, account_books)
