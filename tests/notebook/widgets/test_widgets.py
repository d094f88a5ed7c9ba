"""What the widgets do in Python: their traits against numpy and the results they show, what a page may ask, what is refused."""

import json
import math
import threading

import nbformat
import numpy as np
import pytest
from nbconvert import HTMLExporter

import b25
from b25.model.errors import Misuse, Resync
from b25.notebook.widgets import Blotter, Candles, Ladder, RiskGauges, SessionPanel, TradeReplay
from b25.notebook.widgets.packed import BARS, FILLS, unpacked
from tests.notebook.widgets import examples
from tests.notebook.widgets.examples import ALL, HOSTILE, bars, result, sweep


def sent(widget, **message):
    widget._heard(widget, message, [])
    return widget


@pytest.mark.parametrize("name", ALL)
def test_without_widgets_there_is_text_and_a_table_that_is_small_escaped_and_has_no_script(name):
    made = ALL[name]()
    made.title = HOSTILE
    bundle = made._repr_mimebundle_()[0]
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert HOSTILE in bundle["text/plain"]
    html = bundle["text/html"]
    assert HOSTILE not in html
    assert "<script" not in html
    assert len(html) < 50_000
    made.close()


def test_an_exported_notebook_shows_the_table(tmp_path):
    data = {key: value for key, value in examples.gauges()._repr_mimebundle_()[0].items()}
    output = nbformat.v4.new_output("display_data", data=data)
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("gauges", outputs=[output], execution_count=1)])
    html, _ = HTMLExporter().from_notebook_node(book)
    assert "Gross exposure" in html


def test_what_a_page_sends_wrongly_is_shown_and_does_no_harm():
    made = examples.ladder()
    for message in ({"kind": "price"}, {"kind": "price", "ticks": "x"}, {"kind": "price", "ticks": None}):
        assert "without what it needs" in sent(made, **message).notice
    for message in ({"kind": "no"}, {"kind": "../x"}, {"kind": 3}, {}):
        sent(made, **message)
    assert made.selected == ""


# Ladder


def test_a_ladder_holds_the_book_in_ticks_and_lots_and_says_which_price_was_clicked():
    data = Ladder("X", tick="0.05", lot="0.001")
    data.update([(k, 10 + k) for k in range(100, 60, -1)], [(101, 4)])
    bids, asks = data.levels()
    assert bids.tolist() == [[k, 10 + k] for k in range(100, 80, -1)]
    assert asks.tolist() == [[101, 4]]
    heard = []
    data.on_select(heard.append)
    sent(data, kind="price", ticks=101)
    assert heard == [data.selected] == ["5.05"]


def test_an_empty_book_is_not_known_rather_than_zero():
    assert "n/a" in repr(Ladder("X", tick="1", lot="1"))


def test_a_book_of_a_dataset_is_its_levels(tmp_path):
    book = b25.sample(minutes=1, catalog=tmp_path).book(0.5)
    bids, asks = Ladder.of(book).levels()
    assert np.array_equal(bids[:, 0], book.bid_levels["price_ticks"][:20])
    assert np.array_equal(asks[:, 1], book.ask_levels["qty_lots"][:20])


@pytest.mark.parametrize("step", ["0", "-1", "x", "nan"])
def test_a_ladder_without_a_step_is_refused(step):
    with pytest.raises(Misuse, match="tick="):
        Ladder("X", tick=step, lot="1")


# Candles


def test_all_bars_are_gathered_so_that_no_extreme_is_lost_and_a_near_view_has_each():
    made = Candles.of(result())
    shown, view = unpacked(BARS, made.bars), bars().view
    assert made.span["each"] == math.ceil(len(bars()) / 1_500)
    assert shown["high"].max() == view["high"].max()
    assert shown["low"].min() == view["low"].min()
    assert math.isclose(shown["volume"].sum(), view["volume"].sum())
    start, end = int(view["open_ns"][1_000]), int(view["open_ns"][1_100])
    sent(made, kind="range", from_ms=start / 1e6, to_ms=end / 1e6)
    near = unpacked(BARS, made.bars)
    assert made.span["each"] == 1
    low = int(np.searchsorted(view["open_ns"], near["open_ns"][0]))
    assert low <= 1_000
    assert low + near["open_ns"].size >= 1_100
    assert np.array_equal(near["close"], view["close"][low : low + near["open_ns"].size])


def test_finer_bars_are_shown_when_there_is_room_for_them():
    fine = bars()
    made = Candles([fine.resample("4h"), fine])
    assert unpacked(BARS, made.bars)["open_ns"].size == len(fine.resample("4h"))
    start = int(fine.view["open_ns"][500])
    sent(made, kind="range", from_ms=start / 1e6, to_ms=start / 1e6 + 36e5 * 24)
    shown = unpacked(BARS, made.bars)
    assert int(shown["close_ns"][0] - shown["open_ns"][0]) == 15 * 60 * 10**9


def test_fills_travel_with_the_bars_they_belong_to():
    made = Candles.of(result())
    assert unpacked(FILLS, made.fills)["price"].tolist() == result().fills["price"].to_list()


def test_what_is_no_bars_is_refused():
    with pytest.raises(Misuse, match="no bars"):
        Candles({"close": [1.0]})
    made = sent(Candles(bars()), kind="range", from_ms=5, to_ms=4)
    assert "without what it needs" in made.notice


# Blotter


def test_a_table_travels_as_columns_of_eight_bytes():
    made = Blotter(
        [{"time_ns": 10**15, "side": "buy", "price": "1.50", "id": "7", "text": None}, {"time_ns": 2 * 10**15, "side": -1}]
    )
    kinds = {one["name"]: one["kind"] for one in made.columns}
    assert kinds == {"time_ns": "time", "side": "side", "price": "number", "id": "words", "text": "words"}
    rows = np.frombuffer(made.rows, "<f8").reshape(5, 2)
    assert rows[:3].tolist()[:2] == [[1e9, 2e9], [1.0, -1.0]]
    assert rows[2][0] == 1.5
    assert math.isnan(rows[2][1])
    assert np.frombuffer(made.rows, "<i8").reshape(5, 2)[3:].tolist() == [[0, -1], [-1, -1]]


def test_a_patch_carries_what_changed_since_the_table_and_a_large_one_is_a_table_again():
    made = Blotter([{"key": f"k{k}", "filled": 0} for k in range(1_000)], key="key")
    table = made.rows
    made.patch([{"key": "k3", "filled": 5}, {"key": "k7", "filled": 0}])
    made.patch([{"key": "new", "filled": 1}])
    assert made.rows == table
    assert made.patched["rows"] == [[3, ["k3", 5.0]], [1_000, ["new", 1.0]]]
    made.patch([{"key": f"k{k}", "filled": 9} for k in range(600)])
    assert made.patched["rows"] == []
    assert made.rows != table


def test_a_row_that_is_clicked_is_handed_over():
    made, heard = examples.blotter(), []
    made.on_pick(heard.append)
    sent(made, kind="pick", row=4)
    assert heard[0]["order_id"] == result().fills["order_id"][4]
    assert made.picked_row == heard[0]


def test_a_blotter_without_a_key_is_not_patched():
    with pytest.raises(Misuse, match="key"):
        Blotter([{"a": 1}]).patch([{"a": 2}])
    with pytest.raises(Misuse, match="without 'id'"):
        Blotter([{"id": 1}], key="id").patch([{"a": 2}])


# RiskGauges


def test_what_is_not_known_comes_before_what_is_near_and_is_no_zero():
    states = {one["name"]: one["state"] for one in examples.gauges().limits}
    assert states == {
        "daily_loss_max": "breached", "drawdown_max": "unknown", "gross_max": "near", "leverage_max": "ok",
        "open_orders_max": "ok", "turnover_max": "off",
    }  # fmt: skip
    assert list(states) == ["daily_loss_max", "drawdown_max", "gross_max", "leverage_max", "open_orders_max", "turnover_max"]


@pytest.mark.parametrize(
    ("used", "limit", "state"),
    [(0, 0, "ok"), (1, 0, "breached"), (-90, 100, "near"), (float("nan"), 1, "unknown"), (100, 100, "near")],
)
def test_a_gauge_is_judged(used, limit, state):
    assert RiskGauges([{"name": "x", "used": used, "limit": limit}]).limits[0]["state"] == state


# SessionPanel


def test_a_kill_asks_for_its_phrase_and_a_command_says_what_came_of_it():
    done, asked = threading.Event(), []

    def command(name, reason):
        asked.append(name)
        done.set()
        return {"command_id": "c-9"}

    made = examples.panel(command)
    sent(made, kind="command", name="kill", number=1, typed="KILL mian")
    assert "KILL main" in made.notice
    assert asked == []
    sent(made, kind="command", name="kill", number=2, typed="KILL main")
    assert done.wait(5)
    assert wait_for(lambda: made.outcome["state"] == "done")
    assert made.outcome == {"number": 2, "name": "kill", "state": "done", "text": "acknowledged as c-9"}


@pytest.mark.parametrize(
    ("fault", "state"),
    [(Misuse("not yours", remedy="ask"), "refused"), (Resync("no answer", remedy="look"), "unknown"), (KeyError("x"), "unknown")],
)
def test_what_was_refused_and_what_is_not_known_are_told_apart(fault, state):
    def command(name, reason):
        raise fault

    made = sent(examples.panel(command), kind="command", name="pause", number=1)
    assert wait_for(lambda: made.outcome.get("state") == state)


def test_a_second_command_is_refused_while_one_is_under_way():
    gate = threading.Event()
    made = sent(examples.panel(lambda name, reason: gate.wait(5)), kind="command", name="pause", number=1)
    sent(made, kind="command", name="stop", number=2)
    assert made.outcome == {"number": 2, "name": "stop", "state": "refused", "text": "another command is under way"}
    gate.set()
    assert wait_for(lambda: made.outcome["number"] == 1 and made.outcome["state"] == "done")


def test_a_panel_without_a_way_to_command_has_no_buttons():
    made = SessionPanel({"session": "x"})
    assert made.snapshot["commands"] is False
    assert "no command" in sent(made, kind="command", name="pause", number=1).notice
    with pytest.raises(Misuse, match="has no 'pnl'"):
        SessionPanel({"pnl": 1})


# SweepHeatmap


def test_a_heat_map_is_the_sweeps_grid_and_a_click_gives_the_cells_parameters():
    made = examples.heatmap()
    xs, ys, z = sweep().grid_of("fast", "slow")
    data = np.frombuffer(made.grid, "<f8")
    assert np.array_equal(data, np.concatenate([xs, ys, z.ravel()]), equal_nan=True)
    heard = []
    made.on_pick(heard.append)
    sent(made, kind="pick", column=2, row=3)
    assert heard == [made.picked] == [{"fast": int(xs[2]), "slow": int(ys[3])}]
    assert made.trust["trials"] >= made.trust["points"] == len(sweep())
    assert 0 <= made.trust["deflated"] <= 1
    sent(made, kind="show", x="slow", y="fast", metric="max_drawdown")
    assert (made.axes["x"], made.axes["lower_is_better"]) == ("slow", True)
    assert "both axes" in sent(made, kind="show", x="slow", y="slow", metric="sharpe").notice
    assert "no figure" in sent(made, kind="show", x="slow", y="fast", metric="luck").notice


def test_a_cell_that_was_not_tried_gives_nothing():
    made = examples.heatmap()
    sent(made, kind="pick", column=8, row=0)
    assert made.picked == {}
    assert "no point was tried" in made.notice


# TradeReplay


def test_frames_of_bars_show_each_decision_at_its_close_and_its_fill_after_it():
    order = int(result().orders["order_id"][2])
    made = TradeReplay.of(result(), order, before=5, after=10)
    events = [
        (k, one["what"])
        for k, frame in enumerate(made.frames)
        for one in frame["events"]
        if f"{order}" in one["text"] + one.get("why", "")
    ]
    assert events[:2] == [(5, "sent"), (6, "filled")]
    assert made.cursor == 5
    fill = result().fills.filter(order_id=order).row(0, named=True)
    before, after = (made.frames[k]["position"] for k in (5, 6))
    assert math.isclose(after - before, fill["side"] * fill["quantity"], abs_tol=1e-12)


def test_all_decisions_and_fills_of_a_run_are_in_its_frames():
    made = TradeReplay.of(result(), int(result().orders["order_id"][0]), before=10**6, after=10**6)
    count = {
        what: sum(one["what"] == what for frame in made.frames for one in frame["events"])
        for what in ("sent", "filled", "refused")
    }
    assert count == {"sent": result().orders.height, "filled": result().fills.height, "refused": result().refusals.height}
    assert len(made.frames) == len(bars())


def test_frames_of_ticks_show_the_book_that_the_trader_knew(tmp_path):
    from strategies.market_maker import MarketMaker

    data = b25.sample(minutes=1, catalog=tmp_path)
    found = b25.backtest(MarketMaker, data)
    made = TradeReplay.of(found, before=3, after=20)
    frame = made.frames[7]
    book = data.book(frame["time_ns"])
    assert [float(price) for price, _ in frame["book"]["bids"]] == book.bids["price"].head(6).to_list()
    json.dumps(made.frame, allow_nan=False)


def test_a_replay_takes_what_gives_frames_and_refuses_what_is_out_of_order():
    class Source:
        def frames(self, order_id, before, after):
            return [
                {"time_ns": k, "price": 1.0 + k, "note": "x", "events": [{"what": "sent", "text": HOSTILE}]} for k in range(3)
            ]

    made = TradeReplay.of(Source(), 7)
    assert made.frame["state"] == {"note": "x"}
    made.step(9)
    assert made.cursor == 2
    sent(made, kind="step", by=-1)
    assert made.frame["price"] == 2.0
    with pytest.raises(Misuse, match="order of time"):
        TradeReplay([{"time_ns": 2}, {"time_ns": 1}])
    with pytest.raises(Misuse, match="no frames"):
        TradeReplay([])
    with pytest.raises(Misuse, match="no order 999999"):
        TradeReplay.of(result(), 999_999)


def wait_for(holds, tries=500):
    gate = threading.Event()
    return any(holds() or gate.wait(0.01) for _ in range(tries)) and holds()
