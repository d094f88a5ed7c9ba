"""A gateway over a session's files, in a process of its own; who asks is told by a service's token, as the composition has it.

`python benchmarks/ours_gateway.py FOLDER` prints the port once it listens.
"""

import sys
import time
from pathlib import Path

import orjson

from b25.api.compose import compose
from b25.api.principal import Nobody, Principal
from b25.api.roles import Role
from b25.api.serve import serve
from b25.config.settings import GatewaySettings, Settings
from b25.runner.heartbeat import Heartbeat, Life
from b25.runner.seat import Seat, session_folder
from b25.runner.structured_log import StructuredLog

SYMBOLS = ("BTC/USDT:USDT", "ETH/USDT:USDT", "SOL/USDT:USDT", "BNB/USDT:USDT")


class OneToken:
    """Knows one bearer token: where access control is not joined, so that what is measured is the gateway."""

    async def principal(self, headers, ip, method, path):
        if headers.get("authorization") == "Bearer bench":
            return Principal(name="service:bench", roles=frozenset({Role.SERVICE}))
        return None

    async def of_ticket(self, ticket):
        return None


def sit(folder: Path) -> tuple[Seat, Heartbeat]:
    """A session that runs, with four positions."""
    seat = Seat.take(folder, "mm", account="demo")
    beating = Heartbeat(folder, "mm", epoch=seat.epoch)
    beating.beat(Life.RUNNING, 1)
    rows = [{"symbol": one, "bid": "60000.0", "ask": "60000.1", "position": "0.010", "profit": 1.25} for one in SYMBOLS]
    status = {
        "session": "mm", "strategy": "MarketMaker", "mode": "live", "account": "demo", "epoch": seat.epoch,
        "time_ns": time.time_ns(), "state": "active", "gate": "active", "why": "", "ledger": {},
        "positions": {one: "0.010" for one in SYMBOLS}, "picture": {"instruments": rows, "orders": []},
    }  # fmt: skip
    (session_folder(folder, "mm") / "status.json").write_bytes(orjson.dumps(status))
    return seat, beating


def main(folder: Path) -> None:
    settings = Settings(
        database_url=f"sqlite:///{folder}/b25.db", run_folder=folder / "run", catalog=folder / "catalog",
        secrets_folder=folder / "secrets", reports_folder=folder / "reports", gateway=GatewaySettings(port=0, rate_scale=1e6),
    )  # fmt: skip
    held = sit(settings.run_folder)
    gateway = compose(settings)
    gateway.join(StructuredLog(folder / "gateway.jsonl", process="gateway"))  # every request is logged, as in earnest
    if isinstance(gateway.authenticator, Nobody) or "--own" not in sys.argv:
        gateway.authenticator = OneToken()
    serve(gateway, lambda host, port: print(port, flush=True))
    held[0].leave()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
