"""Run a strategy in the foreground, now: watching only, on paper, or with orders at a venue."""

import asyncio
import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from b25.cli import bar_options as options
from b25.cli.output import JSON, answer, progress
from b25.model.errors import Misuse

if TYPE_CHECKING:
    from b25.cli.versions import Promoted
    from b25.runner.live import LiveLoop
    from b25.venue.wire.thread import VenueThread

SIMULATED, SYMBOL, VENUE_SYMBOL = "sim", "BTC/USDT:USDT", "BTCUSDT"
FOLDER = Path("data/sessions")
RUN_FOLDER = Path("data/run")  # of `b25 up` and `b25 kill`
TELL_S = 5.0
WARM_UP_S = 60.0
EXAMPLE = "Example: b25 run strategies/market_maker.py:MarketMaker --venue sim --mode paper"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("run", epilog=EXAMPLE)(run)


def run(
    strategy: options.Strategy,
    venue: Annotated[str, typer.Option(help="sim: a simulated venue on loopback; else a ccxt id, e.g. binanceusdm.")] = SIMULATED,
    mode: Annotated[str, typer.Option(help="observe, paper, or live.")] = "paper",
    symbol: Annotated[str, typer.Option(help="Unified symbol, or several with commas between them.")] = SYMBOL,
    at: Annotated[
        Path | None, typer.Option(help="Folder of a `b25 venue` that runs; left out, one is started for this session.")
    ] = None,
    rest_url: Annotated[str, typer.Option(help="Its address for HTTPS.")] = "https://127.0.0.1:18443",
    plain_url: Annotated[str, typer.Option(help="Its address for HTTP and WebSockets.")] = "http://127.0.0.1:18080",
    name: Annotated[str, typer.Option(help="Id of the session; by default the mode and the time.")] = "",
    folder: Annotated[Path, typer.Option(help="Where journals go.")] = FOLDER,
    run_folder: Annotated[Path, typer.Option(help="Where seats, control sockets and the kill switch's latch lie.")] = RUN_FOLDER,
    store: Annotated[str, typer.Option(help="Live: URL of the database of orders; by default a file of the venue's own.")] = "",
    account: Annotated[
        str, typer.Option(help="Its name for the kill switch and in the store; one session at a time sends for it.")
    ] = "",
    foreign: Annotated[str, typer.Option(help="Live: ignore, alarm (and hold), or cancel what is not ours.")] = "alarm",
    limits: Annotated[Path | None, typer.Option(help="TOML file of limits by account, strategy and symbol.")] = None,
    policies: Annotated[Path | None, typer.Option(help="Live: TOML file of what the account must hold to.")] = None,
    on_latch: Annotated[str, typer.Option(help="When the risk gate latches: reduce, kill, or flatten.")] = "reduce",
    paused: Annotated[bool, typer.Option("--paused", help="Start paused: b25 session resume NAME.")] = False,
    approved: Annotated[Path | None, typer.Option(help="Live: only strategies whose hash this file approves.")] = None,
    values: options.Values = None,
    position_max: Annotated[float | None, typer.Option(help="Limit of position and open orders together, base units.")] = None,
    orders_per_s_max: Annotated[int | None, typer.Option(help="Limit of new orders a second.")] = None,
    fee_maker: options.FeeMaker = 0.0002,
    fee_taker: options.FeeTaker = 0.0005,
    timeframe: Annotated[
        str, typer.Option(help="Of a strategy on bars that names none: 1m, 5s, or a rule such as '100 ticks'.")
    ] = "",
    warm_up: Annotated[int | None, typer.Option(help="Bars before the start that it sees; by default 200.")] = None,
    latency_ns: Annotated[int, typer.Option(help="On paper: nanoseconds to the venue, and again back.")] = 10_000_000,
    balance: options.Balance = None,
    for_s: Annotated[float, typer.Option(help="Stop after so many seconds; 0 runs until interrupted.")] = 0.0,
    flatten: Annotated[bool, typer.Option("--flatten", help="Close what is held at the end.")] = False,
    python: Annotated[bool, typer.Option("--python", help="Run the class as plain Python.")] = False,
    bus: Annotated[str, typer.Option(help="NATS server to tell others over, or none; left out: as B25_NATS_URL says.")] = "",
    config: Annotated[
        str, typer.Option(help="Store of the configurations it goes by, or none; left out: as the settings say, if it is there.")
    ] = "",
    json: Annotated[bool, JSON] = False,
) -> None:
    """Run a strategy in the foreground until it is interrupted; then cancel its orders and end its journal."""
    from b25.risk.limits import Limits
    from b25.runner.bar_plan import frames_for
    from b25.runner.config_feed import store_of
    from b25.runner.live_session import LivePlan
    from b25.runner.run_supervised import Supervision, run_supervised
    from b25.runner.session_telemetry import telling
    from b25.runner.session_watch import OnLatch
    from b25.session.account.policy_file import read_policies
    from b25.session.limits_file import read_limits
    from b25.venue.models import Fees

    cls, params, promoted = _strategy_of(strategy, mode, options.parameters(values), config)
    given: dict[str, Any] = {
        "name": name or f"{mode[:7]}-{time.time_ns() // 1_000_000:x}",
        "mode": mode,
        "cls": cls,
        "params": params,
        "folder": folder,
        "limit_set": read_limits(limits, Limits(position_max=position_max, orders_per_s_max=orders_per_s_max)),
        "fees": Fees(fee_maker, fee_taker),
        "balance": 10_000.0 if balance is None else balance,
        "compiled": False if python else None,
        "latency_ns": latency_ns,
        "seconds": for_s,
        "flatten": flatten,
        "foreign": foreign,
        "policies": read_policies(policies),
    }
    given["frames"], given["warm_up"] = frames_for(cls, timeframe, warm_up)
    cls.record(given["params"])
    if promoted is not None:
        given |= {"more": promoted.more, "size_factor": promoted.start.size_factor}
    if on_latch not in [*OnLatch]:
        raise Misuse(f"nothing follows a latch by {on_latch!r}", remedy=f"use one of {', '.join(OnLatch)}")
    supervision = Supervision(
        folder=run_folder, account=account or "default", on_latch=OnLatch(on_latch), starts_paused=paused, approved=approved,
        configuration=store_of(config), why_stopped=promoted.why_stopped if promoted else None,
    )  # fmt: skip
    if mode == "live":
        supervision.check_latch()
    with _venue_of(venue, mode, symbol, at, rest_url, plain_url, folder) as found:
        kept = {name: value for name, value in (("store", store), ("account", account)) if value}
        plan = LivePlan(**given, **{**found, **kept})
        progress(
            f"b25: session {plan.name}: {cls.__name__}, {mode}, {plan.instruments[0].venue} {symbol}; interrupt it to end it"
        )
        with telling(bus, run_folder, plan, lambda text: progress(f"b25: {text}")) as telemetry:

            def watch(loop: "LiveLoop") -> None:
                tell_on(loop)
                if telemetry is not None:
                    telemetry.watch(loop)

            begin = promoted.watching(watch, supervision.account) if promoted else watch
            facts = run_supervised(plan, lambda text: progress(f"b25: {text}"), supervision, begin)
    ended = f"it ended: {facts['why']}" + (f"; {facts['halt']}" if facts["halt"] else "")
    journal = facts["journal"]
    lines = [
        f"session {facts['session']} ({mode}): {ended}",
        f"events {facts['events']:,}, effects {facts['effects']:,}, orders left {facts['live_orders']}",
        f"journal {journal}; replay it: b25 session replay {journal}",
    ]
    answer(facts, json=json, lines=lines)
    if facts["exit_code"]:
        raise typer.Exit(facts["exit_code"])


def _strategy_of(strategy: str, mode: str, values: dict[str, Any], store: str) -> "tuple[Any, dict[str, Any], Promoted | None]":
    """Return the class of a file, or that of a promoted version (NAME@NUMBER, or NAME for the one it stands for)."""
    from b25.cli.versions import promoted_of
    from b25.research.strategy_file import load_strategy

    return promoted_of(strategy, mode, values, store) or (load_strategy(strategy), values, None)


@contextlib.contextmanager
def _venue_of(
    venue: str, mode: str, symbol: str, at: Path | None, rest_url: str, plain_url: str, folder: Path
) -> "Iterator[dict[str, Any]]":
    """What the plan is given of the venue; a venue that was started for it ends with it."""
    if venue != SIMULATED:
        yield _real(venue, mode, symbol)
    elif at is not None:
        yield venue_at(symbol, at, rest_url, plain_url)
    else:
        with _own_venue(folder) as (thread, key):
            inside = thread.venue
            found = simulated_venue(symbol, key.key, key.secret, inside.rest_url, inside.plain_url, str(inside.cafile))
            run_id = f"{time.time_ns() // 1_000_000:x}"
            store = f"sqlite:///{(folder / 'venue' / 'stores' / run_id).resolve()}.db"
            yield {**found, "store": store, "account": f"session-{run_id}", "lasting": False}


def venue_at(symbol: str, at: Path, rest_url: str, plain_url: str) -> dict[str, Any]:
    """What a plan is given of a `b25 venue` that runs: its account's key, and a store for this run of it.

    Each run of a simulated venue begins with empty accounts and counts its trades from one, so that each has a store of its own.
    """
    import orjson

    try:
        keys = orjson.loads((at / "venue-keys.json").read_bytes())
    except OSError as fault:
        raise Misuse(
            f"{at} is no folder of a venue: {fault.strerror}", remedy="start `b25 venue`, and give its --folder"
        ) from None
    run_id = keys.get("run", "main")
    found = simulated_venue(symbol, keys["api_key"], keys["secret"], rest_url, plain_url, str(at / "venue-cert.pem"))
    return {**found, "store": f"sqlite:///{(at / 'stores' / run_id).resolve()}.db", "account": f"demo-{run_id}"}


@contextlib.contextmanager
def _own_venue(folder: Path) -> "Iterator[tuple[VenueThread, Any]]":
    """A simulated venue with a living market, in a thread of this process."""
    from b25.venue.crowd.opening import open_crowds
    from b25.venue.wire.server import VenueSettings
    from b25.venue.wire.thread import VenueThread

    progress("b25: starting a simulated venue on loopback …")
    settings = VenueSettings(folder=folder / "venue", tls_port=0, port=0, warm_up_s=WARM_UP_S)
    with VenueThread(settings, market=lambda exchange: open_crowds(exchange, seed=25)) as thread:

        def make(inside: Any) -> Any:
            account = inside.exchange.open_account("session")
            inside.exchange.deposit(account, "linear", "USDT", "100000")
            return inside.exchange.make_key(account)

        yield thread, thread.call(make)


def simulated_venue(symbol: str, key: str, secret: str, rest_url: str, plain_url: str, cafile: str) -> dict[str, Any]:
    """What a plan is given of a simulated venue that runs: instrument, feed, and a port for orders."""
    from b25.market.feed.binance_streams import address_of
    from b25.model.message import USDM
    from b25.observe.redaction import hide
    from b25.venue.ccxt.connect import connect
    from b25.venue.ccxt.profile import Profile, Where
    from b25.venue.port.reports import Kind

    symbols = _listed_in(symbol)
    for one in symbols:
        if not one.endswith(":USDT"):
            raise Misuse(f"{one} is no perpetual of the simulated venue", remedy=f"use one settled in USDT, e.g. {SYMBOL}")
    hide(key, secret)
    profile = Profile(
        exchange="binance", kind=Kind.LINEAR, where=Where.LOOPBACK, key=key, secret=secret, rest_url=rest_url,
        ws_url=plain_url.replace("http", "ws", 1), cafile=cafile,
    )  # fmt: skip
    instruments = asyncio.run(_listed(connect(profile), symbols))
    return {"instruments": instruments, "address": address_of(USDM, plain_url), "port": lambda: connect(profile)}


def _listed_in(text: str) -> list[str]:
    """Symbols with commas between them."""
    return [one.strip() for one in text.split(",") if one.strip()]


async def _listed(port: Any, symbols: list[str]) -> list[Any]:
    """Each symbol's grid and bounds as the venue tells them."""
    from b25.model.errors import Retry

    try:
        outcome = await port.listings()
    finally:
        await port.close()
    if outcome.value is None:
        raise Retry(f"the venue does not answer: {outcome.text}", remedy="check that `b25 venue` runs, and its addresses")
    for symbol in symbols:
        if symbol not in outcome.value:
            raise Misuse(f"the venue has no {symbol}", remedy=f"use one of {', '.join(sorted(outcome.value)[:8])}")
    return [outcome.value[symbol].instrument for symbol in symbols]


def _real(venue: str, mode: str, symbol: str) -> dict[str, Any]:
    from b25.market.catalog import Catalog
    from b25.market.record_instruments import FAST_VENUES, fast_instruments, other_instruments
    from b25.research.dataset import default_catalog

    if mode == "live":
        raise Misuse(
            f"orders at {venue} are not sent by this command",
            remedy="use --mode observe or paper there, or --venue sim --mode live",
        )
    catalog = Catalog(default_catalog())
    if venue in FAST_VENUES:
        found = asyncio.run(fast_instruments(venue, _listed_in(symbol), catalog, None))
    else:
        found = other_instruments(venue, _listed_in(symbol), catalog, None)
    return {"instruments": [instrument for instrument, _ in found]}


def tell_on(loop: "LiveLoop") -> None:
    """Say now and then how the session stands."""

    def tell() -> None:
        from b25.session.picture import picture_of

        picture = picture_of(loop.session.machine)
        (market, *_) = picture["instruments"]
        progress(
            f"b25: {market['symbol']} {market['bid']} / {market['ask']}, position {market['position']}, "
            f"{len(picture['orders'])} orders, {market['fills']} fills, {loop.session.events_taken:,} events"
        )
        if not loop.until.is_set():
            asyncio.get_running_loop().call_later(TELL_S, tell)

    asyncio.get_running_loop().call_later(TELL_S, tell)
