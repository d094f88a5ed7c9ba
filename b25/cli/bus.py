"""Look at the bus: whether it is there, what passes on it, and every subject that is declared."""

import asyncio
import time
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from b25.cli.output import JSON, answer, progress

RUN_FOLDER = Path("data/run")
LOOK_S = 0.1

Url = Annotated[str, typer.Option(help="Address of the server; left out: as B25_NATS_URL says, else this machine's own.")]
Folder = Annotated[Path, typer.Option(help="The run folder, where the token of this machine's server is.")]


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help=__doc__, no_args_is_help=True)
    group.command("check", epilog="Example: b25 bus check")(check)
    group.command("watch", epilog="Example: b25 bus watch 'fills.>' --for-s 60")(watch)
    group.command("subjects", epilog="Example: b25 bus subjects --json")(subjects)
    group.command("send", epilog="Example: b25 bus send live-1 pause --by ann --reason 'quotes look wrong'")(send)
    app.add_typer(group, name="bus")


def check(url: Url = "", folder: Folder = RUN_FOLDER, json: Annotated[bool, JSON] = False) -> None:
    """Connect, have the streams made, send a message through and count what is kept."""
    from b25.bus.address import bus_address

    address = bus_address(url, folder)
    facts = asyncio.run(_check(address))
    lines = [f"{facts['url']}: nats-server {facts['version']}, a round trip in {facts['round_trip_ms']:.1f} ms"]
    lines += [f"{one['name']:<14} {one['messages']:>9,} messages, {one['bytes'] / 1e6:,.1f} MB" for one in facts["streams"]]
    answer(facts, json=json, lines=lines)


async def _check(address: Any) -> dict[str, Any]:
    from b25.bus.link import open_link
    from b25.bus.streams import STREAMS

    link = await open_link(address, "operator/check", lambda text: progress(f"b25: {text}"))
    try:
        begun = time.perf_counter()
        await link.client.flush()
        took_ms = (time.perf_counter() - begun) * 1e3
        streams = []
        for name, _, _ in STREAMS:
            state = (await link.stream.stream_info(name)).state
            streams.append({"name": name, "messages": state.messages, "bytes": state.bytes, "readers": state.consumer_count})
        told = link.client.connected_server_version
        version = f"{told.major}.{told.minor}.{told.patch}"
        return {"url": address.url, "version": version, "round_trip_ms": took_ms, "streams": streams}
    finally:
        await link.close()


def watch(
    subject: Annotated[str, typer.Argument(help="E.g. fills.BTC_USDT_USDT, orders.>, or > for everything.")],
    url: Url = "",
    folder: Folder = RUN_FOLDER,
    for_s: Annotated[float, typer.Option(help="Stop after so many seconds; 0 watches until interrupted.")] = 0.0,
    count: Annotated[int, typer.Option(help="Stop after so many messages; 0 for no end.")] = 0,
    json: Annotated[bool, JSON] = False,
) -> None:
    """Print what passes, one line a message; reads along and takes nothing from anybody."""
    from b25.bus.address import bus_address
    from b25.bus.subjects import check_filter

    check_filter(subject)
    seen = asyncio.run(_watch(bus_address(url, folder), subject, for_s, count, json))
    if not json:
        progress(f"b25: {seen} messages")


async def _watch(address: Any, subject: str, for_s: float, count: int, json: bool) -> int:
    from b25.bus.link import open_link
    from b25.bus.message import Message
    from b25.bus.subscriber import watch as read_along

    link = await open_link(address, "operator/watch", lambda text: progress(f"b25: {text}"))
    seen = 0
    enough = asyncio.Event()

    def told(name: str, message: Message | None, text: bytes) -> None:
        nonlocal seen
        if message is None or (count and seen >= count):
            return
        seen += 1
        if json:
            print(orjson.dumps({"subject": name, **orjson.loads(text)}).decode(), flush=True)
        else:
            moment = time.strftime("%H:%M:%S", time.gmtime(message.event_ns // 1_000_000_000))
            print(f"{moment} {name} {message.source} #{message.seq} {orjson.dumps(message.body).decode()}", flush=True)
        if count and seen >= count:
            enough.set()

    try:
        await read_along(link, subject, told)
        await asyncio.wait_for(enough.wait(), for_s or None)
    except TimeoutError:
        pass
    finally:
        await link.close()
    return seen


def subjects(json: Annotated[bool, JSON] = False) -> None:
    """List every subject with its makers, readers and delivery."""
    from dataclasses import fields

    from b25.bus.subjects import SUBJECTS

    rows: list[dict[str, Any]] = [
        {
            "subject": one.pattern,
            "version": one.version,
            "says": one.body.__name__,
            "fields": [field.name for field in fields(one.body)],
            "made_by": list(one.producers),
            "read_by": list(one.consumers),
            "delivery": str(one.delivery),
        }
        for one in SUBJECTS
    ]
    lines = [f"{row['subject']:<34} {row['says']:<15} {row['delivery']:<14} made by {', '.join(row['made_by'])}" for row in rows]
    answer({"subjects": rows}, json=json, lines=lines)


def send(
    session: Annotated[str, typer.Argument(help="Id of the session.")],
    command: Annotated[str, typer.Argument(help="As at the session's control socket, e.g. pause, resume, flatten, stop.")],
    by: Annotated[str, typer.Option(help="Who asks.")],
    reason: Annotated[str, typer.Option(help="Why.")],
    request: Annotated[str, typer.Option(help="More of the request, as JSON.")] = "{}",
    url: Url = "",
    folder: Folder = RUN_FOLDER,
    within_s: Annotated[float, typer.Option(help="Wait so long for the answer; later it is not done any more.")] = 10.0,
    json: Annotated[bool, JSON] = False,
) -> None:
    """Ask something of a session, wherever it runs, and wait for what it answers."""
    from b25.bus.address import bus_address
    from b25.bus.command_desk import send_command
    from b25.bus.link import open_link
    from b25.model.errors import Misuse

    try:
        more = orjson.loads(request)
    except orjson.JSONDecodeError as fault:
        raise Misuse(f"--request is no JSON: {fault}", remedy='give an object, e.g. \'{"name": "quantity"}\'') from None
    if not isinstance(more, dict):
        raise Misuse("--request is no object", remedy='give an object, e.g. \'{"name": "quantity"}\'')

    async def ask() -> Any:
        link = await open_link(bus_address(url, folder), f"operator/{by}", lambda text: progress(f"b25: {text}"))
        try:
            return await send_command(link, session, {**more, "command": command}, by=by, reason=reason, within_s=within_s)
        finally:
            await link.close()

    result = asyncio.run(ask())
    answer({"session": session, "is_done": result.is_done, "answer": result.answer}, json=json)
    if not result.is_done:
        raise typer.Exit(1)
