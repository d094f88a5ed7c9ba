"""Everything that a cell shows: no script, nothing from elsewhere, escaped, small, the same twice, and of use as plain text."""

import re

import pytest
from IPython.core.interactiveshell import InteractiveShell

from b25.analytics.card import BYTES_MAX, Card, Meter, Table
from b25.notebook.displays import forget_displays, register_displays
from tests.conftest import ROOT
from tests.notebook.things import HOSTILE, things

NAMES = (
    "Backtest on bars", "Backtest on ticks", "Strategy class", "Strategy", "Dataset", "Bars", "Order book", "Limits",
    "Instrument", "Comparison",
    "Bias report", "Sweep", "Walk forward", "Costs", "Bot", "Bot that is away", "Bots", "Orders", "Fills", "Logs",
    "Answer", "Killed", "Doctor",
)  # fmt: skip
MUST_SHOW = {
    "Backtest on bars": ("fees", "slippage", "funding", "data hash", "trials", "bias", "<svg"),
    "Backtest on ticks": ("look-ahead: <code>not checked", "warm-up: <code>not checked", "fees", "data hash", "trials", "<svg"),
    "Strategy class": ("exposure", "0 &lt; exposure &lt;= 1", "of equity", "not promoted", "warm-up"),
    "Strategy": ("0.5", "0.9"),
    "Dataset": ("gaps", "repeat", "hash", "event to arrival", "rows", "span"),
    "Bars": ("no gap", "source", "hash", "1,440"),
    "Order book": ("spread", "ticks", "bps", "imbalance", "microprice"),
    "Limits": ("position_max", "daily_loss_max", "3 set"),
    "Comparison": ("first divergence", "exposure: 0.9 against 0.5", "net profit"),
    "Bot": ("active", "live", "gate reducing", "P&amp;L", "0.4 s ago"),
    "Bot that is away": ("was active", "stale", "last known"),
    "Bots": ("1 active", "down"),
    "Orders": ("buy quantity", "1.000 in 100", "60 more"),
    "Fills": ("maker share", "50%", "0.024"),
    "Killed": ("re-arm",),
}


@pytest.fixture(scope="module")
def shell():
    made = InteractiveShell()
    register_displays(made)
    yield made
    forget_displays(made)


def shown(shell, thing):
    bundle, _ = shell.display_formatter.format(thing)
    return bundle


@pytest.mark.parametrize("name", NAMES)
def test_it_is_shown_without_a_script_escaped_and_small(shell, name):
    thing = things()[name]
    bundle = shown(shell, thing)
    html, text = bundle["text/html"], bundle["text/plain"]
    assert "<script" not in html.lower()
    assert "http" not in html.replace("http://www.w3.org/2000/svg", "")
    assert "url(" not in html
    assert "@import" not in html
    assert len(html.encode()) < BYTES_MAX
    assert "<img" not in html
    assert not re.search(r"<[^>]*\son\w+=", re.sub(r"&lt;.*?&gt;", "", html))
    for said in (html, text):
        assert "object at 0x" not in said
        assert "/home/" not in said
        assert str(ROOT) not in said
    assert shown(shell, thing) == bundle
    assert len(text) > 20
    assert max(map(len, text.splitlines())) <= 240


@pytest.mark.parametrize("name", MUST_SHOW)
def test_it_shows_what_it_must(shell, name):
    html = shown(shell, things()[name])["text/html"].lower()
    assert [word for word in MUST_SHOW[name] if word.lower() not in html] == []


def test_plain_text_says_the_state_first(shell):
    told = shown(shell, things()["Bot that is away"])["text/plain"].splitlines()
    assert "[was active] [live]" in told[0]
    assert "[stale]" in told[0]


def test_other_classes_are_shown_as_before_and_forgetting_leaves_no_rest():
    made = InteractiveShell()
    before = {form: dict(one.type_printers) for form, one in made.display_formatter.formatters.items()}
    register_displays(made)
    assert shown(made, int) == {"text/plain": "int"}
    forget_displays(made)
    assert {form: dict(one.type_printers) for form, one in made.display_formatter.formatters.items()} == before


def test_a_card_cuts_what_is_too_long_and_counts_what_it_leaves_out():
    card = Card(
        title=HOSTILE, tables=(Table(heads=("a",), rows=[(HOSTILE * 50,)] * 200),),
        meters=(Meter(name="used", share=1.2, text="120 %"), Meter(name="n/a", share=None, text="not known")),
    )  # fmt: skip
    html = card.html()
    assert len(html.encode()) < BYTES_MAX
    assert "160 more" in html
    assert "width:100%" in html
    assert "<img" not in html


def test_equal_runs_are_the_same_and_a_changed_one_names_where_it_parts():
    same = things()["Backtest on bars"].compare(things()["Backtest on bars"])
    assert same.same
    assert same.changed == []
    other = things()["Comparison"]
    assert not other.same
    assert other.divergence.field
    assert "exposure: 0.9 against 0.5" in other.changed
    row = other.table.filter(other.table["metric"] == "net_profit").row(0, named=True)
    assert row["difference"] == pytest.approx(row["other"] - row["one"])
