"""Promote a strategy from a notebook or a file to a frozen, signed version that the runner may load, with proof."""

import getpass
import time
from typing import Annotated, Any

import typer

from b25.cli import bar_options as options
from b25.cli.output import JSON, answer, progress
from b25.model.errors import Misuse

EXAMPLE = "Example: b25 promote notebooks/tutorials/02_first_strategy.ipynb:Lean"
SAMPLE_MINUTES = 5
SAMPLE_DAYS = 120


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("promote", epilog=EXAMPLE)(promote)


def promote(
    where: Annotated[str, typer.Argument(metavar="NOTEBOOK.ipynb:Class", help="Or FILE.py:Class.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Lint, cut and import alone; prove and write nothing.")] = False,
    show: Annotated[bool, typer.Option("--show", help="With --dry-run: print what was cut out.")] = False,
    explain: Annotated[str, typer.Option(metavar="CODE", help="Say why a code of the lint is one.")] = "",
    bars: options.Frames = None,
    data: options.Data = None,
    source: options.Source = None,
    symbol: options.Symbol = None,
    venue: options.Venue = None,
    catalog: options.Catalog = None,
    values: options.Values = None,
    fee_maker: options.FeeMaker = 0.0002,
    fee_taker: options.FeeTaker = 0.0005,
    position_max: Annotated[float | None, typer.Option(help="Limit of position and open orders together, base units.")] = None,
    balance: options.Balance = None,
    never_cancels: Annotated[bool, typer.Option("--never-cancels", help="Declare that it never cancels an order.")] = False,
    by: Annotated[str, typer.Option(help="Who promotes it; by default who is logged in.")] = "",
    json: Annotated[bool, JSON] = False,
) -> None:
    """Lint, cut out, import alone, prove in every life, look for bias, freeze; on the sample market unless a symbol is given."""
    from b25.promote.findings import CODES

    facts: dict[str, Any]
    if explain:
        code = explain.upper()
        if code not in CODES:
            raise Misuse(f"there is no code {explain}", remedy=f"one of {', '.join(CODES)}")
        facts = {"code": code, "level": str(CODES[code].level), "why": CODES[code].why, "remedy": CODES[code].remedy}
        answer(facts, json=json, lines=[f"{code} ({facts['level']}): {facts['why']}", f"remedy: {facts['remedy']}"])
        return
    with options.usage():
        if not where:
            raise Misuse("nothing to promote", remedy="give NOTEBOOK.ipynb:Class or FILE.py:Class")
    if dry_run:
        from b25.promote.promote import judge

        made, told = judge(where, _say)
        facts = {"class": made.name, "cells": list(made.cells), "parameters": told["parameters"], "source": made.text}
        lines = [*(made.text.splitlines() if show else ()), f"{made.name} can be promoted so far; nothing was written"]
        answer(facts, json=json, lines=lines)
        return
    how: dict[str, Any] = {"fee_maker": fee_maker, "fee_taker": fee_taker, "position_max": position_max, "balance": balance}
    place = {"data": data, "source": source, "symbol": symbol, "venue": venue, "catalog": catalog}
    frozen = _promoted(where, bars, place, options.parameters(values), how, never_cancels, by or getpass.getuser())
    manifest = frozen.manifest
    counts = manifest["evidence"]["counts"]
    lines = [
        f"{frozen.reference}  content {frozen.content_id[:12]}  {frozen.folder}",
        f"proven on {', '.join(one['symbol'] for one in manifest['data'])}: {counts['orders']} orders, {counts['fills']} fills, "
        f"{counts['effects']:,} effects the same in every life; "
        f"{len(manifest['evidence']['controls'])} changes on purpose were noticed",
        f"next: b25 run {frozen.reference} --mode observe; b25 strategies show {frozen.reference}",
    ]
    answer({**manifest, "reference": frozen.reference, "folder": str(frozen.folder)}, json=json, lines=lines)


def _promoted(
    where: str,
    bars: list[str] | None,
    place: dict[str, Any],
    params: dict[str, Any],
    how: dict[str, Any],
    never_cancels: bool,
    by: str,
) -> Any:
    from b25.cli.versions import validated
    from b25.config.settings import read_settings
    from b25.promote.promote import Wish, promote
    from b25.risk.limits import Limits
    from b25.venue.models import Fees

    found, position_max = _data_of(bars, place, how["position_max"])
    wish = Wish(
        where=where, data=found, by=by, params=params, fees=Fees(how["fee_maker"], how["fee_taker"]),
        limits=Limits(position_max=position_max), balance=how["balance"] or 10_000.0, never_cancels=never_cancels,
    )  # fmt: skip
    frozen = promote(wish, _say, secrets_folder=read_settings().secrets_folder, now_ns=time.time_ns())
    validated(frozen, by)
    return frozen


def _data_of(bars: list[str] | None, place: dict[str, Any], position_max: float | None) -> tuple[Any, float | None]:
    """What to prove it on: a sample market of the right kind unless the data are named."""
    import b25

    if bars:
        frames = options.frames_of(bars)
        named = place["data"] or place["source"] or place["symbol"]
        if not named:
            sample = b25.sample(bars=frames[0], days=SAMPLE_DAYS)
            return (sample.with_larger(*frames[1:]) if len(frames) > 1 else sample,), position_max
        others = {name: place[name] for name in ("source", "symbol", "venue", "catalog")}
        return tuple(options.open_bars(frames, place["data"], **others)), position_max
    if place["symbol"] is None:
        return b25.sample(minutes=SAMPLE_MINUTES), position_max or 1.0
    return b25.dataset(symbol=place["symbol"], venue=place["venue"], catalog=place["catalog"]), position_max


def _say(step: str, text: str) -> None:
    progress(f"b25: {step:<8} {text}")
