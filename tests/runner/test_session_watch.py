"""A session that is watched from within: others' stops and its own gate's latches become commands, and it says how it stands."""

import asyncio
import itertools
import json
from collections import deque

import numpy as np
import pytest

import b25
from b25.account.ledger.alerts import Alert
from b25.account.ledger.drift import Severity
from b25.cli import main
from b25.model.errors import Misuse
from b25.model.event import BUY, ORDER_ACCEPTED, ORDER_FILLED
from b25.model.order import Reason
from b25.model.world import LIMITS
from b25.runner.alarms import FILE, Alarms
from b25.runner.durable_file import read_json, write_durably
from b25.runner.heartbeat import Life
from b25.runner.kill import RISK_LATCH
from b25.runner.kill_latch import Trigger, confirmation, pull, rearm
from b25.runner.kill_scopes import Level, pull_scoped, rearm_scoped
from b25.runner.live import LiveLoop
from b25.runner.seat import session_folder
from b25.runner.session_commands import SessionCommands
from b25.runner.session_watch import HOLD, OnLatch, SessionWatch, read_status
from b25.runner.supervised import Supervised
from b25.session.session import Session
from tests.engine.runs import ETH
from tests.session.test_commands_state import Wisher
from tests.session.test_session import SECOND_NS, composed, level, snapshot

WHY = "it was looked at and is well"


class Desk:
    """A gateway that sends nothing and remembers what it was to do."""

    client_id_prefix = "b25-aa-"

    def __init__(self):
        self.acted = []

    def act(self, effects):
        self.acted.extend(effects.copy())

    def rows(self, book, rows):
        """It makes no market."""


class Stage:
    """One session in a loop that the test turns by hand, and the watch over it."""

    def __init__(self, folder, on_latch=OnLatch.REDUCE, **limits):
        self.folder, self.said = folder, []
        ticks = itertools.count(2 * SECOND_NS, SECOND_NS // 10)
        self.loop = LiveLoop(lambda: next(ticks), self.said.append)
        self.desk = Desk()
        rows = b25.Limits(**limits).record(ETH).astype(LIMITS)
        self.session = Session(composed(cls=Wisher, limits=rows), folder / "one.journal", self.desk.act)
        self.loop.wire(self.session, self.desk)
        self.own = Supervised.begin(folder, "mm", account="demo")
        self.own.life = Life.RUNNING
        self.watch = SessionWatch(self.loop, self.own, "live", on_latch, Alarms(folder, "mm", self.said.append))
        self.commands = SessionCommands(self.watch)
        self.seen = []
        self.session.watch = lambda rows: self.seen.extend(rows.copy())
        self.price = 100_000

    def start(self):
        self.loop.command(b25_start())
        self.loop.deliver(snapshot(1, self.price, self.price + 10))
        order = self.desk.acted[-1]
        for kind in (ORDER_ACCEPTED, ORDER_FILLED):
            self.answer(kind, order)
        return self

    def answer(self, kind, order):
        from b25.session.gateway import order_event

        lots, ticks = int(order["qty_lots"]), int(order["price_ticks"])
        more = {"qty_lots": lots, "price_ticks": ticks} if kind == ORDER_FILLED else {}
        self.loop.deliver(
            order_event(kind, int(order["order_id"]), instrument=0, request_id=int(order["request_id"]), side=BUY, **more)
        )

    def move(self):
        """One book; gives the reason of the last decision on it."""
        self.price += 1
        before = len(self.seen)
        self.loop.deliver(level(1, BUY, self.price, 10))
        return Reason(int(self.seen[-1]["reason"])) if len(self.seen) > before else None

    def ask(self, command, **more):
        return self.commands.act({"command": command, "by": "ann", "reason": WHY, **more})


def b25_start():
    from b25.session.commands import Command

    return Command.START


@pytest.fixture
def staged(tmp_path):
    made = []

    def make(**more):
        made.append(Stage(tmp_path, **more))
        return made[-1].start()

    async def turn(act):
        act(make)

    yield lambda act: asyncio.run(turn(act))
    for one in made:
        one.own.end()
        one.session.close("done")


def test_commands_do_what_they_say_and_status_tells_it(staged):
    def act(make):
        here = make()
        assert here.move() is Reason.OK
        told = here.ask("pause")
        assert (told["state"], told["gate"]) == ("paused", "active")
        assert here.move() is Reason.REDUCING
        assert here.ask("resume")["state"] == "active"
        assert here.move() is Reason.OK
        here.ask("set", parameter="wants", value=0)
        assert here.move() is None
        status = here.ask("status")
        assert status["positions"] == {ETH.symbol: "0.001"}
        assert status["profit"] is not None
        assert status["picture"]["strategy"]["wants"] == 0
        assert here.ask("flatten")["state"] == "paused"
        assert here.ask("stop", flatten=True)["state"] == "ending"
        assert here.loop.flattens
        for wrong in ("nonsense", "set", "override"):
            with pytest.raises(Misuse):
                here.ask(wrong)
        with pytest.raises(Misuse, match="is ending"):
            here.ask("resume")

    staged(act)


def test_a_latched_account_stops_the_session_and_it_stays_paused_after_re_arming(staged, tmp_path):
    def act(make):
        here = make()
        here.ask("kill")
        assert here.move() is Reason.STOPPED
        with pytest.raises(Misuse, match="the kill switch holds"):
            here.ask("resume")
        latch = pull(tmp_path, "demo", by="x", reason="x", trigger=Trigger.COMMAND)
        assert latch.trigger is Trigger.API
        rearm(tmp_path, "demo", by="ann", reason=WHY, typed=confirmation(latch), signed_off=True)
        here.watch.look()
        assert here.move() is Reason.REDUCING
        assert here.ask("resume")["state"] == "active"
        assert here.move() is Reason.OK
        assert "stopped" in (tmp_path / FILE).read_text()

    staged(act)


@pytest.mark.parametrize(
    ("stop", "reason"),
    [
        ((Level.SESSION, "mm"), Reason.STOPPED),
        ((Level.SESSION, "other"), Reason.OK),
        ((Level.SYMBOL, ETH.symbol), Reason.SYMBOL_RESTRICTED),
        ((Level.SYMBOL, "XRP/USDT"), Reason.OK),
        ((Level.REDUCE_ONLY, ""), Reason.REDUCING),
    ],
)
def test_a_stop_of_a_part_is_obeyed_by_whom_it_is_about(staged, tmp_path, stop, reason):
    def act(make):
        here = make()
        made = pull_scoped(tmp_path, "demo", *stop, by="ann", reason="odd", trigger=Trigger.COMMAND)
        here.watch.look()
        assert here.move() is reason
        rearm_scoped(tmp_path, made.kill_id, by="ann", reason=WHY)
        here.watch.look()
        if here.watch.is_paused:
            here.ask("resume")
        assert here.move() is Reason.OK

    staged(act)


def test_a_hold_of_the_drop_copy_is_lifted_by_a_named_person(staged, tmp_path):
    def act(make):
        here = make()
        path = session_folder(tmp_path, "mm") / HOLD
        write_durably(path, b'{"reason": "positions differ"}')
        here.watch.look()
        assert here.move() is Reason.REDUCING
        assert "positions differ" in here.watch.why
        with pytest.raises(Misuse, match="a name and a reason"):
            here.commands.act({"command": "re-arm", "by": "", "reason": ""})
        here.ask("re-arm")
        here.watch.look()
        here.ask("resume")
        assert here.move() is Reason.OK

    staged(act)


@pytest.mark.parametrize("on_latch", OnLatch)
def test_what_follows_a_latch_of_the_gate_is_policy(staged, tmp_path, on_latch):
    def act(make):
        here = make(on_latch=on_latch, daily_loss_max=0.001)
        here.session.machine.world.positions["realised"] -= 10**6  # a loss that nobody was asked about
        here.session.machine.world.positions["position_lots"] = 0
        here.watch._second_s = float("-inf")
        here.watch.look()
        here.watch.look()
        assert here.watch.latched == {"daily_loss"}
        assert here.move() is Reason.DAILY_LOSS_LIMIT
        row = read_json(session_folder(tmp_path, "mm") / RISK_LATCH)
        assert bool(row) is (on_latch is not OnLatch.REDUCE)
        assert bool(row.get("flatten")) is (on_latch is OnLatch.FLATTEN)
        assert here.ask("status")["picture"]["risk"]["latched"] == ["daily_loss"]
        with pytest.raises(Misuse, match="does not latch"):
            here.ask("re-arm", controls=["collar"])
        here.ask("re-arm", controls=["daily_loss"])
        assert here.ask("status")["picture"]["risk"]["latched"] == []

    staged(act)


def test_one_order_past_the_limits_needs_a_name_a_reason_and_haste(staged):
    def act(make):
        here = make()
        here.ask("set", parameter="wants", value=0)
        here.ask("override", side="sell", quantity="0.002", price=str(ETH.price(100_050)))
        sent = here.desk.acted[-1]
        assert (int(sent["side"]), int(sent["qty_lots"]), int(sent["price_ticks"])) == (-1, ETH.lots("0.002"), 100_050)
        terms = {"side": "sell", "quantity": "0.002"}
        for wrong in ({"expires_s": 301}, {"time_ns": 1}, {"side": "hold"}, {"quantity": "many"}, {"symbol": "none"}, {"by": ""}):
            with pytest.raises(Misuse):
                here.ask("override", **{**terms, **wrong})

    staged(act)


def test_the_status_is_written_for_others(staged, tmp_path, capsys):
    def act(make):
        here = make()
        here.watch.write_status()
        told = read_status(tmp_path, "mm")
        assert (told["session"], told["state"], told["account"], told["epoch"]) == ("mm", "active", "demo", here.own.seat.epoch)
        assert told["positions"] == {ETH.symbol: "0.001"}
        assert np.isfinite(told["profit"])
        assert main(["session", "list", "--folder", str(tmp_path), "--json"]) == 0
        (row,) = json.loads(capsys.readouterr().out)["processes"]
        assert (row["name"], row["phase"], row["state"], row["positions"]) == ("mm", "up", "active", told["positions"])
        assert row["silent_s"] is not None
        assert main(["session", "list", "--folder", str(tmp_path)]) == 0
        assert f"0.001 {ETH.symbol}" in capsys.readouterr().out

    staged(act)


class Books:
    """What the account's watch says, as a test would have it."""

    def __init__(self):
        self.why, self.reducing, self.emergency, self.told = "", "", "", deque()

    def standing(self):
        return self.why or self.emergency

    def facts(self):
        return {"adjusted": {}}


def test_a_halted_account_pauses_the_session_until_a_person_resumes_both(staged):
    def act(make):
        here = make()
        books = here.loop.account = Books()
        here.watch.look()
        assert here.move() is Reason.OK
        books.why = "the account is halted: drift"
        here.watch.look()
        assert here.move() is Reason.REDUCING
        assert here.ask("status")["why"] == books.why
        with pytest.raises(Misuse, match="the account is halted"):
            here.ask("resume")
        books.why = ""
        here.watch.look()
        assert here.move() is Reason.REDUCING  # it does not start trading by that alone
        assert here.ask("resume")["state"] == "active"
        assert here.move() is Reason.OK

    staged(act)


def test_a_hard_policy_holds_the_session_to_reducing_for_as_long_as_it_is_broken(staged):
    def act(make):
        here = make()
        books = here.loop.account = Books()
        books.reducing = "leverage is 4"
        here.watch.look()
        assert here.move() is Reason.REDUCING
        told = here.ask("status")
        assert (told["state"], told["gate"], told["why"]) == ("active", "reducing", "leverage is 4")
        books.why = "the account is halted: drift"  # both at once, and the hard one ends first
        here.watch.look()
        books.reducing = ""
        here.watch.look()
        assert here.move() is Reason.REDUCING
        books.why, books.reducing = "", "leverage is 4"
        here.watch.look()
        assert here.ask("resume")["gate"] == "reducing"
        books.reducing = ""
        here.watch.look()
        assert here.ask("status")["why"] == ""
        assert here.move() is Reason.OK

    staged(act)


@pytest.mark.parametrize("on_latch", [OnLatch.REDUCE, OnLatch.KILL])
def test_an_emergency_of_the_account_is_told_and_kills_where_it_is_to(staged, tmp_path, on_latch):
    def act(make):
        here = make(on_latch=on_latch)
        books = here.loop.account = Books()
        books.emergency = "margin_usage is 0.93"
        books.told.append(Alert(1, "POLICY margin-stop", Severity.CRITICAL, books.emergency, 0))
        here.watch.look()
        assert here.move() in (Reason.REDUCING, Reason.STOPPED)
        assert "margin_usage is 0.93" in (tmp_path / FILE).read_text()
        assert bool(list(tmp_path.rglob(RISK_LATCH))) is (on_latch is OnLatch.KILL)

    staged(act)
