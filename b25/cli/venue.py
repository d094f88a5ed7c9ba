"""Run a simulated Binance on loopback: spot and futures, REST and WebSockets, with a market and every fault on a switch."""

import asyncio
import gc
import secrets
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from b25.cli.output import JSON, answer, progress

if TYPE_CHECKING:
    from b25.venue.exchange.exchange import Exchange
    from b25.venue.exchange.listing import Listing
    from b25.venue.wire.server import Venue

ACCOUNT = "demo"
DEPOSITS = {"spot": {"USDT": "100000", "BTC": "2", "ETH": "20"}, "linear": {"USDT": "100000"}}
KEYS = "venue-keys.json"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("venue", epilog="Example: b25 venue --scenario flaky.toml")(venue)


def venue(
    host: Annotated[str, typer.Option(help="Where it listens.")] = "127.0.0.1",
    tls_port: Annotated[int, typer.Option(help="Port of HTTPS; 0 takes a free one.")] = 18_443,
    port: Annotated[int, typer.Option(help="Port of plain HTTP and WebSockets; 0 takes a free one.")] = 18_080,
    folder: Annotated[Path, typer.Option(help="Where certificate, admin token and keys are kept.")] = Path("data/venue"),
    scenario: Annotated[Path | None, typer.Option(help="TOML file of faults that come and go.")] = None,
    market: Annotated[str, typer.Option(help="Who trades besides you: crowd, or none.")] = "crowd",
    replay: Annotated[
        list[str] | None, typer.Option(help="Recorded instruments to be the market instead, e.g. binanceusdm:ETH/USDT:USDT.")
    ] = None,
    catalog: Annotated[Path | None, typer.Option(help="Where the recordings are.")] = None,
    clock: Annotated[str, typer.Option(help="real, accelerated or stepped.")] = "real",
    speed: Annotated[float, typer.Option(help="Of the accelerated clock.")] = 10.0,
    seed: Annotated[int, typer.Option(help="Of the market and of the faults' dice.")] = 25,
    warm_up_s: Annotated[float, typer.Option(help="How long the crowd has traded before the venue opens.")] = 60.0,
    read_lag_ms: Annotated[float, typer.Option(help="Reads from the venue's database are late by up to this.")] = 500.0,
    limits: Annotated[bool, typer.Option(help="Whether request weights and order counts are enforced.")] = True,
    fee_maker: Annotated[
        float | None, typer.Option(help="Ratio that the account `demo` pays as a maker of futures; negative is a rebate.")
    ] = None,
    fee_taker: Annotated[float | None, typer.Option(help="Likewise, as a taker.")] = None,
    for_s: Annotated[float, typer.Option(help="Stop after so many seconds; 0 runs until interrupted.")] = 0.0,
    json: Annotated[bool, JSON] = False,
) -> None:
    """Run a simulated Binance on loopback: spot and futures, REST and WebSockets, with a market and every fault on a switch."""
    from b25.venue.wire.limits import LimitSettings
    from b25.venue.wire.scenario import read_scenario
    from b25.venue.wire.server import Venue, VenueSettings
    from b25.venue.wire.thread import fast_loop

    settings = VenueSettings(
        host=host,
        tls_port=tls_port,
        port=port,
        folder=folder,
        clock=_clock(clock),
        speed=speed,
        seed=seed,
        warm_up_s=warm_up_s if market == "crowd" and not replay else 0.0,
        read_lag_ms=(0.0, read_lag_ms),
        limits=LimitSettings(enabled=limits),
    )
    turns = read_scenario(scenario) if scenario is not None else None
    listings, opened = _recorded(replay, catalog) if replay else (None, _market(market, seed))
    made = Venue(settings, listings=listings, market=opened, scenario=turns)
    keys = _accounts(made, folder, fee_maker, fee_taker)
    with asyncio.Runner(loop_factory=fast_loop()) as runner, suppress(KeyboardInterrupt):
        runner.run(_run(made, keys, for_s, json=json))


async def _run(venue: "Venue", keys: dict[str, Any], for_s: float, *, json: bool) -> None:
    async with venue:
        facts: dict[str, Any] = {
            "rest_url": venue.rest_url,
            "ws_url": venue.ws_url,
            "status_page": f"{venue.plain_url}/",
            "cafile": str(venue.cafile),
            "admin_token": venue.admin_token,
            "keys_file": str(venue.settings.folder / KEYS),
            **keys,
        }
        if not json:
            for name in ("secret", "api_key", "admin_token"):  # a terminal and a log are kept and shared; the files are not
                del facts[name]
        answer(facts, json=json)
        progress("b25: the venue runs; interrupt it to stop" if not for_s else f"b25: the venue runs for {for_s:g} s")
        # What is there now stays; looking through it again and again is what a pause of the collector would be spent on.
        gc.collect()
        gc.freeze()
        ended = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
        with suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), for_s or None)


def _accounts(venue: "Venue", folder: Path, fee_maker: float | None, fee_taker: float | None) -> dict[str, Any]:
    """Open the account `demo` with money and a key; the key stays the same from start to start."""
    import orjson

    from b25.model.errors import Misuse
    from b25.venue.wire.tls import write_private

    path = folder / KEYS
    kept = _kept_keys(path)
    api_key, secret = kept.get("api_key") or secrets.token_hex(32), kept.get("secret") or secrets.token_hex(32)
    account = venue.exchange.open_account(ACCOUNT)
    for rates, ratio in ((account.maker_fee_ppm, fee_maker), (account.taker_fee_ppm, fee_taker)):
        if ratio is not None:
            rates["linear"] = round(ratio * 1_000_000)
    for where, assets in DEPOSITS.items():
        for asset, amount in assets.items():
            venue.exchange.deposit(account, where, asset, amount)
    venue.exchange.make_key(account, key=api_key, secret=secret)
    # `run` names this run of the venue: its accounts begin empty, whatever a session's store remembers of an earlier one.
    keys = {"account": ACCOUNT, "api_key": api_key, "secret": secret, "run": secrets.token_hex(4)}
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_private(path, orjson.dumps(keys))
    except OSError as fault:
        raise Misuse(
            f"the folder {folder} cannot be written: {fault.strerror}", remedy="choose another for certificate and keys: --folder"
        ) from None
    return keys


def _recorded(names: list[str], catalog: Path | None) -> "tuple[list[Listing], Callable[[Exchange], None]]":
    """Listings for recorded instruments, and what gives them their recordings."""
    from b25.market.catalog import Catalog
    from b25.model.errors import Misuse
    from b25.research.dataset import default_catalog
    from b25.venue.crowd.opening import open_replay
    from b25.venue.exchange.listings import listing_of

    found = []
    for name in names:
        venue_id, _, symbol = name.partition(":")
        if not symbol:
            raise Misuse(f"--replay {name} names no instrument", remedy="write venue:symbol, e.g. binanceusdm:ETH/USDT:USDT")
        rows = Catalog(catalog or default_catalog()).load(venue_id, symbol)
        found.append((listing_of(rows.instrument), rows))

    def open_all(exchange: "Exchange") -> None:
        for listing, rows in found:
            open_replay(exchange, listing, rows.rows, rows.instrument)

    return [listing for listing, _ in found], open_all


def _kept_keys(path: Path) -> dict[str, str]:
    """The key of an earlier start, so that scripts go on working."""
    import orjson

    from b25.model.errors import Misuse

    try:
        kept = orjson.loads(path.read_bytes()) if path.exists() else {}
    except (OSError, orjson.JSONDecodeError) as fault:
        raise Misuse(f"{path} cannot be read: {fault}", remedy="remove it: a new key is made at the next start") from None
    return {name: kept[name] for name in ("api_key", "secret") if isinstance(kept, dict) and isinstance(kept.get(name), str)}


def _clock(name: str) -> Any:
    from b25.model.errors import Misuse

    if name not in ("real", "accelerated", "stepped"):
        raise Misuse(f"there is no clock {name!r}", remedy="use real, accelerated or stepped")
    return name


def _market(name: str, seed: int) -> "Callable[[Exchange], None] | None":
    from b25.model.errors import Misuse

    if name == "none":
        return None
    if name != "crowd":
        raise Misuse(f"there is no market {name!r}", remedy="use crowd or none")
    from b25.venue.crowd.opening import open_crowds

    return lambda exchange: open_crowds(exchange, seed=seed)
