"""Sits on a session's seat, beats, writes a status, and takes commands at a real control socket; what it is asked, it keeps."""

import asyncio
import os
import threading
import time

import orjson

from b25.model.errors import Misuse
from b25.runner.control import Control
from b25.runner.durable_file import write_plainly
from b25.runner.heartbeat import Heartbeat, Life
from b25.runner.seat import Seat, session_folder
from b25.runner.session_watch import STATUS

SYMBOL = "BTC/USDT:USDT"


class StandIn:
    """One session of the tests; `asked` has every request that it did."""

    def __init__(self, folder, name, account):
        self.folder, self.name, self.account = folder, name, account
        self.asked, self.orders, self.state = [], {}, "active"
        self.hangs = threading.Event()
        self.seat = Seat.take(folder, name, account=account)
        self.heartbeat = Heartbeat(folder, name, epoch=self.seat.epoch)
        self.loop = asyncio.new_event_loop()
        self.control = Control(folder, name, self.act, time.time_ns)
        self._ready, self._over = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self._main, daemon=True)
        self.thread.start()
        self._ready.wait(10)

    def _main(self):
        self.loop.run_until_complete(self._run())
        self.loop.close()

    async def _run(self):
        await self.control.start()
        self.tell()
        self._ready.set()
        while not self._over.is_set():
            self.tell()
            await asyncio.sleep(0.05)
        await self.control.close()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def tell(self):
        self.heartbeat.beat(Life.RUNNING, 1)
        path = session_folder(self.folder, self.name) / STATUS
        write_plainly(path, orjson.dumps(self.status()))

    def status(self):
        return {
            "session": self.name, "strategy": "MarketMaker", "mode": "live", "account": self.account, "epoch": self.seat.epoch,
            "time_ns": time.time_ns(), "state": self.state, "gate": "active", "why": "", "positions": {SYMBOL: "0.010"},
            "fills": 3, "orders_open": len(self.orders), "profit": 1.25, "ledger": {}, "refusal": "",
            "picture": {
                "orders": list(self.orders.values()),
                "instruments": [{"symbol": SYMBOL, "bid": "60000.0", "ask": "60000.1", "position": "0.010", "profit": 1.25}],
                "risk": {"state": "ACTIVE", "latched": [], "warnings": [], "limits_version": 3, "refused": 0},
            },
        }  # fmt: skip

    def act(self, request):
        self.asked.append(request)
        if self.hangs.is_set():
            time.sleep(0.5)
        command = request["command"]
        brief = {name: self.status()[name] for name in ("state", "gate", "why", "positions", "orders_open", "profit")}
        if command == "pause":
            self.state = "paused"
            return brief | {"state": "paused"}
        if command == "resume":
            raise Misuse("it may not trade: the kill switch is pulled", remedy="re-arm it")
        if command == "check":
            before = {"position": "0.010", "notional": "600", "gross": None, "net": None, "equity": None, "leverage": None}
            before |= {"open_orders": len(self.orders)}
            told = {"max_quantity": "1.5", "metrics_before": before, "time_ns": time.time_ns()}
            if "quantity" not in request:
                return told
            after = before | {"position": "0.020", "limits_used": {"order_value": 0.4}}
            return told | {"verdict": "ok", "reasons": [], "metrics_after": after}
        if command == "order":
            return self._order(request, brief)
        if command in ("cancel", "amend", "set", "flatten", "close"):
            self.orders.pop(request.get("order_id"), None)
            return brief | {"order_id": request.get("order_id"), "verdict": "ok"}
        raise Misuse(f"a session cannot {command!r}", remedy="ask for something else")

    def _order(self, request, brief):
        if request["quantity"] == "99":
            return brief | {"order_id": None, "verdict": "order_value", "reason": "value 5 940 000 > limit 100 000"}
        number = len(self.orders) + 1
        self.orders[number] = {
            "order_id": number, "side": 1 if request["side"] == "buy" else -1, "symbol": request["symbol"],
            "quantity": request["quantity"], "price": request.get("price"), "state": "open", "flags": 0,
        }  # fmt: skip
        return brief | {"order_id": number, "client_id": f"b25-{os.getpid()}-{number}", "verdict": "ok"}

    def close(self):
        self._over.set()
        self.thread.join(10)
        self.heartbeat.beat(Life.STOPPED, 1)
        self.seat.leave()
