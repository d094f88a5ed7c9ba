"""The real modules in a real browser: what they draw, what a hand or a key does, what they let go of, what stays text."""

from __future__ import annotations

import math
import time

import pytest

from b25.notebook.widgets import Blotter, Candles, Ladder, ParamExplorer, RiskGauges, SessionPanel, TradeReplay
from b25.notebook.widgets.widget import status_of
from tests.notebook.widgets import examples
from tests.notebook.widgets.examples import ALL, HOSTILE, bars
from tests.notebook.widgets.harness import open_page, show


@pytest.fixture
def shown(page):
    def open_one(widget, theme="light"):
        open_page(page, theme)
        return show(page, widget)

    return open_one


def is_drawn(one):
    """Whether the canvas has more than one colour."""
    script = """(canvas) => { const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      return new Set(Array.from({ length: data.length / 4 }, (_, k) => data.slice(4 * k, 4 * k + 4).join())).size; }"""
    return one.box.locator("canvas").first.evaluate(script) > 3


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", ALL)
def test_a_widget_is_drawn_named_and_lets_go_of_everything(shown, page, name, theme):
    one = shown(ALL[name](), theme)
    assert one.box.get_attribute("data-theme") == theme
    assert one.box.get_attribute("aria-label")
    assert one.widget.title in one.box.inner_text()
    if one.box.locator("canvas").count():
        assert is_drawn(one)
    unnamed = """(box) => [...box.querySelectorAll('button, input, select, canvas')].filter((one) =>
      !(one.getAttribute('aria-label') || one.textContent.trim() || one.labels?.length)).map((one) => one.outerHTML)"""
    assert one.box.evaluate(unnamed) == []
    assert page.evaluate("window.models.one.listening()") > 0
    one.end()
    assert page.evaluate("window.models.one.listening()") == 0
    assert page.locator(".b25-widget").count() == 0


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_can_be_read_on_its_paper(shown, theme):
    one = shown(examples.panel(), theme)
    script = """(box, names) => Object.fromEntries(names.map((name) =>
      [name, getComputedStyle(box).getPropertyValue('--b25-' + name).trim()]))"""
    inks = one.box.evaluate(script, ["paper", "panel", "ink", "muted", "buy", "sell", "warn", "bad", "accent", "equity"])
    below = {
        (name, on)
        for on in ("paper", "panel")
        for name in inks
        if name not in ("paper", "panel") and contrast(inks[name], inks[on]) < 4.5
    }
    assert below == set()


def contrast(one: str, other: str) -> float:
    def light(colour: str) -> float:
        parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((light(one), light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_names_from_outside_stay_text(shown, page):
    hostile = [
        SessionPanel(
            {"session": HOSTILE, "strategy": HOSTILE, "account": HOSTILE, "state": HOSTILE, "fault": HOSTILE, "asset": HOSTILE,
             "positions": [{"symbol": HOSTILE, "quantity": HOSTILE}], "drift": {"state": HOSTILE, "text": HOSTILE}},
            command=print, status=status_of(HOSTILE, probation=HOSTILE, why=HOSTILE, is_stale=True),
        ),
        Ladder(HOSTILE, tick="0.1", lot="1", quote=HOSTILE, base=HOSTILE),
        Candles(bars(), title=HOSTILE, quote=HOSTILE, lines=[{"price": 30_000, "text": HOSTILE}]),
        Blotter([{HOSTILE: HOSTILE, "side": HOSTILE, "price": HOSTILE}], title=HOSTILE),
        RiskGauges([{"name": HOSTILE, "used": 1, "limit": 2, **dict.fromkeys(("unit", "rule", "set_by"), HOSTILE)}]),
        TradeReplay([{"time_ns": 1, HOSTILE: HOSTILE, "market": HOSTILE,
                      "events": [dict.fromkeys(("what", "text", "why"), HOSTILE)]}]),
    ]  # fmt: skip
    for widget in hostile:
        widget.notice = HOSTILE
        one = shown(widget)
        assert HOSTILE in one.box.text_content()
        assert one.box.locator("img").count() == 0
    assert page.evaluate("window.pwned") is None


def test_data_grows_old_and_says_so(shown):
    made = examples.gauges()
    made.status = status_of("live", age_s=1.0)
    one = shown(made)
    assert "ago" in one.box.locator(".b25-badges").inner_text()
    made.status = status_of("live", age_s=61.0)
    one.refresh()
    one.page.wait_for_function("document.querySelector('.b25-widget').classList.contains('b25-stale')")
    assert "stale, 61" in one.box.locator(".b25-badges").inner_text()
    made.status = status_of("live", age_s=0.1, is_stale=True, why="the connection to the gateway is lost")
    one.refresh()
    assert "stale" in one.box.locator(".b25-badges").inner_text()


# One by one


def test_a_card_asks_once_waits_for_the_answer_and_kills_only_by_the_phrase(shown):
    one = shown(examples.panel())
    assert "b25 kill" in one.box.inner_text()
    assert "While a cell runs" in one.box.inner_text()
    kill = one.box.get_by_role("button", name="Kill")
    assert kill.is_disabled()
    one.box.get_by_role("button", name="Pause").dblclick()
    told = [found["send"] for found in one.told() if "send" in found]
    assert [(found["kind"], found["name"]) for found in told] == [("command", "pause")]
    assert "waiting" in one.box.get_by_role("status").inner_text()
    one.widget.outcome = {"number": told[0]["number"], "name": "pause", "state": "unknown", "text": "no answer came"}
    one.refresh()
    assert "not known whether it was done" in one.box.get_by_role("status").inner_text()
    field = one.box.get_by_label("type the phrase to kill")
    field.fill("KILL mian")
    assert kill.is_disabled()
    field.fill("KILL main")
    field.press("Enter")
    assert [found["send"]["typed"] for found in one.told() if "send" in found] == ["KILL main"]
    assert "n/a" in one.box.locator(".b25-figure", has_text="Funding").inner_text()


def test_a_click_on_the_ladder_selects_its_price_and_keys_move(shown):
    made = examples.ladder()
    one = shown(made)
    canvas = one.box.locator("canvas")
    canvas.click(position={"x": 250, "y": 22 + 17 * 22 + 8})
    one.answer()
    ticks = round(float(made.selected) * 10)
    assert abs(ticks - 300_000) <= 10
    canvas.press("ArrowUp")
    canvas.press("Enter")
    one.answer()
    assert round(float(made.selected) * 10) == ticks + 2  # a row of two ticks
    one.box.get_by_label("more ticks a row").click()
    assert "5 ticks a row" in one.box.inner_text()


def test_candles_are_zoomed_and_finer_bars_are_asked_for(shown):
    made = examples.candles()
    one = shown(made)
    assert "each of 4" in one.box.inner_text()
    for _ in range(6):
        one.box.get_by_label("zoom in").click()
    one.page.wait_for_timeout(300)  # asked for when the hand rests
    one.answer()
    assert made.span["each"] == 1
    assert "each of" not in one.box.inner_text()
    assert is_drawn(one)
    one.box.locator("canvas").hover(position={"x": 300, "y": 120})
    assert "close" in one.box.locator(".b25-tip").inner_text()


def test_ten_thousand_rows_scroll_as_some_dozens_of_elements_and_are_filtered_sorted_and_copied(shown, page):
    rows = [
        {"key": f"=order-{k}", "time_ns": 10**18 + k * 10**9, "side": 1 if k % 3 else -1, "price": 100 + k / 7, "note": None}
        for k in range(10_000)
    ]
    made = Blotter(rows, key="key", title="Orders")
    begun = time.perf_counter()
    one = shown(made)
    assert time.perf_counter() - begun < 20
    body = one.box.locator("tbody")
    assert body.locator("tr").count() < 60
    assert "10,000 rows" in one.box.inner_text()
    one.box.locator(".b25-scroll").evaluate("(box) => { box.scrollTop = 130000; }")
    one.settle()
    assert "=order-5000" in body.inner_text()
    one.box.get_by_label("filter rows").fill("side:buy price>1500")
    one.settle()
    expected = [row for row in rows if row["side"] > 0 and row["price"] > 1500]
    assert f"{len(expected):,} of 10,000 rows" in one.box.inner_text()
    one.box.get_by_role("button", name="price").click()
    assert one.box.locator("th[aria-sort=descending]").inner_text().startswith("price")
    page.evaluate(
        "Object.defineProperty(navigator, 'clipboard', { value: { writeText: async (text) => { window.copied = text; } } })"
    )
    one.box.get_by_role("button", name="Copy as CSV").click()
    page.wait_for_function("window.copied")
    lines = page.evaluate("window.copied").split("\r\n")
    assert len(lines) == len(expected) + 1
    assert lines[0] == "key,time ns,side,price,note"
    assert lines[1].startswith("'=order-9998,")  # what a spreadsheet would compute is text
    assert lines[1].split(",")[2:] == ["buy", repr(expected[-1]["price"]), ""]


def test_a_patch_changes_a_row_in_sight(shown):
    made = Blotter([{"key": "a", "filled": 0, "status": "OPEN"}], key="key")
    one = shown(made)
    made.patch([{"key": "a", "filled": 3, "status": "OPEN"}, {"key": "b", "filled": 1, "status": "OPEN"}])
    one.refresh()
    assert "2 rows" in one.box.inner_text()
    one.box.locator("tbody tr", has_text="b").click()
    one.answer()
    assert made.picked_row == {"key": "b", "filled": 1, "status": "OPEN"}


def test_gauges_say_in_words_what_their_colour_says(shown):
    text = shown(examples.gauges()).box.inner_text()
    assert "BREACHED" in text
    assert "not known: counts as breached" in text
    assert "last breached 2024-10-04" in text


def done(one):
    """Let the runs end, and the page show the last one's figures."""
    for _ in range(100):
        one.refresh()
        if one.widget.run["state"] == "done":
            return
    raise AssertionError(one.widget.run)


def test_a_slider_runs_a_backtest_and_the_difference_is_shown(shown):
    made = examples.explorer()
    one = shown(made)
    slider = one.box.get_by_label("fast slider")
    slider.focus()
    for _ in range(5):
        slider.press("ArrowRight")
    one.page.wait_for_function(
        "window.models.one.state.values.fast === 17"
    )  # the first move at once, the last when the hand rests
    one.answer()
    done(one)
    assert made.values["fast"] == 17
    assert "difference" in one.box.locator("table").inner_text()
    assert "settings were tried on this data" in one.box.inner_text().replace("\n", " ")
    one.box.get_by_role("button", name="Pin", exact=True).click()
    one.answer()
    assert len(made.pins) == 2
    one.box.get_by_label("fast", exact=True).fill("999999")
    one.box.get_by_label("fast", exact=True).press("Tab")
    one.page.wait_for_timeout(200)
    one.answer()
    assert "out of bounds" in one.box.get_by_role("alert").inner_text()


@pytest.mark.parametrize("name", ["param_explorer", "trade_replay", "blotter"])
def test_keys_that_are_pressed_in_a_widget_are_no_commands_of_jupyterlab(shown, name):
    # Its matcher looks for this mark on the focused element itself, then on those around it.
    one = shown(ALL[name]())
    fields = one.box.locator("input:visible, button:enabled:visible, canvas")
    for k in range(min(4, fields.count())):
        fields.nth(k).focus()
        assert fields.nth(k).get_attribute("data-lm-suppress-shortcuts") == "true"


def test_a_strategy_without_parameters_says_so(shown):
    import b25

    class Bare(b25.Strategy):
        def on_bar(self, ctx):
            pass

    made = ParamExplorer(Bare, bars(), compiled=False)
    assert made._runs.idle.wait(60)
    assert "declares no parameters" in shown(made).box.inner_text()


def test_a_cell_of_the_heat_map_is_picked_by_click_and_by_key(shown):
    made = examples.heatmap()
    one = shown(made)
    canvas = one.box.locator("canvas")
    width, height = canvas.bounding_box()["width"], canvas.bounding_box()["height"]
    cell_w, cell_h = (width - 66 - 92) / made.axes["nx"], (height - 50) / made.axes["ny"]
    canvas.click(position={"x": 66 + 2.5 * cell_w, "y": 10 + (made.axes["ny"] - 4 + 0.5) * cell_h})
    one.answer()
    assert made.picked == {"fast": 12, "slow": 75}
    canvas.press("ArrowRight")
    canvas.press("Enter")
    one.answer()
    assert made.picked == {"fast": 16, "slow": 75}
    assert "Trials on this data" in one.box.inner_text()
    one.box.get_by_label("figure").select_option("max_drawdown")
    one.answer()
    assert made.axes["metric"] == "max_drawdown"


def test_a_replay_steps_plays_and_jumps_to_what_happened(shown):
    made = examples.replay()
    one = shown(made)
    begin = made.cursor
    assert "sent" in one.box.inner_text()
    one.box.locator("canvas").press("ArrowRight")
    one.answer()
    assert made.cursor == begin + 1
    assert "filled" in one.box.inner_text()
    one.box.get_by_label("to the next event").click()
    one.answer()
    assert made.frames[made.cursor]["events"]
    at = made.cursor
    one.box.get_by_role("button", name="Play").click()
    one.page.wait_for_timeout(900)
    one.box.get_by_role("button", name="Pause").click()
    one.answer()
    assert at < made.cursor <= at + 6
    assert math.isclose(one.page.evaluate("window.models.one.state.cursor"), made.cursor)
