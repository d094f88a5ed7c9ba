"""The analytics process over a real bus: what it is told counts once, also when it is killed between storing and saying so."""

import asyncio
import signal
import subprocess
import sys
import time
from dataclasses import replace

import orjson
import pytest
from sqlalchemy import func, select

from b25.analytics.events import rules
from b25.analytics.events.buckets import DAY_NS
from b25.analytics.events.event import FILL
from b25.bus import bodies
from b25.bus.link import open_link
from b25.bus.message import Message
from b25.bus.publisher import Publisher
from b25.cli import main
from b25.runner.heartbeat import Life, read_beat
from b25.store.aggregates import Aggregates
from b25.store.analytics_tables import domain_event, market_analytics, order_analytics, strategy_performance, system_metrics
from b25.store.dead_letters import letters
from b25.store.history_tables import position_snapshot, session_snapshot
from b25.store.store import open_store
from tests.bus.conftest import Server
from tests.bus.stand import quiet, seen
from tests.store.conftest import url as url

PATIENCE_S = 120.0
# Ends itself with signal 9 right after its first batch is committed, and before anything is acknowledged.
DIES = """
import os, sys
from b25.store.event_log import EventLog
add = EventLog.add
def and_die(log, *told):
    add(log, *told)
    os.kill(os.getpid(), 9)
EventLog.add = and_die
from b25.cli import main
sys.exit(main(sys.argv[1:]))
"""
LIVES = "import sys\nfrom b25.cli import main\nsys.exit(main(sys.argv[1:]))"


@pytest.fixture
def server(tmp_path):
    made = Server(tmp_path / "run")
    made.start()
    yield made
    made.stop()


class Process:
    def __init__(self, server, url, root):
        self.server, self.url, self.root, self.running = server, url, root, None

    def start(self, code=LIVES, *words):
        given = ["analytics", "serve", "--store", self.url, "--bus", self.server.address.url, "--folder", str(self.server.folder)]
        command = [sys.executable, "-c", code, *given, "--refresh-s", "0.2", *words]
        self.running = subprocess.Popen(command, cwd=self.root, stdout=subprocess.DEVNULL)

    def beats(self):
        beat = read_beat(self.server.folder, "analytics")
        return beat is not None and beat.life is Life.RUNNING and beat.pid == self.running.pid

    def end(self):
        self.running.send_signal(signal.SIGTERM)
        return self.running.wait(PATIENCE_S)


@pytest.fixture
def process(server, url, root):
    made = Process(server, url, root)
    yield made
    if made.running is not None and made.running.poll() is None:
        made.running.kill()
        made.running.wait(PATIENCE_S)


def fill_text(number, **more):
    body = bodies.Fill(
        symbol="BTC/USDT", venue="v", trade_id=str(number), client_id="c1", venue_id="o1", strategy="Maker", side="buy",
        quantity="0.5", price="100", fee="0.1", fee_asset="USDT", is_maker=True, realised="1.25", is_synthetic=False, **more,
    )  # fmt: skip
    return Message(
        version=1, seq=number, event_ns=time.time_ns(), receive_ns=time.time_ns(), source="session/live-1", correlation_id="c1",
        account="main", body=body,
    ).encoded()  # fmt: skip


async def tell(server, texts):
    link = await open_link(server.address, "test", quiet)
    for message_id, text in texts:
        await link.stream.publish("fills.BTC_USDT", text, headers={"Nats-Msg-Id": message_id})
    await link.close()


async def unacknowledged(server, stream="B25_ORDERS"):
    link = await open_link(server.address, "test", quiet)
    try:
        told = await link.stream.consumer_info(stream, "analytics")
        return told.num_ack_pending, told.num_pending
    finally:
        await link.close()


def fills(count, start=0):
    return [(f"fill/v/main/BTC/{i}", fill_text(i)) for i in range(start, start + count)]


def stored(url):
    store = open_store(url)
    try:
        return store.rows(select(func.count()).select_from(domain_event).where(domain_event.c.type == FILL))[0][0]
    finally:
        store.close()


@pytest.mark.golden("G25")
@pytest.mark.spec("AN-03", "AN-N2")
@pytest.mark.slow
def test_killed_between_storing_and_acknowledging_each_event_counts_once(server, process, url):
    asyncio.run(tell(server, fills(30)))
    process.start(DIES, "--batch", "20", "--within-s", "0.2")
    assert process.running.wait(PATIENCE_S) == -signal.SIGKILL
    assert stored(url) == 20
    assert asyncio.run(unacknowledged(server))[0] >= 20
    # Its place at the server is forgotten: all of it is told again, as after the time that it waits for an answer.
    asyncio.run(forget(server))
    process.start(LIVES, "--within-s", "0.2")
    asyncio.run(seen(lambda: stored(url) == 30, PATIENCE_S))
    assert process.end() == 0
    store = open_store(url)
    (day,) = store.rows(select(strategy_performance))
    (order,) = store.rows(select(order_analytics))
    assert (day.fills, day.volume, day.realised) == (30, "1500", "37.5")
    assert (order.filled, order.fees) == ("15", '{"USDT":"3"}')
    Aggregates(store, rules).refresh(time.time_ns() + 2 * DAY_NS)
    (row,) = Aggregates(store, rules).read(FILL, "1d", 0, 2**62, dimension="strategy", now_ns=time.time_ns())
    assert (row["count"], row["member"]) == (30, "Maker")
    store.close()


async def forget(server):
    link = await open_link(server.address, "test", quiet)
    await link.stream.delete_consumer("B25_ORDERS", "analytics")
    await link.close()


@pytest.mark.golden("G25")
@pytest.mark.spec("AN-03")
@pytest.mark.slow
def test_what_waits_is_stored_at_the_end_and_what_is_malformed_is_seen(server, process, url, capsys):
    asyncio.run(
        tell(server, [*fills(500), ("bad", b"{"), ("strange", fill_text(1).replace(b'"side"', b'"size"')), *fills(499, 500)])
    )
    process.start(LIVES, "--within-s", "600", "--batch", "2000")
    asyncio.run(until_handed(server, 1_001))
    asyncio.run(seen(process.beats, PATIENCE_S))
    assert process.end() == 0
    assert read_beat(server.folder, "analytics").life is Life.STOPPED
    assert stored(url) == 999
    assert asyncio.run(unacknowledged(server)) == (0, 0)
    store = open_store(url)
    reasons = [row["reason"] for row in letters(store)]
    numbers = [row["seq"] for row in letters(store)]
    store.close()
    assert "no JSON" in reasons[0]
    assert "'side'" in reasons[1] or "'size'" in reasons[1]
    assert main(["analytics", "dead-letters", "--store", url, "--json"]) == 0
    assert [row["subject"] for row in orjson.loads(capsys.readouterr().out)["letters"]] == ["fills.BTC_USDT"] * 2
    why = ["--by", "ann", "--reason", "test", "--store", url, "--json"]
    assert main(["analytics", "dead-letters", "--replay", str(numbers[0]), *why]) == 1
    assert main(["analytics", "dead-letters", "--drop", str(numbers[0]), *why]) == 0
    capsys.readouterr()
    assert main(["analytics", "stats", "--store", url, "--json"]) == 0
    told = orjson.loads(capsys.readouterr().out)
    assert told["counts"] == {FILL: 999}
    assert told["dead_letters"] == {"waiting": 1, "dropped": 1}


async def until_handed(server, count):
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                if (await unacknowledged(server))[0] == count:
                    return
            except Exception as fault:
                if type(fault).__name__ != "NotFoundError":
                    raise
            await asyncio.sleep(0.1)


BTC = {"symbol": "BTC_USDT"}
PNL = bodies.ProfitAndLoss(session="paper-1", asset="USDT", realised="1.5", unrealised=None, fees="0.25")
HOLDING = bodies.Holding(
    symbol="BTC/USDT", quantity="-0.5", entry_price="100", mark="98", notional="49", unrealised="1", realised="0", fees="0"
)
HELD = bodies.Holdings(session="paper-1", positions=(HOLDING,))
HEALTH = bodies.Health(
    component="session/paper-1", state="running", mode="paper", strategy="Maker", symbols=("BTC/USDT",), events=7, messages=8,
    live_orders=1, fault=None, bus_waiting=0, bus_overtaken=0, bus_refused=0,
)  # fmt: skip
SIGNAL = bodies.Signal(
    session="paper-1", strategy="Maker", symbol="BTC/USDT", kind="new", side="buy", price="100", quantity="1", verdict="ok"
)
CANDLE = bodies.Candle(
    symbol="BTC/USDT", open_ns=0, close_ns=1, open="1", high="2", low="1", close="2", volume="3", trades=4, is_closed=True
)


@pytest.mark.spec("AN-08", "AN-N3", "AM-14")
@pytest.mark.slow
def test_what_sessions_tell_fills_every_table(server, tmp_path):
    from b25.bus.subscriber import Subscriber
    from b25.runner.analytics_intake import Intake
    from b25.store.event_log import EventLog
    from b25.store.history import Samples

    store = open_store(f"sqlite:///{tmp_path / 'b25.db'}")
    now = [1_800_000_000 * 10**9 + 5]
    publisher = Publisher("session", "paper-1", account="main", clock_ns=lambda: now[0])
    intake = Intake(EventLog(store, rules, now_ns=lambda: now[0]), Samples(store))

    async def story():
        reading, telling = await open_link(server.address, "analytics", quiet), await open_link(server.address, "s", quiet)
        subscriber = Subscriber(reading, "analytics")
        wanted = {
            "account.balance": intake.balance, "account.pnl": intake.pnl, "account.position": intake.position,
            "health.{component}": intake.health, "market_data.{symbol}.ticker": intake.ticker,
            "market_data.{symbol}.candles": intake.candle, "signals.{strategy}": intake.signal,
        }  # fmt: skip
        for pattern, handler in wanted.items():
            await subscriber.read(pattern, handler).started.wait()
        await intake.sample(now[0])
        now[0] += 30 * 10**9
        told = [
            ("account.balance", {}, bodies.Balance(session="paper-1", asset="USDT", equity="1000.50")),
            ("account.pnl", {}, PNL), ("account.position", {}, HELD),
            ("health.{component}", {"component": "session-paper-1"}, HEALTH),
            ("market_data.{symbol}.ticker", BTC, bodies.Ticker(symbol="BTC/USDT", bid="99", ask="101", last=None)),
            ("signals.{strategy}", {"strategy": "Maker"}, SIGNAL),
            ("market_data.{symbol}.candles", BTC, replace(CANDLE, open_ns=now[0] - 10, close_ns=now[0] + 10)),
        ]  # fmt: skip
        for pattern, tokens, body in told:
            publisher.channel(pattern, **tokens).offer(body, now[0] - 5)
            await publisher.send(telling)
        await seen(lambda: sum(one.counts.handled for one in subscriber.subscriptions) == len(told))
        await intake.sample(now[0])
        await intake.flush()
        await subscriber.close()
        for link in (reading, telling):
            await link.close()

    asyncio.run(story())
    (worth,) = store.rows(select(session_snapshot))
    assert (worth.equity, worth.realised, worth.unrealised, worth.fees, worth.ts_ns % (30 * 10**9)) == (
        "1000.50",
        "1.5",
        None,
        "0.25",
        0,
    )
    (held,) = store.rows(select(position_snapshot))
    assert (held.symbol, held.quantity, held.account) == ("BTC/USDT", "-0.5", "main")
    (health,) = store.rows(select(system_metrics))
    assert (health.component, health.state, health.events) == ("session/paper-1", "running", 7)
    (candle,) = store.rows(select(market_analytics))
    assert (candle.close, candle.spread_bps_mean, candle.samples) == ("2", pytest.approx(200), 1)
    kinds = [row.type for row in store.rows(select(domain_event).order_by(domain_event.c.type))]
    assert kinds == ["balance.updated", "health.changed", "position.updated", "signal.generated"]
    Aggregates(store, rules).refresh(now[0])
    (row,) = Aggregates(store, rules).read("balance.updated.equity", "1m", 0, 2**62, dimension="session", now_ns=now[0])
    assert (row["max"], row["member"]) == (1000.5, "paper-1")
    store.close()
