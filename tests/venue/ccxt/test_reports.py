"""ccxt's structures as reports: states, ids, and what is no answer."""

from decimal import Decimal

import pytest

from b25.model.order import State
from b25.venue.ccxt import parse


def order(**changes):
    base = {"id": "7", "symbol": "BTC/USDT", "side": "buy", "amount": "2", "filled": "0", "status": "open", "info": {}}
    return base | changes


@pytest.mark.parametrize(
    ("told", "state"),
    [
        ({"status": "open"}, State.OPEN),
        ({"status": "open", "filled": "1"}, State.PART_FILLED),
        ({"status": "closed", "filled": "2"}, State.FILLED),
        ({"status": "closed", "filled": "1"}, State.EXPIRED),
        ({"status": "closed", "filled": None}, State.FILLED),
        ({"status": "canceled"}, State.CANCELLED),
        ({"status": "canceling"}, State.OPEN),
        ({"status": "expired"}, State.EXPIRED),
        ({"status": "rejected"}, State.REJECTED),
        ({"status": "something new"}, State.UNKNOWN),
        ({"status": "SOMETHING_NEW", "info": {"status": "SOMETHING_NEW"}}, State.UNKNOWN),
        ({"status": "canceled", "info": {"status": "EXPIRED_IN_MATCH"}}, State.EXPIRED),
        ({"status": "open", "info": {"algoStatus": "TRIGGERED"}}, State.OPEN),
        ({"status": None}, State.OPEN),
    ],
)
def test_a_state_is_the_venues_word_or_unknown(told, state):
    assert parse.order_report(order(**told)).state is state


@pytest.mark.parametrize(
    ("told", "client_id"),
    [
        ({"clientOrderId": "b25-a"}, "b25-a"),
        ({"clientOrderId": "of-the-cancel", "info": {"origClientOrderId": "b25-a"}}, "b25-a"),
        ({"clientOrderId": "t-b25a", "info": {"text": "t-b25a"}}, "b25a"),
        ({"clientOrderId": "t-b25a"}, "t-b25a"),
        ({"clientOrderId": None}, ""),
    ],
)
def test_our_id_is_found_where_each_venue_puts_it(told, client_id):
    assert parse.order_report(order(**told)).client_id == client_id


@pytest.mark.parametrize("missing", ["id", "side", "amount"])
def test_an_order_that_lacks_what_makes_it_one_is_no_answer(missing):
    with pytest.raises(ValueError, match="order"):
        parse.order_report(order(**{missing: None}))


def test_numbers_keep_every_digit():
    report = parse.order_report(order(amount="0.30000000000000004", price="123456789.00000001", average="0.1"))
    assert (report.qty, report.price, report.average) == (
        Decimal("0.30000000000000004"),
        Decimal("123456789.00000001"),
        Decimal("0.1"),
    )


@pytest.mark.parametrize(("side", "qty"), [("long", Decimal(3)), ("short", Decimal(-3))])
def test_a_position_is_signed(side, qty):
    held = parse.holding({"symbol": "S", "contracts": "3", "side": side, "entryPrice": "10", "marginMode": "isolated"})
    assert (held.qty, held.entry_price, held.isolated) == (qty, Decimal(10), True)


def test_a_flat_position_is_none_and_a_position_without_a_side_is_no_answer():
    assert parse.holding({"symbol": "S", "contracts": "0"}) is None
    with pytest.raises(ValueError, match="position"):
        parse.holding({"symbol": "S", "contracts": "3", "side": None, "entryPrice": "10"})


def test_a_balance_adds_up_when_a_part_is_not_told():
    told = {
        "total": {"A": "5", "B": None, "C": "0"},
        "free": {"A": None, "B": "1", "C": "0"},
        "used": {"A": "2", "B": "3", "C": "0"},
    }
    found = parse.balances(told, margined=False)
    assert set(found) == {"A", "B"}
    assert (found["A"].free, found["A"].used, found["A"].total) == (Decimal(3), Decimal(2), Decimal(5))
    assert found["B"].total == Decimal(4)


def test_a_rebate_is_a_negative_fee():
    trade = {"id": "1", "symbol": "S", "side": "buy", "price": "1", "amount": "1", "fee": {"cost": "-0.2", "currency": "USDT"}}
    assert parse.trade_report(trade).fee == Decimal("-0.2")


@pytest.mark.parametrize("missing", ["id", "price", "amount", "side"])
def test_an_execution_without_its_key_is_no_answer(missing):
    trade = {"id": "1", "symbol": "S", "side": "buy", "price": "1", "amount": "1"}
    with pytest.raises(ValueError, match="execution"):
        parse.trade_report(trade | {missing: None})
