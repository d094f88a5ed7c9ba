"""The golden ladders and margins, through the books of an account."""

import math
from fractions import Fraction

import numpy as np
import pytest

from b25.account.ledger.account import Account
from b25.account.ledger.amounts import ATOMS, atoms, decimal_of
from b25.account.ledger.entries import OPENING, TRANSFERS, UNATTRIBUTED, Funding, Transfer
from b25.account.ledger.high_water import DAY_NS, HighWater
from b25.account.ledger.prices import Prices
from b25.account.ledger.statement import Terms, make_statement
from b25.market.leverage_tiers import read_leverage_tiers
from b25.model.instrument import Instrument
from b25.model.margin import TIERS
from tests.account.books import COIN, ONE, RATE, SPOT, TENTH, fees, fill, opened

F = Fraction
L01 = [(100, 10), (100, 15), (-50, 12), (-100, 20), (-50, 5)]
L02 = [(100, 3), (100, 7), (-100, 11), (150, 15), (-100, 19), (-150, 23)]
L03 = [(100, 8), (100, 9), (-100, 10), (150, 11), (-100, 12), (-150, 14)]


def walked(fills, rate=RATE, instrument=ONE):
    """Entry and realised profit after each fill, and the account."""
    account, prices = opened(instrument)
    path = []
    for k, (lots, ticks) in enumerate(fills, 1):
        fee = abs(lots) * ticks * rate
        account.book(fill(k, lots, ticks, instrument=instrument, fee=str(decimal_of(atoms(fee)))))
        net = account.net[instrument.symbol]
        path.append((net.lots, net.entry(), net.realised()))
    return account, prices, path


@pytest.mark.parametrize(
    ("fills", "entries", "realised", "net"),
    [
        pytest.param(L01, [10, F(25, 2)], [-25, 725, 350], F("336.625"), marks=pytest.mark.golden("L01")),
        pytest.param(L02, [3, 5, 5, 11], [600, 1_400, 3_200], F("3175.75"), marks=pytest.mark.golden("L02")),
        pytest.param(L03, [8, F(17, 2), F(17, 2), 10], [150, 350, 950], F("930.875"), marks=pytest.mark.golden("L03")),
    ],
)
def test_a_ladder_has_the_entries_and_the_profit_of_the_book(fills, entries, realised, net):
    account, prices, path = walked(fills)
    assert [entry for _, entry, _ in path][: len(entries)] == entries
    assert [path[k][2] for k in range(1, len(fills)) if fills[k][0] < 0] == realised
    (line,) = make_statement(account, prices).net
    assert line.net == net
    assert account.wallet("USD") == net


@pytest.mark.golden("L05")
@pytest.mark.parametrize("fills", [L01, L02, L03])
def test_a_mirrored_ladder_has_the_negated_profit_and_parts_of_a_fill_change_nothing(fills):
    _, _, path = walked(fills, F(0))
    _, _, mirrored = walked([(-lots, ticks) for lots, ticks in fills], F(0))
    assert mirrored == [(-lots, entry, -realised) for lots, entry, realised in path]
    _, _, parts = walked([(part, ticks) for lots, ticks in fills for part in (lots // 2, lots - lots // 2)], F(0))
    assert parts[1::2] == path


@pytest.mark.golden("L04")
@pytest.mark.parametrize(
    ("side", "close", "funding", "net"),
    [
        (1, 21, "0", "2.6925"),
        (1, 19, "0", "-3.2925"),
        (-1, 21, "0", "-3.3075"),
        (-1, 19, "0", "2.7075"),
        (1, 21, "1", "3.6925"),
        (-1, 21, "1", "-2.3075"),
        (1, 19, "-1", "-4.2925"),
        (-1, 22, "-1", "-7.315"),
    ],
)
def test_profit_after_fees_and_funding(side, close, funding, net):
    account, prices = opened(TENTH)
    for k, (lots, ticks) in enumerate([(side * 30, 20), (-side * 30, close)]):
        fee = str(decimal_of(atoms(30 * ticks * F(1, 10) * RATE)))
        account.book(fill(10 * (k + 1), lots, ticks, instrument=TENTH, fee=fee))
    account.book(Funding(payment_id="1", symbol=TENTH.symbol, asset="USD", amount=atoms(funding), time_ms=15))
    (line,) = make_statement(account, prices).net
    assert line.net == F(net)
    assert line.funding == F(funding)


@pytest.mark.golden("L06")
def test_fees_on_the_last_two_fills_alone():
    account, prices = opened(ONE)
    for k, (lots, ticks, fee) in enumerate([(100, 10, "0"), (-100, 15, "0"), (-100, 20, "200"), (100, 15, "150")], 1):
        account.book(fill(k, lots, ticks, fee=fee))
    (line,) = make_statement(account, prices).net
    assert (line.realised, line.net) == (1_000, 650)


@pytest.mark.golden("L07")
def test_an_average_price_is_weighted_by_quantity():
    assert walked([(100, 10), (300, 20)])[2][-1][1] == F(35, 2)


@pytest.mark.golden("L08")
def test_funding_is_no_realised_profit_and_an_inverse_contract_earns_coin():
    account, prices = opened(ONE)
    account.book(fill(1, 2, 30_000))
    account.book(Funding(payment_id="f", symbol=ONE.symbol, asset="USD", amount=atoms("-6"), time_ms=2))
    (line,) = make_statement(account, prices).net
    assert (line.realised, line.funding) == (0, -6)
    account, prices = opened(COIN)
    account.book(fill(1, 10, 500_000, instrument=COIN))
    assert float(account.net[COIN.symbol].unrealised(F(55_000))) == pytest.approx(0.00181818181818, abs=1e-12)
    account.book(fill(2, -10, 550_000, instrument=COIN))
    assert float(account.wallet("BTC")) == pytest.approx(0.00181818181818, abs=1e-12)


@pytest.mark.golden("L09")
def test_a_price_below_a_satoshi_keeps_its_profit():
    tiny = Instrument(venue="sim", symbol="TINY/BTC", tick="0.00000001", lot="1")
    account, _ = opened(tiny)
    for k, (lots, ticks) in enumerate([(1_000_000, 89), (-1_000_000, 90)], 1):
        account.book(fill(k, lots, ticks, instrument=tiny))
    assert account.wallet("BTC") == account.net[tiny.symbol].realised() == F("0.01")
    assert account.wallet("TINY") == 0


@pytest.mark.golden("L10")
def test_a_withdrawal_scales_the_begin_of_the_day_and_changes_no_drawdown():
    water = HighWater()
    water.observe(DAY_NS, F(10_000))
    falls = {equity: water.drawdown_daily(F(equity)) for equity in (9_700, 9_699, 9_500, 9_499, 9_000, 8_999)}
    assert [falls[9_700] <= F(3, 100), falls[9_699] <= F(3, 100)] == [True, False]
    assert [falls[9_500] <= F(5, 100), falls[9_499] <= F(5, 100)] == [True, False]
    assert [falls[9_000] <= F(10, 100), falls[8_999] <= F(10, 100)] == [True, False]
    water.transfer(F(-1_000))
    water.observe(DAY_NS + 1, F(9_000))
    assert (water.day_equity, water.peak, water.drawdown_daily(F(9_000))) == (9_000, 9_000, 0)


@pytest.mark.golden("L12")
def test_a_fee_in_other_assets_is_worth_what_they_were_worth_at_the_fill():
    prices = Prices([], "Q")
    prices.price("DAI", F(2))
    prices.price("USDT", F("0.9") * 2)
    account, _ = opened(Instrument(venue="sim", symbol="X/Q", tick="1", lot="1"), Q=0)
    symbol = "X/Q"
    for k, (fee, asset) in enumerate([("100", "Q"), ("10", "USDT"), ("5", "DAI")], 1):
        worth = prices.convert(F(fee), asset, "Q")
        one = fill(
            k, 1, 1_000, instrument=account.instruments[symbol], fee=fee, asset=asset, settle=str(decimal_of(atoms(worth)))
        )
        account.book(one)
    assert fees(account, symbol) == 128
    assert account.wallet("USDT") == -10
    assert account.wallet("DAI") == -5


@pytest.mark.golden("L12")
def test_a_fee_taken_out_of_the_bought_asset_lowers_the_quantity_and_not_the_cash():
    account, prices = opened(SPOT, USDT=10_000)
    account.book(fill(1, 10_000, 300_000, instrument=SPOT, fee="0.001", asset="ETH", settle="3"))
    assert (account.wallet("ETH"), account.wallet("USDT")) == (F("0.999"), 7_000)
    assert account.net[SPOT.symbol].lots == 10_000
    prices.mark(SPOT.symbol, F(3_000))
    statement = make_statement(account, prices)
    assert statement.equity == 9_997
    assert statement.net[0].net == -3


# -- margin -----------------------------------------------------------------------------------------

BTC = Instrument(venue="binanceusdm", symbol="BTC/USDT:USDT", tick="0.001", lot="0.001")
ETH = Instrument(venue="binanceusdm", symbol="ETH/USDT:USDT", tick="0.001", lot="0.001")


def tier(mmr, cum):
    record = np.zeros(1, TIERS)
    record["count"], record["notional_max"] = 1, math.inf
    record["mmr"][0, 0], record["cum"][0, 0] = mmr, cum
    return Terms(record, 20.0)


TERMS = {BTC.symbol: tier(0.025, 16_300.0), ETH.symbol: tier(0.10, 135_365.0)}


def example(*instruments):
    account, prices = opened(*instruments, USDT="1535443.01")
    if BTC in instruments:
        account.book(fill(1, 109_488, 32_481_980, instrument=BTC))
        prices.mark(BTC.symbol, F("31967.27"))
    if ETH in instruments:
        account.book(fill(2, 3_683_979, 1_456_840, instrument=ETH))
        prices.mark(ETH.symbol, F("1335.18"))
    return make_statement(account, prices, TERMS).margin


@pytest.mark.golden("Q01")
def test_the_worked_example_of_the_exchange_holds_to_the_cent():
    together = example(BTC, ETH)
    assert round(together.liquidation[BTC.symbol], 2) == 26_316.89
    assert round(together.liquidation[ETH.symbol], 2) == 1_153.26
    assert together.maintenance == pytest.approx(356_512.508 + 71_200.811, abs=1e-3)
    assert round(example(BTC).liquidation[BTC.symbol], 2) == 18_778.73
    assert round(example(ETH).liquidation[ETH.symbol], 2) == 1_114.78


@pytest.mark.golden("Q02")
@pytest.mark.parametrize(
    ("side", "leverage", "entry", "price"),
    [(-1, 5, 10, 11.8910891089), (-1, 3, 10, 13.2112211221), (1, 5, 8, 6.4545454545), (1, 3, 10, 6.7239057239)],
)
def test_a_position_backed_by_its_margin_alone_is_liquidated_where_the_golden_cases_say(side, leverage, entry, price):
    account, prices = opened(ONE, USD=str(decimal_of(atoms(F(entry, leverage)))))
    account.book(fill(1, side, entry))
    prices.mark(ONE.symbol, F(entry))
    margin = make_statement(account, prices, {ONE.symbol: tier(0.01, 0.01)}).margin
    assert margin.liquidation[ONE.symbol] == pytest.approx(price, abs=5e-10)
    assert margin.nearest == pytest.approx(abs(entry - price) / entry, rel=1e-9)


@pytest.mark.golden("Q05")
def test_a_position_of_a_million_demands_what_its_tier_says(shared):
    tiers = read_leverage_tiers(shared / "data" / "binance_leverage_tiers.json")
    account, prices = opened(BTC, USDT=100_000)
    account.book(fill(1, 20_000, 50_000_000, instrument=BTC))
    prices.mark(BTC.symbol, F(50_000))
    margin = make_statement(account, prices, {BTC.symbol: Terms(tiers[BTC.symbol], 10.0)}).margin
    assert margin.maintenance == pytest.approx(5_550, rel=1e-12)
    assert margin.initial == 100_000


@pytest.mark.golden("Q06")
def test_usage_and_cushion_of_margin_and_equity_that_is_gone():
    account, prices = opened(ONE, USD=10_000)
    terms = {ONE.symbol: tier(0.1, 0.0)}
    flat = make_statement(account, prices, terms).margin
    assert (flat.usage, flat.cushion) == (0.0, 1.0)
    account.book(fill(1, 80, 1_000))
    prices.mark(ONE.symbol, F(1_000))
    held = make_statement(account, prices, terms).margin
    assert (held.usage, held.cushion) == (0.8, pytest.approx(0.2))
    account.book(Transfer(transfer_id="w", asset="USD", amount=atoms("-10000"), time_ms=2, source=TRANSFERS))
    assert math.isnan(make_statement(account, prices, terms).margin.usage)


@pytest.mark.golden("O05")
def test_a_fill_of_nobody_s_order_moves_the_position_and_belongs_to_nobody():
    account, _ = opened(ONE)
    account.book(fill(1, 5, 10, strategy=UNATTRIBUTED, is_expected=False))
    account.book(fill(2, -2, 11, strategy="a"))
    assert account.net[ONE.symbol].lots == 3
    assert {name: cell.lots for (name, _), cell in account.cells.items()} == {UNATTRIBUTED: 5, "a": -2}


def test_atoms_are_exact_and_read_back():
    for text in ("0.0000123", "0.00000089", "0.000000003483", "123456789.123456789", "-7.5"):
        assert decimal_of(atoms(text)) == F(text)
    assert atoms(F(1, 3)) == ATOMS // 3
    assert OPENING != TRANSFERS
    assert Account("sim", "main", [ONE]).wallet("USD") == 0
