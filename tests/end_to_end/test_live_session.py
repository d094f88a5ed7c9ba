"""The whole of it, as from a shell: a venue, a market maker live on it, faults, kills, and the books at the end."""

import json

from b25.research.strategy_file import load_strategy
from b25.session.resume import read_past
from tests.conftest import ROOT
from tests.end_to_end.stage import ACCOUNT, STRATEGY, Stage

ORDERS = "* /fapi/v1/order"
FAULTS = (
    ("ack_lost", {"where": f"POST {ORDERS[2:]}", "chance": 0.1, "how": "close"}),
    ("conn_reset_mid_response", {"where": f"DELETE {ORDERS[2:]}", "chance": 0.1}),
    ("backend_unknown", {"where": ORDERS, "chance": 0.1}),
    ("fill_before_cancel", {"chance": 0.3}),
    ("event_drop", {"where": "ORDER_TRADE_UPDATE", "chance": 0.2}),
    ("event_dup", {"where": "ORDER_TRADE_UPDATE", "chance": 0.2}),
    ("latency_ms", {"max": 30.0, "jitter": 10.0}),
)


def test_from_the_first_order_to_the_tear_sheet(tmp_path, capsys):
    with Stage(tmp_path) as stage:
        mm = stage.session()
        stage.trades_on(mm)

        for knob, values in FAULTS:
            stage.fault(knob, **values)
        stage.trades_on(mm, 5)
        mm.kill()  # kill -9, with the faults still on
        mm.wait()
        mm = stage.session()
        stage.trades_on(mm)
        assert "going on with" in stage.said()
        stage.heal()

        assert stage.ask("pause")["state"] == "paused"
        stage.until(lambda: stage.status()["orders_open"] == 0)
        stage.until(lambda: not stage.world()[0])
        stage.ask("set", parameter="half_spread_bps", value=0.2)
        stage.ask("resume")
        stage.trades_on(mm)

        # The kill switch: from its own connection, past the session, and latched until somebody answers for it.
        at = ["--folder", str(stage.run)]
        plan = ["--plan", str(tmp_path / "up.toml")]
        code, killed = stage.b25(capsys, "kill", "--account", ACCOUNT, "--flatten", "--reason", "to see it work", *at, *plan)
        assert code == 0, stage.said()
        opened, held, _ = stage.world()
        assert not opened
        assert not [one for one in held.values() if one.qty]
        assert stage.until(stage.status)["gate"] == "stopped"
        assert stage.b25(capsys, "run", STRATEGY, "--mode", "live", "--account", ACCOUNT, "--run-folder", str(stage.run))[0] != 0

        confirmed = f"re-arm {ACCOUNT} {killed['kill_id']}"
        who = ["--by", "ann", "--reason", "seen, it works", "--account", ACCOUNT, "--confirm", confirmed]
        assert stage.b25(capsys, "kill", "re-arm", *who, *at)[0] == 0
        stage.until(lambda: stage.status()["gate"] == "active")
        assert stage.status()["state"] == "paused"
        stage.until(lambda: set(map(float, stage.status()["positions"].values())) == {0.0})
        stage.ask("resume")
        stage.trades_on(mm)
        stage.ask("stop", flatten=True)
        facts = json.loads(mm.communicate(timeout=60)[0])
        assert (mm.returncode, facts["live_orders"], facts["not_certainly_cancelled"]) == (0, 0, []), stage.said()
        the_books_agree(stage, capsys)


def the_books_agree(stage, capsys):
    """Session, store and venue hold the same; the journal gives every effect again, and a tear sheet."""
    opened, held, trades = stage.world()
    fills, kept, doubled = stage.kept()
    assert not opened
    assert not [one for one in held.values() if one.qty]
    assert not doubled
    assert {row.trade_id for row in fills} == {one.trade_id for one in trades}, stage.said()
    assert kept == 0, stage.said()
    journal = stage.folder / "sessions" / "mm.journal"
    machine = read_past(journal, load_strategy(str(ROOT / STRATEGY))).machine
    assert int(machine.world.positions[0]["position_lots"]) == 0
    assert machine.live_orders == 0
    folder = ["--folder", str(stage.folder / "sessions")]
    assert stage.b25(capsys, "session", "replay", "mm", *folder)[1]["agrees"]
    code, report = stage.b25(capsys, "session", "report", "mm", *folder, "--out", str(stage.folder / "page.html"))
    assert code == 0
    assert report["session"] == "mm"
    assert (stage.folder / "page.html").stat().st_size > 10_000
