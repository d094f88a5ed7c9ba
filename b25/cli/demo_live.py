"""The demo: a venue with a living market in its own process, a market maker live on it through ccxt, and the proof afterwards."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from b25.cli.output import progress
from b25.model.errors import Halt

if TYPE_CHECKING:
    from b25.runner.live import LiveLoop
    from b25.session.result import SessionResult

SYMBOL: Final = "BTC/USDT:USDT"
VENUE_START_S: Final = 120.0
# The crowd's spread is a tick or two. Quotes this near to the touch are taken, and the inventory limit leans them back.
PARAMETERS: Final = {
    "half_spread_bps": 0.05,
    "quantity": 0.01,
    "max_position": 0.05,
    "requote_bps": 0.1,
    "market_spread_bps_min": 0.0,
}
POSITION_MAX: Final = 0.1
# As a top tier has it: where the spread is 0.02 bps, a maker lives on the rebate or not at all.
FEES: Final = ("--fee-maker=-0.00005", "--fee-taker=0.0003")


def run_demo(strategy: Path, folder: Path, seconds: float) -> dict[str, Any]:
    """Run it; returns the facts.

    Parameters
    ----------
    strategy : Path
        The market maker's file.
    folder : Path
        Where everything goes that it makes.
    seconds : float
        How long the session trades.

    Raises
    ------
    Halt
        When the venue does not start.
    """
    with step("kernels", "compile for this machine, or load from the cache"):
        from b25.research.strategy_file import load_strategy

        cls = load_strategy(f"{strategy}:MarketMaker")
    with venue_process(folder / "venue", seconds) as venue:
        name = f"demo-{int(time.time()):x}"
        facts = _session(cls, name, folder, seconds, venue)
    from b25.session.replay import replay
    from b25.session.result import SessionResult

    journal = Path(facts["journal"])
    with step("replay", "the journal's events through the same code: does every effect come again?"):
        report = replay(journal, cls)
        found = report.divergence
        said = f"AGREES: {report.effects:,} effects of {report.events:,} events came again, byte for byte"
        progress(f"        {said if found is None else f'DIVERGES at event {found.seq}: {found.what}'}")
    with step("report", "a tear sheet from the journal"):
        result = SessionResult(journal, cls)
        sheet = result.tearsheet(folder / "reports" / f"{name}.html")
    held = {
        one.symbol: str(one.quantity(int(position["position_lots"])))
        for one, position in zip(result.instruments, result.outcome.world.positions, strict=True)
        if int(position["position_lots"])
    }
    return {**facts, "held": held, "replay_agrees": report.agrees, "tearsheet": str(sheet), "result": result}


def _session(cls: Any, name: str, folder: Path, seconds: float, venue: dict[str, Any]) -> dict[str, Any]:
    from b25.cli.run import venue_at
    from b25.risk.limits import Limits
    from b25.runner.live_session import LivePlan
    from b25.runner.run_supervised import Supervision, run_supervised

    found = venue_at(SYMBOL, folder / "venue", venue["rest_url"], str(venue["status_page"]).rstrip("/"))
    plan = LivePlan(
        name=name, mode="live", cls=cls, params=PARAMETERS, folder=folder / "sessions",
        limits=Limits(position_max=POSITION_MAX), seconds=seconds, flatten=True, **found,
    )  # fmt: skip
    progress(f"b25: session   {name}: {cls.__name__}, live, {SYMBOL}, through ccxt and the risk gate; Ctrl-C ends it in order")
    watched = Supervision(folder=folder / "run")
    from b25.cli import live_view

    if not live_view.is_terminal():
        from b25.cli.run import tell_on

        return run_supervised(plan, lambda text: progress(f"b25: {text}"), watched, tell_on)
    from rich.console import Console

    view = live_view.LiveView(f"{cls.__name__}, live on a simulated venue", seconds, Console(stderr=True))

    def watch(loop: LiveLoop) -> None:
        view.watch(loop)
        loop.at_end.append(view.end)

    return run_supervised(plan, view.say, watched, watch)


@contextlib.contextmanager
def venue_process(folder: Path, seconds: float) -> Iterator[dict[str, Any]]:
    """A venue in a process of its own, with what it told when it was ready; it ends with the context.

    Raises
    ------
    Halt
        When it does not start.
    """
    import orjson

    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "venue.log"
    with step("venue", "a simulated Binance on loopback, a crowd trading on it, in its own process"):
        command = [sys.executable, "-m", "b25", "venue", "--port", "0", "--tls-port", "0", "--folder", str(folder), "--json"]
        command += FEES
        command += ["--for-s", f"{seconds + 600:g}"]  # it ends even when nobody is left to end it
        with log.open("wb") as told:
            child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=told, start_new_session=True)  # noqa: S603 - our own
        try:
            assert child.stdout is not None
            line = _line_of(child)
        except BaseException:
            child.kill()
            child.wait()
            raise
    try:
        facts: dict[str, Any] = orjson.loads(line)
        progress(f"        {facts['status_page']} shows its accounts, orders and switches of faults")
        yield facts
    finally:
        child.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(10)
        if child.poll() is None:
            child.kill()
            child.wait()


def _line_of(child: subprocess.Popen[bytes]) -> bytes:
    """The first line that the venue prints, which is all of it; raises Halt when there is none."""
    import select

    assert child.stdout is not None
    began_s = time.monotonic()
    while time.monotonic() - began_s < VENUE_START_S:
        if select.select([child.stdout], [], [], 0.2)[0]:
            line = child.stdout.readline()
            if line:
                return line
        if child.poll() is not None:
            break
    ended = "it ended" if child.poll() is not None else f"it said nothing for {VENUE_START_S:g} s"
    raise Halt(f"the simulated venue did not start: {ended}", remedy="see venue.log in its folder; try `b25 venue` by itself")


@contextlib.contextmanager
def step(name: str, what: str) -> Iterator[None]:
    """Say what is done, and how long it took."""
    progress(f"b25: {name:<9} {what} …")
    begun = time.perf_counter()
    yield
    progress(f"b25: {name:<9} {time.perf_counter() - begun:6.2f} s")


def summary_lines(facts: dict[str, Any]) -> list[str]:
    """What a person reads at the end."""
    result: SessionResult = facts["result"]
    numbers, currency = result.summary, result.currency
    shown = [
        ("Net profit", "net_profit", f"{currency}"), ("Fees", "fees", currency), ("Fills", "fills", ""),
        ("Mark-out after 1 s", "markout_1s", "bps"),
    ]  # fmt: skip
    lines = [f"{facts['session']}: {facts['why']}; {facts['live_orders']} orders left, {facts['held'] or 'flat'}"]
    for label, name, unit in shown:
        value = numbers.get(name)
        lines.append(f"  {label:<28}{'n/a' if value is None else f'{value:>12,.4g}'} {unit}".rstrip())
    lines.append(f"  {'Orders sent':<28}{len(result.orders):>12,}")
    lines.append(f"  {'Replay':<28}{'agrees' if facts['replay_agrees'] else 'DIVERGES':>12}")
    link = Path(facts["tearsheet"]).resolve().as_uri()
    return [*lines, "", f"tear sheet: {link}", f"journal:    {facts['journal']}   (b25 session replay {facts['journal']})"]
