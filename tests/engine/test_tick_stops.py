"""Stops on ticks: they wait at the venue for a print, then meet the book that is there."""

import pytest

from b25.model.event import BUY, SELL
from tests.engine.runs import book, check_sums, depth, play, trade

FAR_AWAY = 10_000


def market(*more):
    return [*book(1, {99: 50}, {101: 50}), *more, depth(FAR_AWAY // 10, BUY, 50, 1)]


@pytest.mark.parametrize("fills", ["partial", "whole"])
def test_a_buy_stop_becomes_a_market_order_at_the_print_that_reaches_it(fills):
    rows = market(trade(10, BUY, 104, 1), trade(20, BUY, 105, 1), depth(20, SELL, 101, 0), depth(20, SELL, 106, 9))
    played = play(rows, {2: lambda ctx: ctx.buy(2, stop_price=105)}, fills=fills)
    assert played.fills() == [(106, 2)]
    assert played.order(1) == ("FILLED", 2, "OK")
    check_sums(played.outcome)


def test_a_sell_stop_with_a_limit_rests_when_the_market_has_run_through_it():
    rows = market(trade(20, SELL, 97, 1), depth(20, BUY, 99, 0), depth(20, BUY, 96, 9), trade(30, BUY, 98, 3))
    played = play(rows, {2: lambda ctx: ctx.sell(2, price=98, stop_price=97)})
    assert played.fills() == [(98, 2)]
    assert played.outcome.fills["maker"][0]


def test_no_print_no_fill_and_a_waiting_stop_can_be_cancelled():
    placed = {}

    def place(ctx):
        placed["id"] = ctx.buy(2, stop_price=105)

    rows = market(depth(10, SELL, 101, 0), depth(10, SELL, 108, 5), trade(40, BUY, 108, 1))
    played = play(rows, {2: place, 30: lambda ctx: ctx.cancel(placed["id"])})
    assert played.fills() == []
    assert played.order(1) == ("CANCELLED", 0, "CANCEL_REQUESTED")


def test_a_stop_that_the_last_print_has_passed_is_refused_by_the_venue_and_one_behind_the_touch_by_the_gate():
    rows = market(trade(3, BUY, 106, 1))
    assert play(rows, {4: lambda ctx: ctx.buy(1, stop_price=105)}).order(1) == ("REJECTED", 0, "STOP_WRONG_SIDE")
    assert play(rows, {4: lambda ctx: ctx.buy(1, stop_price=100)}).refused == ["STOP_WRONG_SIDE"]


def test_a_stop_that_only_reduces_ends_when_nothing_is_left_to_reduce():
    asks = {2: lambda ctx: ctx.buy(2), 5: lambda ctx: ctx.sell(2, reduce_only=True, stop_price=95), 10: lambda ctx: ctx.sell(2)}
    played = play(market(trade(20, SELL, 95, 1)), asks)
    assert played.order(2)[0] == "REJECTED"
    assert played.order(2)[2] == "WOULD_INCREASE"
    assert played.position["position_lots"] == 0


def test_the_trader_is_told_that_a_stop_has_fired():
    rows = market(trade(20, SELL, 97, 1), depth(20, BUY, 99, 0))
    played = play(rows, {2: lambda ctx: ctx.sell(2, price=98, stop_price=97)}, latency=1)
    assert [(at, state) for at, state, *_ in played.heard] == [(4, "OPEN"), (21, "OPEN")]


def test_stops_that_one_print_reaches_go_the_nearest_first():
    rows = market(trade(20, BUY, 110, 1))
    asks = [lambda ctx: ctx.buy(30, stop_price=108), lambda ctx: ctx.buy(40, stop_price=104)]
    played = play(rows, {2: asks})
    assert played.fills(2) == [(101, 40)]
    assert played.fills(1) == [(101, 10)]
