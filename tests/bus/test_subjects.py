"""The registry: nothing undeclared, each subject with its maker, each sample readable by each reader, tokens both ways."""

from dataclasses import fields

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from b25.bus import bodies
from b25.bus.message import Message, Unreadable, decoded
from b25.bus.publisher import Publisher
from b25.bus.streams import stream_configs
from b25.bus.subjects import (
    BY_PATTERN,
    COMPONENTS,
    SUBJECTS,
    Delivery,
    SymbolTokens,
    check_subjects,
    subject,
    subject_of,
    symbol_token,
)
from b25.model.errors import Misuse
from tests.bus.stand import sample

SPECIFIED = """
market_data.{symbol}.orderbook market_data.{symbol}.trades market_data.{symbol}.ticker market_data.{symbol}.candles
signals.{strategy} orders.created.{symbol} orders.updated.{symbol} orders.filled.{symbol} orders.canceled.{symbol}
orders.rejected.{symbol} fills.{symbol} account.balance account.position account.pnl risk.metrics risk.violation risk.alert
risk.emergency config.updates.{type} alerts.{severity} health.{component} commands.{session}
""".split()


def filled(one):
    return one.name(**dict.fromkeys(one.holes, "x-1"))


def message_of(body, version=1):
    return Message(
        version=version, seq=7, event_ns=1, receive_ns=2, source="session/s", correlation_id="c", account="a", body=body
    )


@pytest.mark.spec("BUS-01")
def test_every_subject_of_the_specification_is_declared_once():
    assert set(SPECIFIED) <= set(BY_PATTERN)
    assert len(BY_PATTERN) == len(SUBJECTS)


@pytest.mark.spec("BUS-03", "BUS-N2")
@pytest.mark.parametrize("one", SUBJECTS, ids=lambda one: one.pattern)
def test_a_subject_has_makers_readers_and_a_body_that_every_reader_reads(one):
    assert one.producers
    assert set(one.producers) | set(one.consumers) <= set(COMPONENTS)
    assert subject_of(filled(one)) is one
    made = message_of(sample(one.body), one.version)
    for _reader in one.consumers:
        assert decoded(made.encoded(), one.body, one.version, one.pattern) == made


@pytest.mark.parametrize("one", SUBJECTS, ids=lambda one: one.pattern)
def test_a_field_that_is_missing_strange_or_of_another_type_is_refused(one):
    whole = orjson.loads(message_of(sample(one.body)).encoded())
    for field in fields(one.body):
        without = {name: value for name, value in whole["body"].items() if name != field.name}
        for body in (without, whole["body"] | {"strange": 1}, whole["body"] | {field.name: {"a": object} and [[1.5]]}):
            with pytest.raises(Unreadable) as refused:
                decoded(orjson.dumps(whole | {"body": body}), one.body, 1, one.pattern)
            assert one.pattern in str(refused.value)


@pytest.mark.parametrize("text", [b"", b"[]", b"1", b"{}", b'{"version": 2}', b"\xff"])
def test_what_is_no_message_is_refused(text):
    with pytest.raises(Unreadable):
        decoded(text, bodies.Ticker, 1, "t")


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_and_nothing_else_happens(text):
    with pytest.raises(Unreadable):
        decoded(text, bodies.Ticker, 1, "t")


def test_another_version_is_refused_by_name():
    with pytest.raises(Unreadable, match="version 2"):
        decoded(message_of(sample(bodies.Alert), 2).encoded(), bodies.Alert, 1, "alerts.info")


@pytest.mark.spec("BUS-N1")
def test_an_undeclared_subject_is_not_published_or_found():
    with pytest.raises(Misuse, match=r"did you mean fills\.\{symbol\}"):
        subject("fill.{symbol}")
    with pytest.raises(Misuse):
        subject_of("fills.a.b")
    with pytest.raises(Misuse, match="declared"):
        Publisher("session", "s").channel("weather.{symbol}", symbol="x")


@pytest.mark.spec("BUS-N1")
def test_a_component_publishes_only_what_is_its_own():
    with pytest.raises(Misuse, match="may not publish"):
        Publisher("session", "s").channel("commands.{session}", session="s")


def test_a_channel_says_only_its_own_body():
    with pytest.raises(Misuse, match="does not say"):
        Publisher("session", "s").channel("account.pnl").offer(sample(bodies.Alert), 1)


@pytest.mark.parametrize("token", ["", "a.b", "a b", "*", ">", "ü"])
def test_what_is_no_token_is_refused(token):
    with pytest.raises(Misuse, match="no token"):
        subject("fills.{symbol}").name(symbol=token)


@pytest.mark.spec("BUS-03", "NT-N1")
def test_a_plan_in_which_a_reader_waits_in_vain_is_refused():
    check_subjects(["session", "gateway"])
    check_subjects([])
    with pytest.raises(Misuse, match=r"gateway reads market_data\.\{symbol\}\.orderbook"):
        check_subjects(["gateway"])
    with pytest.raises(Misuse, match="no component"):
        check_subjects(["sesion"])


@pytest.mark.spec("BUS-06")
def test_what_must_arrive_is_in_exactly_one_stream_and_nothing_else_is():
    kept = [name for config in stream_configs() for name in config.subjects]
    assert len(kept) == len(set(kept))
    assert set(kept) == {one.filter() for one in SUBJECTS if one.delivery is Delivery.AT_LEAST_ONCE}


def test_a_token_means_the_symbol_that_an_instrument_has():
    tokens = SymbolTokens(["BTC/USDT:USDT", "BTC/USDT", "BTC/USDT:USDT-261225"])
    assert symbol_token("BTC/USDT:USDT") == "BTC_USDT_USDT"
    assert tokens.symbol("BTC_USDT_USDT") == "BTC/USDT:USDT"
    assert tokens.symbol("BTC_USDT_USDT-261225") == "BTC/USDT:USDT-261225"
    with pytest.raises(Misuse, match="no instrument"):
        tokens.symbol("ETH_USDT")
    with pytest.raises(Misuse, match="same token"):
        tokens.token("BTC/USDT/USDT")


@pytest.mark.spec("BUS-01")
@given(st.lists(st.from_regex(r"\A[A-Z]{2,5}/[A-Z]{3,4}(:[A-Z]{3,4})?\Z"), unique=True, max_size=8))
def test_tokens_go_both_ways_for_all_symbols(symbols):
    tokens = SymbolTokens(symbols)
    assert [tokens.symbol(tokens.token(symbol)) for symbol in symbols] == symbols
    assert all(subject("fills.{symbol}").matches(f"fills.{tokens.token(symbol)}") for symbol in symbols)
