"""A gateway's sockets in a process of its own, on a state like that of a busy account; a part of it changes at each step."""

import asyncio
import dataclasses
import hashlib
import resource
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import orjson
import uvicorn
from serving import serve

from b25.api.app import make_app
from b25.api.gateway import Gateway
from b25.api.principal import Principal
from b25.api.roles import Role
from b25.api.state.state import State
from b25.api.ws.hub import Hub
from b25.api.ws.serving import SOCKETS
from b25.api.ws.wire import WIRES
from b25.config.settings import Settings
from b25.store.store import open_store

SYMBOLS, ORDERS, FILLS, LEVELS = 20, 100, 200, 10
CHANNELS = ("market_data", "orderbook", "orders", "fills", "positions", "account", "system_health")


class Anybody:
    """Lets everybody in."""

    async def principal(self, headers: Any, ip: str, method: str, path: str) -> Principal | None:
        return None

    async def of_ticket(self, ticket: str) -> Principal | None:
        return Principal(name=ticket, roles=frozenset({Role.VIEWER}))


@dataclasses.dataclass
class Running:
    """What runs."""

    state: State
    server: uvicorn.Server
    steps: int = 0
    snapshot_bytes: int = 0


RUNNING: list[Running] = []


def start(deflate: bool) -> dict[str, Any]:
    """Fill a state and serve it; gives the address."""
    folder = Path(tempfile.mkdtemp())
    settings = Settings(database_url=f"sqlite:///{folder}/b25.db", run_folder=folder)
    gateway = Gateway(
        settings=settings, store=open_store(settings.database_url, readers=1), now_ns=time.time_ns, authenticator=Anybody()
    )
    state = State()
    gateway.join(state)
    gateway.join(Hub(state, holds=lambda by: True))
    options = SOCKETS | {"ws_per_message_deflate": deflate}
    server = uvicorn.Server(uvicorn.Config(make_app(gateway), port=0, log_config=None, loop="uvloop", **options))
    threading.Thread(target=server.run, daemon=True).start()
    while not server.started:
        time.sleep(0.01)
    RUNNING.append(Running(state, server))
    for number in range(SYMBOLS):
        market(state, number, 0)
        state.put(
            "positions", f"s/{number}", {"symbol": f"C{number}/USDT", "quantity": "1.5", "entry_price": "100.1", "mark": "100"}
        )
    for number in range(ORDERS):
        order(state, number, "0")
    for number in range(FILLS):
        fill(state, number)
    return {"port": server.servers[0].sockets[0].getsockname()[1], "channels": CHANNELS}


def market(state: State, number: int, step: int) -> None:
    """A touch and a book, as the bus tells them."""
    symbol, mid = f"C{number}/USDT", 50_000 + number * 10 + step % 7
    sides = {
        side: [[f"{mid + sign * level * 0.1:.1f}", f"{(level + step) % 9 + 1}.25"] for level in range(1, LEVELS + 1)]
        for side, sign in (("bids", -1), ("asks", 1))
    }
    source = {"time_ns": time.time_ns(), "source": "session/s", "account": "main"}
    touch = {"bid": sides["bids"][0][0], "ask": sides["asks"][0][0], "last": f"{mid}.0"}
    state.put("market_data", f"C{number}_USDT", {"symbol": symbol} | touch, **source)
    state.put("orderbook", f"C{number}_USDT", {"symbol": symbol, "is_healthy": True} | sides, **source)


def order(state: State, number: int, filled: str) -> None:
    """An order, as the bus tells it."""
    fields = {
        "symbol": f"C{number % SYMBOLS}/USDT", "venue": "binance", "strategy": "Quotes", "client_id": f"b25-00000-1-{number}",
        "venue_id": str(10_000 + number), "side": "buy", "type": "limit", "quantity": "2.5", "price": "50000.5", "filled": filled,
        "status": "PARTIAL", "told_by": "WS", "code": None, "text": None,
    }  # fmt: skip
    state.put("orders", fields["client_id"], fields, source="session/s", account="main")


def fill(state: State, number: int) -> None:
    """A fill, as the bus tells it; the oldest one goes."""
    fields = {
        "symbol": f"C{number % SYMBOLS}/USDT", "venue": "binance", "trade_id": str(number), "client_id": f"b25-00000-1-{number}",
        "venue_id": str(number), "strategy": "Quotes", "side": "buy", "quantity": "0.5", "price": "50000.5", "fee": "0.01",
        "fee_asset": "USDT", "is_maker": True, "realised": None, "is_synthetic": False,
    }  # fmt: skip
    state.put("fills", f"binance/main/C/{number}", fields, source="session/s", account="main", is_done=True)


def play(steps: int, every_s: float) -> dict[str, Any]:
    """Change a part of the state at each step, at one moment that is told in it; gives what snapshots would have cost."""
    one = RUNNING[-1]
    for _ in range(steps):
        begun_s = time.perf_counter()
        one.steps += 1
        with one.state.lock:
            for at in range(3):
                market(one.state, (one.steps * 3 + at) % SYMBOLS, one.steps)
            order(one.state, one.steps % ORDERS, f"{one.steps % 20 / 10}")
            one.state.put("positions", f"s/{one.steps % SYMBOLS}", {"quantity": f"{one.steps % 9}.5", "mark": f"{one.steps}"})
            one.state.put("account", "s", {"equity": f"{100_000 + one.steps}.25", "unrealised": f"{one.steps % 50}.5"})
            if one.steps % 3 == 0:
                fill(one.state, FILLS + one.steps)
            one.state.put("system_health", "source", {"at_ns": time.time_ns(), "step": one.steps})
        time.sleep(max(0.0, every_s - (time.perf_counter() - begun_s)))
    whole = {channel: one.state.entries(channel) for channel in CHANNELS}
    wires = {name: len(wire.value(whole)) for name, wire in WIRES.items()}
    return {"snapshot_bytes": wires, "steps": one.steps, "digest": digest(whole), "figures": hub_facts()}


def hub_facts() -> dict[str, Any]:
    """What the hub says of itself."""
    gateway: Gateway = RUNNING[-1].server.config.app.state.gateway  # type: ignore[union-attr]
    return gateway.part(Hub).facts()


def digest(whole: Any) -> str:
    """One word for a whole state."""
    return hashlib.sha256(orjson.dumps(whole, option=orjson.OPT_SORT_KEYS)).hexdigest()


def cpu() -> dict[str, float]:
    """Time and memory that this process uses."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {"cpu_s": used.ru_utime + used.ru_stime, "at_s": time.monotonic(), "rss_bytes": pages * resource.getpagesize()}


def stop() -> dict[str, Any]:
    """End."""
    RUNNING[-1].server.should_exit = True
    return {}


if __name__ == "__main__":
    asyncio.set_event_loop_policy(None)
    serve({"start": start, "play": play, "cpu": cpu, "stop": stop})
