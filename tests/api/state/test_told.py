"""What is told on the bus is in the state: every kind of message, in any order, each with its time."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from b25.api.state.state import CHANNELS, ENTRIES_MAX, State
from b25.api.state.told import PUTS, take
from b25.bus import bodies
from b25.bus.message import Message
from b25.bus.subjects import SUBJECTS
from b25.model.errors import Misuse
from tests.bus.stand import sample


def message(body, *, event_ns=5, receive_ns=6, seq=1, source="session/live-1", account="main"):
    return Message(
        version=1, seq=seq, event_ns=event_ns, receive_ns=receive_ns, source=source, correlation_id="", account=account, body=body
    )


def name_of(one):
    return one.name(**dict.fromkeys(one.holes, "x-1"))


@pytest.mark.spec("BUS-03")
@pytest.mark.parametrize("one", [one for one in SUBJECTS if "gateway" in one.consumers and one.producers == ("session",)])
def test_every_subject_that_the_gateway_reads_is_shown_with_its_time(one):
    state = State(lambda: 99)
    if one.pattern == "command_results.{session}":  # an answer to one who asked
        assert one.body not in PUTS
        return
    take(state, name_of(one), message(sample(one.body)))
    told = [entry for channel in CHANNELS for entry in state.entries(channel).values()]
    assert told
    assert all((entry["time_ns"], entry["source"], entry["account"]) == (5, "session/live-1", "main") for entry in told)


def order(status, changed_ns, filled="0"):
    body = replace(sample(bodies.OrderChange), client_id="c1", status=status, filled=filled)
    return message(body, receive_ns=changed_ns)


@given(st.permutations([("NEW", 1), ("PARTIAL", 2), ("CANCELING", 3), ("CANCELED", 4)]))
def test_an_order_is_as_its_latest_change_says_in_whatever_order_they_come(changes):
    state = State()
    for status, changed_ns in changes:
        take(state, "orders.updated.x", order(status, changed_ns))
    assert state.get("orders", "c1")["status"] == "CANCELED"


def test_orders_that_ended_leave_after_a_bounded_number_and_open_ones_stay():
    state = State(done_max={"orders": 10})
    for number in range(100):
        status = "NEW" if number % 20 == 0 else "FILLED"
        body = replace(sample(bodies.OrderChange), client_id=f"c{number}", status=status)
        take(state, "orders.filled.x", message(body))
    left = state.entries("orders")
    assert sorted(key for key, one in left.items() if one["status"] == "NEW") == ["c0", "c20", "c40", "c60", "c80"]
    assert [key for key, one in left.items() if one["status"] == "FILLED"] == [f"c{number}" for number in range(90, 100)]


def test_a_channel_that_is_full_says_what_it_let_go():
    state = State()
    for number in range(ENTRIES_MAX + 3):
        state.put("orders", f"c{number}", {})
    assert len(state.entries("orders")) == ENTRIES_MAX
    assert state.dropped == {"orders": 3}


def test_a_fill_told_twice_is_one_and_a_real_one_takes_the_place_of_a_synthetic():
    state = State()
    body = replace(sample(bodies.Fill), is_synthetic=True, price="1")
    for one in (body, body, replace(body, is_synthetic=False, price="2"), body):
        take(state, "fills.x", message(one))
    (left,) = state.entries("fills").values()
    assert (left["price"], left["is_synthetic"]) == ("2", False)


def test_a_position_that_is_told_no_more_is_gone_and_those_of_other_sessions_stay():
    state = State()
    two = bodies.Holdings(
        session="a", positions=tuple(replace(sample(bodies.Holding), symbol=one) for one in ("BTC/USDT", "ETH/USDT"))
    )
    take(state, "account.position", message(two))
    take(state, "account.position", message(replace(two, session="b"), source="session/b"))
    take(state, "account.position", message(replace(two, positions=two.positions[:1])))
    assert set(state.entries("positions")) == {"a/BTC_USDT", "b/BTC_USDT", "b/ETH_USDT"}


@pytest.mark.spec("BUS-07")
def test_what_a_session_told_is_marked_when_it_is_over_and_keeps_its_values():
    state = State()
    take(state, "market_data.x.ticker", message(replace(sample(bodies.Ticker), symbol="BTC/USDT", bid="100")))
    take(state, "market_data.y.ticker", message(replace(sample(bodies.Ticker), symbol="ETH/USDT"), source="session/other"))
    health = replace(sample(bodies.Health), component="session/live-1", state="ended")
    take(state, "health.session-live-1", message(health))
    assert (state.get("market_data", "BTC_USDT")["bid"], state.get("market_data", "BTC_USDT")["is_stale"]) == ("100", True)
    assert not state.get("market_data", "ETH_USDT")["is_stale"]
    assert state.get("sessions", "live-1")["is_stale"]
    take(state, "market_data.x.ticker", message(replace(sample(bodies.Ticker), symbol="BTC/USDT", bid="101")))
    assert not state.get("market_data", "BTC_USDT")["is_stale"]


def test_parts_of_an_account_keep_their_own_times():
    state = State()
    take(state, "account.balance", message(replace(sample(bodies.Balance), session="a"), event_ns=10))
    take(state, "account.pnl", message(replace(sample(bodies.ProfitAndLoss), session="a", unrealised=None), event_ns=20))
    entry = state.get("account", "a")
    assert (entry["time_ns"], entry["balance"]["time_ns"], entry["pnl"]["time_ns"]) == (20, 10, 20)
    assert entry["pnl"]["unrealised"] is None


def test_public_trades_are_numbered_bounded_and_told_once():
    state = State()
    one = sample(bodies.Print)
    for number in range(30):
        prints = tuple(replace(one, price=str(number * 3 + at)) for at in range(3))
        body = bodies.Prints(symbol="BTC/USDT", prints=prints, left_out=0)
        take(state, "market_data.x.trades", message(body))
        take(state, "market_data.x.trades", message(body, source="session/other"))
    kept = state.get("trades", "BTC_USDT")["prints"]
    assert [entry["price"] for _, entry in sorted(kept.items())] == [str(price) for price in range(40, 90)]


def test_candles_are_one_for_each_interval_and_bounded():
    state = State()
    for number in range(300):
        body = replace(sample(bodies.Candle), symbol="BTC/USDT", open_ns=number // 2 * 60, close=str(number))
        take(state, "market_data.x.candles", message(body))
    bars = state.get("candles", "BTC_USDT")["bars"]
    assert len(bars) == 120
    assert bars[str(149 * 60)]["close"] == "299"


def test_of_two_sessions_that_watch_one_market_the_newer_word_counts():
    state = State()
    body = replace(sample(bodies.Ticker), symbol="BTC/USDT")
    take(state, "market_data.x.ticker", message(replace(body, bid="2"), event_ns=20))
    take(state, "market_data.x.ticker", message(replace(body, bid="1"), event_ns=10, source="session/other"))
    assert state.get("market_data", "BTC_USDT")["bid"] == "2"


@pytest.mark.parametrize("value", [{"x": object()}, {1: 2}, [1], 2**64, {"x": 2**63}])
def test_what_no_wire_can_carry_is_refused(value):
    with pytest.raises(Misuse):
        State().put("alerts", "a", value)


@pytest.mark.spec("SYS-N2")
def test_what_is_not_known_is_null_and_never_not_a_number():
    state = State()
    state.put("alerts", "a", {"x": float("nan"), "y": [float("inf")], "z": {"w": None}})
    entry = state.get("alerts", "a")
    assert (entry["x"], entry["y"], entry["z"]) == (None, [None], {"w": None})


@pytest.mark.parametrize("channel", ["audit", "", "order"])
def test_a_channel_that_nobody_declared_is_refused(channel):
    with pytest.raises(Misuse, match="no channel"):
        State().put(channel, "a", {})
