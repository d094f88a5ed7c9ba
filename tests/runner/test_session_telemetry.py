"""A session on the bus: what it tells, that it goes on when the bus does not, and commands that reach it."""

import asyncio
import json
import signal
import socket
import subprocess
import sys
from decimal import Decimal

import numpy as np
import pytest

from b25.bus import bodies
from b25.bus.address import TOKEN_FILE, URL, bus_folder
from b25.bus.command_desk import send_command
from b25.bus.link import open_link
from b25.bus.publisher import Publisher
from b25.bus.subscriber import watch as read_along
from b25.cli import main
from b25.model.errors import Misuse, Retry
from b25.model.event import ROW, TRADE
from b25.model.instrument import Instrument
from b25.model.order import EFFECT, SUBMIT, Reason
from b25.runner.bus_process import with_bus
from b25.runner.live_session import live
from b25.runner.session_notes import CANDLE_NS, Notes
from b25.runner.session_telemetry import telling
from b25.runner.supervisor_plan import read_plan
from tests.bus.conftest import Server, free_port, server
from tests.bus.stand import LONGEST_S, quiet, seen
from tests.runner.test_live_session import plan_of, venue

__all__ = ["server", "venue"]  # fixtures


class Operator:
    """Reads everything along, in the session's own loop, and may do something once it has seen enough."""

    def __init__(self, server, enough, act=None):
        self.server, self.enough, self.act = server, enough, act
        self.heard, self.result, self.fault = {}, None, None

    def names(self):
        return set(self.heard)

    async def run(self, loop):
        try:
            await seen(lambda: loop.session.events_taken > 0, 10 * LONGEST_S)  # what is compiled first, is compiled by then
            link = await open_link(self.server.address, "operator", quiet)
            await read_along(link, ">", lambda name, message, _: self.heard.setdefault(name, []).append(message))
            await seen(lambda: self.enough(self))
            if self.act is not None:
                self.result = await self.act(link)
            await link.close()
        except BaseException as fault:
            self.fault = fault
        finally:
            loop.stop("it was seen")

    def watch(self, loop):
        loop.operating = asyncio.get_running_loop().create_task(self.run(loop))


def told_of(server, plan, operator, said=quiet, before=lambda telemetry: None):
    """Run a session with its bus and an operator; returns how it ended."""
    with telling(server.address.url, server.folder, plan, said, {}) as telemetry:
        before(telemetry)

        def watch(loop):
            telemetry.watch(loop)
            operator.watch(loop)

        facts = asyncio.run(live(plan, quiet, watch))
    if operator.fault is not None:
        raise operator.fault
    return facts


MARKET = {f"market_data.BTC_USDT_USDT.{kind}" for kind in ("orderbook", "trades", "ticker", "candles")}
ACCOUNT = {"account.balance", "account.position", "account.pnl", "risk.metrics", "signals.MarketMaker", "health.session-paper-1"}


def test_a_session_on_paper_tells_of_market_account_and_health(venue, server, tmp_path):
    operator = Operator(server, lambda self: self.names() >= MARKET | ACCOUNT)
    facts = told_of(server, plan_of(venue, tmp_path, "paper"), operator)
    assert facts["halt"] is None
    assert all(message is not None for messages in operator.heard.values() for message in messages)  # all of it is readable
    book = operator.heard["market_data.BTC_USDT_USDT.orderbook"][-1].body
    assert float(book.bids[0][0]) < float(book.asks[0][0])
    assert [float(price) for price, _ in book.bids] == sorted((float(price) for price, _ in book.bids), reverse=True)
    assert operator.heard["account.balance"][-1].body.asset == "USDT"
    health = operator.heard["health.session-paper-1"][-1]
    assert (health.body.state, health.body.mode, health.source) == ("running", "paper", "session/paper-1")


def test_a_command_over_the_bus_reaches_the_session_in_its_own_thread(venue, server, tmp_path):
    asked = []

    def take_commands(telemetry):
        def handle(request):
            asyncio.get_running_loop()  # there is one: this is the session's thread
            asked.append(request["command"])
            telemetry.loop.set_parameter("quantity", 0.005)
            return {"ok": True, "state": "active"}

        telemetry.handle = handle

    async def act(link):
        result = await send_command(link, "paper-1", {"command": "set"}, by="ann", reason="smaller", within_s=20)
        await seen(lambda: "config.parameters.paper-1" in operator.heard)
        return result

    operator = Operator(server, lambda self: "account.pnl" in self.heard, act)
    told_of(server, plan_of(venue, tmp_path, "paper"), operator, before=take_commands)
    assert asked == ["set"]
    assert operator.result.is_done
    change = operator.heard["config.parameters.paper-1"][0].body
    assert (change.name, float(change.new)) == ("quantity", 0.005)


def test_a_session_without_a_command_path_says_so(venue, server, tmp_path):
    async def act(link):
        return await send_command(link, "paper-1", {"command": "pause"}, by="ann", reason="test", within_s=20)

    operator = Operator(server, lambda self: "account.pnl" in self.heard, act)
    told_of(server, plan_of(venue, tmp_path, "paper"), operator)
    assert "takes no commands" in operator.result.answer["what"]


def test_the_bus_goes_away_and_the_session_trades_on(venue, server, tmp_path):
    said = []

    class Breaks(Operator):
        async def run(self, loop):
            try:
                await seen(lambda: loop.session.events_taken > 200, 10 * LONGEST_S)
                await asyncio.to_thread(self.server.stop)
                await seen(lambda: any("lost" in text for text in said))
                taken = loop.session.events_taken
                await seen(lambda: loop.session.events_taken > taken + 200)
            except BaseException as fault:
                self.fault = fault
            finally:
                loop.stop("it was seen")

    facts = told_of(server, plan_of(venue, tmp_path, "paper"), Breaks(server, None), said.append)
    assert facts["halt"] is None


def test_a_bus_that_is_asked_for_and_not_there_keeps_the_session_from_starting(venue, tmp_path):
    plan = plan_of(venue, tmp_path, "paper")
    with pytest.raises(Retry, match="does not answer"), telling(f"nats://127.0.0.1:{free_port()}", tmp_path, plan, quiet, {}):
        pass


def test_without_a_bus_nothing_is_told(venue, tmp_path):
    plan = plan_of(venue, tmp_path, "paper")
    for bus, environment in (("none", {URL: "nats://127.0.0.1:1"}), ("", {})):
        with telling(bus, tmp_path, plan, quiet, environment) as telemetry:
            assert telemetry is None


# What is noted.


ONE = Instrument(venue="sim", symbol="BTC/USDT:USDT", tick=Decimal("0.1"), lot=Decimal("0.001"))


def notes_of():
    publisher = Publisher("session", "s")
    return Notes("s", "X", [ONE], publisher), publisher


def offered(publisher, kind):
    waiting = [*publisher._latest.values(), *publisher._kept]
    return [one.message for one in waiting if isinstance(one.message.body, kind)]


def prints(*rows):
    made = np.zeros(len(rows), ROW)
    made["kind"], made["side"] = TRADE, 1
    for row, (time_ns, price_ticks, qty_lots) in zip(made, rows, strict=True):
        row["exch_ns"], row["price_ticks"], row["qty_lots"] = time_ns, price_ticks, qty_lots
    return made


def test_prints_become_candles_that_are_closed_once():
    notes, publisher = notes_of()
    notes.rows(0, prints((1, 100, 2), (2, 105, 1), (3, 99, 1)))
    notes.rows(0, prints((CANDLE_NS + 1, 101, 4)))
    notes.collect()
    (candle,) = (message.body for message in offered(publisher, bodies.Candle))
    one = notes.instruments[0]
    assert candle.is_closed
    assert [candle.open, candle.high, candle.low, candle.close] == [str(one.price(p)) for p in (100, 105, 99, 99)]
    assert (candle.volume, candle.trades, candle.close_ns) == (str(one.quantity(4)), 3, CANDLE_NS)
    (told,) = (message.body for message in offered(publisher, bodies.Prints))
    assert len(told.prints) == 4
    assert notes.last[0] == str(one.price(101))


def test_refusals_are_counted_by_reason_and_signals_leave_a_hole():
    notes, publisher = notes_of()
    rows = np.zeros(5, EFFECT)
    rows["kind"], rows["side"], rows["qty_lots"] = SUBMIT, 1, 3
    rows["reason"][:3] = Reason.POSITION_LIMIT
    notes.effects(rows)
    rows["reason"] = 0  # the memory is the session's own
    notes.collect()
    (violation,) = (message.body for message in offered(publisher, bodies.RiskViolation))
    assert (violation.rule, violation.count) == ("position_limit", 3)
    (signal,) = offered(publisher, bodies.Signal)
    assert (signal.seq, signal.body.verdict, signal.body.kind) == (5, "ok", "submit")


# The plan of `b25 up`, and the commands.


PLAN = """
[processes.a]
command = ["{{python}}", "-m", "b25", "run", "x.py:X"]
beats = false
{more}
"""


def plan_file(tmp_path, more):
    path = tmp_path / "up.toml"
    path.write_text(PLAN.format(more=more))
    return path


def bus_plan(tmp_path, more):
    path = plan_file(tmp_path, more)
    return with_bus(read_plan(path, tmp_path), path, tmp_path)


def test_a_plan_with_a_bus_starts_it_first_and_tells_the_others(tmp_path):
    own, session = bus_plan(tmp_path, "[bus]\nport = 15222")
    assert (own.name, own.ready, own.order < session.order) == ("bus", "127.0.0.1:15222", True)
    assert session.environment == {URL: "nats://127.0.0.1:15222", TOKEN_FILE: str(bus_folder(tmp_path) / "token")}
    (session,) = bus_plan(tmp_path, '[bus]\nurl = "nats://elsewhere:4222"')
    assert session.environment == {URL: "nats://elsewhere:4222"}
    (session,) = bus_plan(tmp_path, "")
    assert session.environment == {}


@pytest.mark.parametrize(
    "more",
    ["prt = 1", "port = 0", 'url = "x"', 'port = 1\nurl = "nats://a"', '[processes.bus]\ncommand = ["x"]'],
)
def test_a_strange_bus_is_refused(tmp_path, more):
    with pytest.raises(Misuse):
        bus_plan(tmp_path, f"[bus]\n{more}")


def test_a_plan_without_a_session_waits_for_one(tmp_path):
    path = tmp_path / "up.toml"
    path.write_text('[bus]\n[processes.g]\ncommand = ["{python}", "-m", "b25", "gateway"]\n')
    assert [one.name for one in with_bus(read_plan(path, tmp_path), path, tmp_path)] == ["bus", "g"]


def test_b25_up_starts_the_bus_and_ends_it_last(tmp_path):
    port = free_port()
    path = tmp_path / "up.toml"
    look = ["{python}", "-m", "b25", "bus", "check", "--folder", "{folder}", "--json"]
    alone = "".join(f"[{name}]\nenabled = false\n" for name in ("gateway", "analytics", "alerts", "drift", "scheduler"))
    path.write_text(f"[bus]\nport = {port}\n[processes.look]\ncommand = {json.dumps(look)}\nbeats = false\n" + alone)
    run = tmp_path / "run"
    command = [sys.executable, "-m", "b25", "up", "--plan", str(path), "--folder", str(run), "--json"]
    up = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def told():
        return any(
            b'"round_trip_ms"' in log.read_bytes() for log in run.rglob("*") if log.is_file() and "streams" not in log.parts
        )

    try:
        asyncio.run(seen(lambda: up.poll() is not None or told(), 2 * LONGEST_S))
        up.send_signal(signal.SIGTERM)
        out, _ = up.communicate(timeout=2 * LONGEST_S)
    finally:
        up.kill()
        up.wait()
    facts = {one["name"]: one for one in json.loads(out)["processes"]}
    assert set(facts) == {"bus", "look"}
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), 1.0)


def test_the_commands_look_at_the_bus(server: Server, capsys):
    where = ["--url", server.address.url, "--folder", str(server.folder), "--json"]
    assert main(["bus", "check", *where]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in facts["streams"]] == ["B25_ORDERS", "B25_COMMANDS", "B25_NOTICES"]
    assert main(["bus", "watch", "fills.>", "--for-s", "0.05", *where]) == 0
    assert main(["bus", "watch", "weather.>", *where]) == 1
    assert "nothing declared matches" in capsys.readouterr().out
    assert main(["bus", "subjects", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["subjects"]) > 20
    assert main(["bus", "send", "nobody", "pause", "--by", "a", "--reason", "b", "--within-s", "0.2", *where]) == 1
    assert "has not answered" in capsys.readouterr().out
