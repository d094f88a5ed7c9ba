"""Promote a strategy from a notebook or a file to a frozen, signed version that the runner may load, with proof."""

import getpass
from typing import Annotated, Any

import typer

from b25.cli import bar_options as options
from b25.cli.output import JSON, answer, progress
from b25.model.errors import Misuse

EXAMPLE = "Example: b25 promote notebooks/tutorials/02_first_strategy.ipynb:Lean"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("promote", epilog=EXAMPLE)(promote)


def promote(
    where: Annotated[str, typer.Argument(metavar="NOTEBOOK.ipynb:Class", help="Or FILE.py:Class.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Lint, cut and import alone; run, prove and write nothing.")] = False,
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
    seed: Annotated[int | None, typer.Option(min=0, help="Which sample market to prove it on.")] = None,
    by: Annotated[str, typer.Option(help="Who promotes it; by default who is logged in.")] = "",
    json: Annotated[bool, JSON] = False,
) -> None:
    """Lint, cut out, import alone, run the notebook again, prove in every life, look for bias, freeze.

    On the sample market that the class listens to, unless data are named. Exits with 0 when it is frozen, 1 when a step
    refused it, 4 when what was asked for cannot be.
    """
    from b25.promote.cut import saved_of
    from b25.promote.findings import CODES
    from b25.promote.here import promote_here
    from b25.venue.models import Fees

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
        saved_of(where)
        found, limits = _data_of(
            bars, {"data": data, "source": source, "symbol": symbol, "venue": venue, "catalog": catalog}, position_max, seed
        )
    report = promote_here(
        where, data=found, by=by or getpass.getuser(), dry_run=dry_run, say=_say, params=options.parameters(values),
        fees=Fees(fee_maker, fee_taker), limits=limits, balance=balance or 10_000.0, never_cancels=never_cancels, seed=seed,
    )  # fmt: skip
    lines = [*(report.source.splitlines() if show else ()), *repr(report).splitlines()]
    facts = report.as_dict() | {"source": report.source}
    if report.version is not None:
        facts |= report.version.manifest
        counts = report.version.manifest["evidence"]["counts"]
        lines += [
            f"proven on {', '.join(one['symbol'] for one in report.version.manifest['data'])}: {counts['orders']} orders, "
            f"{counts['fills']} fills, {counts['effects']:,} effects the same in every life; "
            f"{len(report.version.manifest['evidence']['controls'])} changes on purpose were noticed",
            f"next: b25 run {report.reference} --mode observe; b25 strategies show {report.reference}",
        ]
    answer(facts, json=json, lines=lines)


def _data_of(bars: list[str] | None, place: dict[str, Any], position_max: float | None, seed: int | None) -> tuple[Any, Any]:
    """What to prove it on, and limits: a sample market of the right kind unless the data are named."""
    import b25

    limits = b25.Limits(position_max=position_max) if position_max is not None else None
    named = place["data"] or place["source"] or place["symbol"]
    if seed is not None and named:
        raise Misuse(f"--seed {seed} is for the sample market", remedy="leave it out where data are named")
    if bars:
        frames = options.frames_of(bars)
        if not named:
            from b25.promote.promote import SAMPLE_DAYS

            sample = b25.sample(bars=frames[0], days=SAMPLE_DAYS, **({} if seed is None else {"seed": seed}))
            return (sample.with_larger(*frames[1:]) if len(frames) > 1 else sample,), limits
        others = {name: place[name] for name in ("source", "symbol", "venue", "catalog")}
        return tuple(options.open_bars(frames, place["data"], **others)), limits
    if place["symbol"] is None:
        return None, limits
    return b25.dataset(symbol=place["symbol"], venue=place["venue"], catalog=place["catalog"]), limits


def _say(step: str, text: str) -> None:
    progress(f"b25: {step:<8} {text}")
