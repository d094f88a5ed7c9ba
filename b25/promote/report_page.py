"""The report of a version: one HTML file, no script, no outside request. It holds no time: equal promotions give equal bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any, Final

from b25.analytics.sheet_charts import curve_charts
from b25.analytics.sheet_style import SHEET_CSS
from b25.analytics.sheet_tables import cards, metric_rows, pairs, table
from b25.promote.cut import Cut
from b25.promote.manifest import Evidence
from b25.promote.rerun import Rerun
from b25.promote.steps import STEPS, Step

CARDS: Final = ("net_profit", "total_return", "max_drawdown", "sharpe", "fills", "maker_share", "fees", "profit_bps")
FIGURES: Final = (
    "volume",
    "trades",
    "win_rate",
    "spread_capture",
    "submits",
    "cancels",
    "refused",
    "position_abs_mean",
    "time_flat",
)
PROVEN: Final = ("lint", "cut", "isolate", "re-run", "prove", "bias")
CSS: Final = """
.state{font-weight:600}.state.ok{color:var(--position)}.state.fault{color:var(--sell)}.state.none{color:var(--muted);font-weight:400}
.source{background:var(--panel);border:1px solid var(--grid);border-radius:8px;padding:12px 0;
overflow-x:auto;font-size:12px;line-height:1.5}
.source pre{margin:0;font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;min-width:max-content}
.source .line{display:block;padding:0 16px 0 0;white-space:pre}.source .line i{display:inline-block;width:46px;padding-right:14px;
text-align:right;color:var(--muted);font-style:normal;user-select:none}
.source .mark{color:var(--accent);font-weight:600;background:color-mix(in srgb,var(--accent) 10%,var(--panel))}
"""


def report_page(made: Cut, found: Evidence, facts: Mapping[str, Any], steps: Iterable[Step]) -> str:
    """Return the page.

    Parameters
    ----------
    facts : mapping
        As the manifest has them.
    steps : iterable of Step
        As they went; seconds are not shown.
    """
    result, proof = found.result, found.proof
    base = result.traces[0].base if len(result.instruments) == 1 else ""
    money = {"currency": result.currency, "base": base}
    counts = proof.counts
    proven = (
        f"{counts['effects']:,} effects the same in every life, {len(proof.controls)} changes on purpose noticed, "
        f"{proof.coverage:.0%} of its lines ran"
    )
    body = [
        f'<header><h1>{escape(made.name)}</h1><p class="subtitle">Promotion report: {proven}</p>'
        f'<p class="subtitle">{escape(result._subtitle())}</p></header>',
        "".join(f'<p class="warning">{escape(str(one))}</p>' for one in made.findings),
        "".join(f'<p class="warning">{escape(one)}</p>' for one in result.warnings),
        f"<h2>The ten steps</h2>{_steps(steps)}",
        f"<h2>One strategy in every life</h2>{_runs(found)}",
        f"<h2>What must not agree, and did not</h2>{_controls(proof.controls)}",
        f"<h2>What was compared</h2>{_counts(counts, proof.coverage)}",
        f"<h2>Bias</h2>{_bias(found.bias)}",
        f"<h2>On the data of the proof</h2>{cards(result.metrics, CARDS, **money)}{curve_charts(result.curve, result.currency)}"
        f"{metric_rows(result.metrics, FIGURES, **money)}",
        f'<h2>What holds for it</h2><div class="columns"><div><h3>Parameters</h3>{_parameters(found)}'
        f"<h3>Conditions</h3>{pairs(result.assumptions)}</div><div><h3>Where it is from</h3>{_origin(facts)}</div></div>",
        f"<h2>Source</h2><p>As it runs. A line that begins with <code># %%</code> names the cell that what follows is from.</p>"
        f"{_source(made.text)}",
        "<footer>Made by b25. Every file of the version, this one too, stands in its signed manifest with its hash.</footer>",
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(made.name)} - b25 promotion</title><style>{SHEET_CSS}{CSS}</style></head>"
        f"<body><main>{''.join(body)}</main></body></html>\n"
    )


def _state(word: str, kind: str) -> str:
    return f'<span class="state {kind}">{escape(word)}</span>'


def _steps(steps: Iterable[Step]) -> str:
    rows = []
    for number, one in enumerate(steps, 1):
        state, text = one.state, one.text
        if one.name == "freeze":  # this page is part of what is frozen
            state, text = "ok", "this folder"
        elif one.name not in PROVEN:
            state, text = "next", STEPS[one.name]
        kind = "ok" if state == "ok" else "none"
        rows.append((str(number), f"<b>{escape(one.name)}</b>", _state(state, kind), escape(text or STEPS[one.name])))
    return table(("", "step", "state", "what it found"), rows, right=(0,))


def _runs(found: Evidence) -> str:
    stream = _hashes([found.proof.stream_sha256])
    a, b, c = _notebook_runs(found.again)
    rows = [
        ("A", "the notebook as it was saved", "the payloads in its outputs", *a),
        ("B", "the notebook run again", "fresh kernel, no network, no keys", *b),
        ("C", "strategy.py", "the notebook's own data and parameters", *c),
        ("C", "strategy.py", "the data of the proof", _state("equal compiled, once more, and as plain Python", "ok"), stream),
        ("D", "strategy.py", "the live runner's session, same data", _state("equal to C, and to its replay", "ok"), stream),
    ]
    return f'<div class="scroll">{table(("run", "code", "engine and events", "state", "stream"), rows)}</div>'


def _notebook_runs(again: Rerun | None) -> list[tuple[str, str]]:
    """State and streams of A, B and C as far as the notebook itself goes."""
    if again is None:
        return [(_state("not applicable", "none"), "")] * 3
    stored = _state("stored", "ok") if again.stored else _state("not stored", "none")
    ran = _state("equal to A", "ok") if again.stored else _state("ran; nothing is stored to compare", "none")
    third = _state(f"equal to B in {len(again.third)} backtests", "ok") if again.third else _state("not applicable", "none")
    return [
        (stored, _hashes(one.stream for one in again.stored)),
        (ran, _hashes(one.stream for one in again.again)),
        (third, _hashes(str(one["C"]) for one in again.third)),
    ]


def _hashes(streams: Iterable[str]) -> str:
    return " ".join(f'<span class="hash">{escape(one[:12])}</span>' for one in dict.fromkeys(streams))


def _controls(controls: Mapping[str, str]) -> str:
    rows = [
        (escape(what), _state("noticed" if how else "not noticed", "ok" if how else "fault"), escape(how))
        for what, how in controls.items()
    ]
    return table(("changed on purpose", "state", "how the comparison failed"), rows)


def _counts(counts: Mapping[str, int], coverage: float) -> str:
    rows = [(escape(name), f"{count:,}") for name, count in counts.items()]
    return table((), [*rows, ("share of its lines that ran", f"{coverage:.0%}")], right=(1,))


def _bias(bias: Any) -> str:
    rows = [
        (_state(one.severity, "fault" if one.severity == "fault" else "none"), escape(one.code), escape(one.what),
         f'{escape(one.sentence)}<div class="why">{escape(one.remedy)}</div>')
        for one in bias.findings
    ]  # fmt: skip
    told = table(("", "kind", "of", "what was seen"), rows) if rows else f"<p>{_state('nothing found', 'ok')}</p>"
    return f"{told}<h3>What was looked at</h3>{pairs(bias.checked)}"


def _parameters(found: Evidence) -> str:
    result = found.result
    rows = []
    for name, value in result.parameters.items():
        param = result.made.cls.params[name]
        text = f"{value:g}" if isinstance(value, float) else str(value)
        rows.append((escape(name), escape(f"{text} {param.unit}".strip()), escape(param.bounds())))
    return table(("", "value", "bounds"), rows) if rows else "<p>It has none.</p>"


def _origin(facts: Mapping[str, Any]) -> str:
    source, held = facts["source"], facts["environment"]
    commit = f"{source['commit']}{' with changes' if source['is_dirty'] else ''}" if source["commit"] else "no repository"
    rows = [
        ("file", source["file"]), ("sha256", source["sha256"]), ("cells", ", ".join(source["cells"])), ("commit", commit),
        ("content", facts["content_id"]), ("promoted by", facts["created"]["by"]),
        *((f"data, {one['symbol']} on {one['venue']}", str(one["hash"])) for one in facts["data"]),
        ("lock", held["lock_sha256"] or "none"), ("engine", held["engine"]), ("Python", held["python"]), ("b25", held["b25"]),
        ("numba", held["numba"]),
    ]  # fmt: skip
    return pairs(rows, css="hash")


def _source(text: str) -> str:
    lines = [
        f'<span class="line{" mark" if line.startswith("# %% ") else ""}"><i>{number}</i>{escape(line)}</span>'
        for number, line in enumerate(text.splitlines(), 1)
    ]
    return f'<div class="source"><pre>{"".join(lines)}</pre></div>'
