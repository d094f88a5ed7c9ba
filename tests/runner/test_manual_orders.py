"""What a running session is asked by hand: answered with ids and verdicts, once for each request; reads leave no trace."""

import json

import pytest

from b25.model.errors import Misuse, Retry
from b25.model.event import ORDER_ACCEPTED, ORDER_FILLED
from b25.runner.control import AUDIT, Control
from b25.runner.seat import session_folder
from b25.session.resume import read_past
from tests.engine.runs import ETH
from tests.runner.test_session_watch import WHY, Desk, staged
from tests.session.test_commands_state import Wisher

__all__ = ["staged"]
SYMBOL = ETH.symbol


class Sends(Desk):
    """Gives each order that leaves an id; a desk that is shut gives none."""

    is_shut = False

    def sent_as(self, order_id):
        return "" if self.is_shut else f"b25-{order_id}"

    def held_back(self):
        return "stopped"


def begun(make, **limits):
    """A session that holds a lot, whose strategy asks for nothing more."""
    here = make(**limits)
    here.desk.__class__ = Sends
    here.loop.has_begun = True
    here.ask("set", parameter="wants", value=0)
    return here


def order(here, **more):
    base = {"side": "sell", "quantity": "0.002", "price": "1001.00"}
    return here.ask("order", **{name: value for name, value in (base | more).items() if value is not None})


@pytest.mark.spec("OE-01", "DS-05")
def test_an_order_is_answered_with_its_ids_amended_cancelled_and_listed(staged):
    def act(make):
        here = begun(make)
        told = order(here, post_only=True)
        assert (told["verdict"], told["reasons"], told["is_sent"]) == ("ok", [], True)
        assert told["client_id"] == f"b25-{told['order_id']}"
        sent = here.desk.acted[-1]
        here.answer(ORDER_ACCEPTED, sent)
        (row,) = [one for one in here.ask("orders")["orders"] if one["is_manual"]]
        expected = {
            "order_id": told["order_id"],
            "client_id": told["client_id"],
            "side": "sell",
            "price": "1001",
            "quantity": "0.002",
        }
        assert {name: row[name] for name in expected} == expected
        assert (row["filled"], row["post_only"], row["tif"], row["state"]) == ("0", True, "gtc", "open")
        amended = here.ask("amend", client_id=told["client_id"], quantity="0.003")
        assert (amended["verdict"], amended["order_id"]) == ("ok", told["order_id"])
        wished = here.desk.acted[-1]
        assert (wished["price_ticks"], wished["qty_lots"]) == (sent["price_ticks"], 3)
        assert here.ask("cancel", order_id=told["order_id"])["verdict"] == "request_pending"
        with pytest.raises(Misuse, match="no working order"):
            here.ask("cancel", order_id=999_999)
        assert here.ask("cancel", all=True, manual=True)["orders"][0]["order_id"] == told["order_id"]

    staged(act)


def test_what_is_off_the_grid_or_makes_no_sense_does_not_enter(staged):
    def act(make):
        here = begun(make)
        before = here.session.events_taken
        wrong = [
            {"quantity": "0.0015"}, {"price": "1001.001"}, {"quantity": "nan"}, {"quantity": "-1"}, {"quantity": "1e40"},
            {"quantity": None}, {"side": "long"}, {"symbol": "DOGE/USDT"}, {"type": "market"}, {"type": "limit", "price": None},
            {"tif": "day"}, {"post_only": "yes"}, {"price": None, "post_only": True}, {"price": "0"}, {"quantity": True},
        ]  # fmt: skip
        for terms in wrong:
            with pytest.raises(Misuse):
                order(here, **terms)
        assert here.session.events_taken == before

    staged(act)


def test_a_close_takes_what_is_held_and_no_more(staged):
    def act(make):
        here = begun(make)
        with pytest.raises(Misuse, match="more than the"):
            here.ask("close", symbol=SYMBOL, quantity="0.5")
        told = here.ask("close", symbol=SYMBOL)
        assert (told["side"], told["type"], told["quantity"], told["verdict"]) == ("sell", "market", "0.001", "ok")
        sent = here.desk.acted[-1]
        here.answer(ORDER_ACCEPTED, sent)
        from b25.session.gateway import order_event

        here.loop.deliver(order_event(ORDER_FILLED, told["order_id"], instrument=0, side=-1, price_ticks=100_000, qty_lots=1))
        with pytest.raises(Misuse, match="nothing of"):
            here.ask("close", symbol=SYMBOL)
        (row,) = here.ask("positions")["positions"]
        assert (row["quantity"], row["entry_price"], row["unrealised"]) == ("0", None, "0")

    staged(act)


def test_the_gate_refuses_a_person_as_it_does_the_strategy(staged):
    def act(make):
        here = begun(make, position_max=0.005)
        told = order(here, side="buy", price="999.00", quantity="0.5")
        assert (told["verdict"], told["order"], told["is_sent"]) == ("position_limit", None, False)
        assert "position" in told["reasons"]
        here.ask("pause")
        assert order(here, side="buy", price="999.00")["verdict"] == "reducing"
        assert order(here, quantity="0.001")["verdict"] == "ok"
        here.ask("kill")
        assert order(here, quantity="0.001")["verdict"] == "stopped"

    staged(act)


def test_an_approved_order_that_the_desk_keeps_back_is_not_called_ok(staged):
    def act(make):
        here = begun(make)
        here.desk.is_shut = True
        told = order(here)
        assert (told["verdict"], told["client_id"], told["is_sent"]) == ("stopped", None, False)

    staged(act)


@pytest.mark.spec("WU-06")
def test_a_check_tells_every_reason_and_the_size_that_would_pass_and_changes_nothing(staged):
    def act(make):
        here = begun(make, position_max=0.01, order_qty_max=0.008, order_value_max=6.0)
        world, events = here.session.machine.world, here.session.events_taken
        before = world.snapshot()
        told = here.ask("check", side="buy", quantity="0.02", price="999.00")
        assert (told["verdict"], told["reasons"]) == ("order_value_limit", ["order_value", "order_qty", "position"])
        assert told["max_quantity"] == "0.006"
        assert (told["metrics_before"]["position"], told["metrics_after"]["position"]) == ("0.001", "0.021")
        assert told["metrics_after"]["limits_used"]["position"] > 1
        assert here.ask("check", side="buy", price="999.00")["max_quantity"] == "0.006"
        assert here.ask("check", side="buy", quantity=told["max_quantity"], price="999.00")["verdict"] == "ok"
        assert (world.snapshot(), here.session.events_taken) == (before, events)

    staged(act)


def test_before_it_has_begun_and_once_it_ends_nothing_is_taken(staged):
    def act(make):
        here = begun(make)
        here.loop.has_begun = False
        with pytest.raises(Retry, match="not begun"):
            order(here)
        here.loop.has_begun = True
        here.ask("stop")
        with pytest.raises(Misuse, match="is ending"):
            order(here)

    staged(act)


@pytest.mark.spec("SE-19")
def test_parameters_are_set_together_or_not_at_all_and_told_with_what_they_were(staged):
    def act(make):
        here = begun(make)
        told = here.ask("set", values={"wants": 1})
        assert told["changed"] == {"wants": {"old": 0, "new": 1}}
        assert told["event_seq"] == here.session.machine.seq
        with pytest.raises(Misuse):
            here.ask("set", values={"wants": -1, "nonsense": 3})
        with pytest.raises(Misuse):
            here.ask("set", values={"wants": 5})
        with pytest.raises(Misuse):
            here.ask("set", values={})
        assert here.ask("status")["parameters"] == {"wants": 1}

    staged(act)


def test_a_status_says_all_that_a_screen_needs(staged):
    def act(make):
        here = begun(make, position_max=0.5)
        told = here.ask("status")
        (held,) = told["holdings"]
        assert (held["quantity"], held["entry_price"], held["mark"]) == ("0.001", "999.99", "1000.05")
        assert held["unrealised"] == "0.00006"
        assert told["limits"]["symbols"][SYMBOL]["position_max"] == "0.5"
        assert told["money"]["asset"] == ETH.settle
        assert told["probation"]["is_on"]
        assert told["versions"]["strategy"]
        since_ns = told["probation"]["since_ns"]
        assert here.ask("status")["probation"]["since_ns"] == since_ns
        here.ask("set", parameter="wants", value=1)
        later = here.ask("status")["probation"]
        assert later["since_ns"] > since_ns
        assert later["why"] == "parameters changed"
        json.dumps(told)

    staged(act)


def test_a_request_that_comes_again_is_not_done_again_and_a_read_is_not_audited(staged, tmp_path):
    def act(make):
        here = begun(make)
        control = Control(tmp_path, "mm", here.commands.act, lambda: 5, here.commands.by_hand.settle)
        request = {
            "id": "one",
            "command": "order",
            "side": "sell",
            "quantity": "0.002",
            "price": "1001.00",
            "by": "ann",
            "reason": WHY,
        }
        told = control.handle(request)
        assert told["ok"], told
        acted = len(here.desk.acted)
        again = control.handle(request)
        assert (again["again"], again["order_id"]) == (True, told["order_id"])
        # Without its audit the journal itself knows it.
        direct = here.commands.act(request)
        assert direct["order_id"] == told["order_id"]
        assert len(here.desk.acted) == acted
        lines = (session_folder(tmp_path, "mm") / AUDIT).read_bytes()
        for command in ("status", "orders", "positions", "check"):
            assert control.handle({"id": "r", "command": command, "side": "buy", "price": "999.00"})["ok"]
        assert (session_folder(tmp_path, "mm") / AUDIT).read_bytes() == lines

    staged(act)


@pytest.mark.parametrize("is_in_journal", [True, False])
def test_after_a_death_the_journal_says_whether_a_request_was_done(staged, tmp_path, is_in_journal):
    def act(make):
        here = begun(make)
        request = {"id": "one", "command": "order", "side": "sell", "quantity": "0.002", "price": "1001.00", "by": "ann"}
        row = {"time_ns": 1, "action": "asked", "id": "one", "request": request}
        (session_folder(tmp_path, "mm") / AUDIT).write_text(json.dumps(row) + "\n")
        if is_in_journal:
            here.commands.act(request)
        sent = len(here.desk.acted)
        here.session.requests = read_past(here.session.journal.path, Wisher).requests
        control = Control(tmp_path, "mm", here.commands.act, lambda: 5, here.commands.by_hand.settle)
        unsure = control.handle(request)
        assert (unsure["ok"], unsure["error"]["code"]) == (False, "retry"), "a session that does not go on cannot know"
        here.loop.resumes = True
        told = control.handle(request)
        assert told["ok"], told
        assert told.get("of_an_earlier_life", False) == is_in_journal
        assert told["verdict"] == "ok"
        assert len(here.desk.acted) == sent + (0 if is_in_journal else 1)
        assert control.handle(request)["again"]

    staged(act)
