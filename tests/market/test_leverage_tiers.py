"""Leverage tiers as ccxt gives them are read whole, or refused with the place and the number."""

import json
import math

import pytest

from b25.kernels.margin import leverage_allowed, maintenance, maintenance_margin
from b25.market.leverage_tiers import read_leverage_tiers, tiers_for, tiers_of_instrument
from b25.model.errors import Misuse


def tier(start, end, mmr, leverage=10.0, **more):
    own = {"minNotional": start, "maxNotional": end, "maintenanceMarginRate": mmr, "maxLeverage": leverage, "currency": "USDT"}
    return {**own, **more}


GOOD = [tier(0.0, 100.0, 0.01, 50.0), tier(100.0, 500.0, 0.02, 25.0), tier(500.0, 900.0, 0.05, 5.0)]


@pytest.fixture(scope="module")
def binance(shared):
    return read_leverage_tiers(shared / "data" / "binance_leverage_tiers.json")


@pytest.mark.golden("Q05")
def test_a_million_of_btc_demands_what_the_exchange_says(binance):
    tiers = tiers_for(binance, "BTC/USDT:USDT")[0]
    assert maintenance(tiers, 1_000_000.0) == (0.0065, 950.0)
    assert maintenance_margin(tiers, 1_000_000.0) == 5_550.0
    assert leverage_allowed(tiers, 1_000_000.0) == 75.0


@pytest.mark.golden("Q05")
def test_the_margin_is_continuous_at_every_border_of_the_exchange(binance):
    assert len(binance) == 349
    borders = 0
    for rows in binance.values():
        tiers = rows[0]
        for k in range(1, tiers["count"]):
            border = tiers["notional_from"][k]
            below = border * tiers["mmr"][k - 1] - tiers["cum"][k - 1]
            assert maintenance_margin(tiers, border) == pytest.approx(below, rel=1e-14)
            borders += 1
    assert borders == 2_456


def test_without_cum_the_one_that_is_continuous_is_taken():
    tiers = tiers_of_instrument("A", GOOD)[0]
    assert tiers["cum"][:3].tolist() == pytest.approx([0.0, 1.0, 16.0])
    assert tiers["count"] == 3
    assert tiers["notional_max"] == 900.0


def test_the_last_tier_may_have_no_end():
    tiers = tiers_of_instrument("A", [*GOOD[:-1], {**GOOD[-1], "maxNotional": None}])[0]
    assert tiers["notional_max"] == math.inf
    assert leverage_allowed(tiers, 1e12) == 5.0


def test_the_known_cum_of_the_exchange_is_what_continuity_gives(binance, shared):
    listed = json.loads((shared / "data" / "binance_leverage_tiers.json").read_text())
    for symbol, rows in binance.items():
        bare = [{name: value for name, value in one.items() if name != "info"} for one in listed[symbol]]
        derived = tiers_of_instrument(symbol, bare)[0]
        assert derived["cum"].tolist() == pytest.approx(rows[0]["cum"].tolist(), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    ("tiers", "says"),
    [
        ([], "0 leverage tiers where 1 to 24"),
        ({"a": 1}, "no list of leverage tiers"),
        ([tier(float(k), k + 1.0, 0.01) for k in range(25)], "25 leverage tiers where 1 to 24"),
        ([tier(5.0, 100.0, 0.01)], "the first tier begins at 5, not at 0"),
        ([GOOD[0], GOOD[2]], "tier 1 ends at 100, the next one begins at 500"),
        ([tier(0.0, 0.0, 0.01)], "tier 1: it ends at 0 and begins at 0"),
        ([GOOD[0], tier(100.0, 500.0, 0.005)], "tier 2: the maintenance margin rate falls from 0.01 to 0.005"),
        ([tier(0.0, 1.0, 1.5)], "tier 1: a maintenance margin rate of 1.5 is not in"),
        ([tier(0.0, 1.0, math.nan)], "tier 1: maintenanceMarginRate is nan, not a number"),
        ([tier(0.0, 1.0, "high")], "tier 1: maintenanceMarginRate is 'high', not a number"),
        ([tier(0.0, 1.0, True)], "tier 1: maintenanceMarginRate is True, not a number"),
        ([tier(0.0, None, 0.01), GOOD[1]], "tier 1: maxNotional is None, not a number"),
        ([tier(0.0, 1.0, 0.01, 0.0)], "tier 1: a leverage of 0 is not positive"),
        ([GOOD[0], {**GOOD[1], "currency": "USDC"}], "tiers in several currencies, USDC, USDT"),
        ([GOOD[0], {**GOOD[1], "info": {"cum": "1.5"}}], "jumps from 1 to 0.5 at the border 100 of tier 2"),
        ([GOOD[0], {**GOOD[1], "info": {"cum": "x"}}], "tier 2: cum is 'x', not a number"),
        (["abc"], "minNotional is None"),
    ],
)
def test_tiers_that_cannot_be_are_refused_with_their_place(tiers, says):
    with pytest.raises(Misuse, match=says) as caught:
        tiers_of_instrument("ABC/USDT:USDT", tiers)
    assert "ABC/USDT:USDT" in caught.value.what
    assert caught.value.remedy


@pytest.mark.parametrize(("text", "says"), [("{", "no JSON"), ("[1]", "a list where symbol"), (None, "No such file")])
def test_a_file_that_is_none_is_refused_with_its_path(tmp_path, text, says):
    path = tmp_path / "tiers.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(Misuse, match=says) as caught:
        read_leverage_tiers(path)
    assert "tiers.json" in caught.value.what


def test_an_unknown_symbol_is_answered_with_near_ones():
    table = {"BTC/USDT:USDT": tiers_of_instrument("BTC/USDT:USDT", GOOD)}
    with pytest.raises(Misuse, match=r"no leverage tiers of 'BTC/USDT'") as caught:
        tiers_for(table, "BTC/USDT")
    assert "BTC/USDT:USDT" in caught.value.remedy
