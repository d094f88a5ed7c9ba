"""A request's way through the faults: each may delay it, lose it, answer for it, or lose its answer.

Both fronts take this way while any fault is on: HTTP by `answer`, the WebSocket API by `disturbed`.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from b25.venue.exchange.errors import VenueError
from b25.venue.wire.faults import Fault
from b25.venue.wire.front import JSON, Answer, Front
from b25.venue.wire.late_fill import fill_before_cancel
from b25.venue.wire.route import Call, Route, Security

NOTHING = Answer(500, b"", {})
STATUS_PATH = "/sapi/v1/system/status"
# Text and usual HTTP status of the answers that leave the outcome open.
UNKNOWN_OUTCOMES = {
    -1000: ("An unknown error occurred while processing the request.", 500),
    -1001: ("Internal error; unable to process your request. Please try again.", 500),
    -1006: ("An unexpected response was received from the message bus. Execution status unknown.", 500),
    -1007: ("Timeout waiting for response from backend server. Send status unknown; execution status unknown.", 408),
    -1008: ("Server is currently overloaded with other requests. Please try again in a few minutes.", 503),
    503: ("Unknown error, please check your request or try again later.", 503),
}
_LINEAR_OVERLOAD = "Request throttled by system-level protection. Reduce-only/close-position orders are exempt. Please try again."


@dataclass(slots=True, frozen=True)
class Fate:
    """How a connection ends when it does not end with an answer: hang, close or reset."""

    how: str
    hang_ms: float = 0.0


class Vanish(Exception):
    """Nobody gets the answer."""

    def __init__(self, fate: Fate, answer: Any = None) -> None:
        super().__init__(fate.how)
        self.fate = fate
        self.answer = answer


class Disturbance(VenueError):
    """An answer that a fault gives instead of the venue: an error, or a page."""

    def __init__(self, http: int, code: int, msg: str, *, is_page: bool = False, headers: dict[str, str] | None = None) -> None:
        super().__init__(code, msg, http)
        self.is_page = is_page
        self.headers = headers or {}


@dataclass(slots=True)
class Exchanged:
    """A request, and the end that a fault has chosen for it."""

    method: str
    path: str
    query: bytes
    body: bytes
    api_key: str | None
    address: str
    fate: Fate | None = None


class FaultyRest:
    """The long way of a request, taken while any fault is on.

    Parameters
    ----------
    front : Front
        Who answers in the end.
    """

    def __init__(self, front: Front) -> None:
        self._front = front
        self._core = front.core
        self._faults = front.core.faults

    async def answer(self, request: Exchanged) -> Answer:
        """The answer of an HTTP request; `request.fate` says when nobody shall get it."""
        route = self._front.routes.get((request.method, request.path))
        if route is None:
            return self._front.not_found(request.method, request.path, request.address)
        self._core.advance()
        key = self._core.exchange.keys.get(request.api_key or "")
        account = key.account.name if key is not None else ""
        late_ms = self._faults.drawn_ms("latency_ms", route.name, account)
        try:
            forced = self._first(route, account)
            call = self._front.prepare(route, request.query, request.body, request.api_key, request.address)
            answer: Answer = await self._carried(call, self._front.run, account, forced)
        except Vanish as vanish:
            request.fate = vanish.fate
            answer = vanish.answer if isinstance(vanish.answer, Answer) else NOTHING
        except VenueError as error:
            answer = self._front.refuse(route.market, request.address, error)
        await self._core.clock.sleep_ms(late_ms)
        return answer

    async def disturbed(self, call: Call, run: Callable[[Call], Any]) -> Any:
        """The result of a call of the WebSocket API; None when nobody shall get it."""
        account = call.key.account.name if call.key is not None else ""
        late_ms = self._faults.drawn_ms("latency_ms", call.route.name, account)
        try:
            return await self._carried(call, run, account, self._first(call.route, account))
        except Vanish:
            return None
        finally:
            await self._core.clock.sleep_ms(late_ms)

    def _first(self, route: Route, account: str) -> Fault | None:
        """What may happen before anybody has looked at the request; gives an error that waits until the core has done it."""
        name = route.name
        if route.path != STATUS_PATH:
            closed = self._faults.draw("maintenance", name, account)
            if closed is not None:
                raise Disturbance(503, -1016, "This service is no longer available.", is_page=closed.values["html"])
        forced = self._faults.draw("force_error", name, account)
        if forced is not None and not forced.values["accepted"]:
            raise forced_error(forced)
        lost = self._faults.draw("request_lost", name, account)
        if lost is not None:
            raise Vanish(Fate(lost.values["how"], lost.values["hang_ms"]))
        return forced

    async def _carried(self, call: Call, run: Callable[[Call], Any], account: str, forced: Fault | None) -> Any:
        """To the core, through it, and back."""
        route, name = call.route, call.route.name
        unknown = self._faults.draw("backend_unknown", name, account)
        if unknown is not None and not self._reaches(unknown):
            raise unknown_error(unknown, route)
        delay_ms = self._faults.drawn_ms("request_delay_ms", name, account)
        if delay_ms:
            await self._core.clock.sleep_ms(delay_ms)
            call.now_ms = self._core.advance()
            if route.security >= Security.READ:
                self._core.gatekeeper.check_time(call.parameters)
        lag_ms = self._lag(call, name, account)
        self._before(call, name, account)
        result = run(call)
        await self._core.clock.sleep_ms(lag_ms)
        ahead = self._faults.draw("event_before_response", name, account)
        late_ms = self._faults.drawn_ms("ack_delay_ms", name, account) + (ahead.values["ms"] if ahead is not None else 0.0)
        await self._core.clock.sleep_ms(late_ms)
        if forced is not None:
            raise forced_error(forced)
        if unknown is not None:
            raise unknown_error(unknown, route)
        lost = self._faults.draw("ack_lost", name, account)
        if lost is not None:
            raise Vanish(Fate(lost.values["how"], lost.values["hang_ms"]), result)
        if self._faults.draw("conn_reset_mid_response", name, account) is not None:
            raise Vanish(Fate("reset"), result)
        return result

    def _lag(self, call: Call, name: str, account: str) -> float:
        """How much later a lagged read is answered; a stale one shows the past instead."""
        if not call.route.is_lagged:
            return 0.0
        fault = self._faults.draw("read_lag_ms", name, account)
        if fault is None:
            return 0.0
        lag_ms = self._faults.span_ms(fault)
        if fault.values["mode"] == "stale":
            call.as_of_ms = call.now_ms - int(lag_ms)
            return 0.0
        return lag_ms

    def _before(self, call: Call, name: str, account: str) -> None:
        """A cancel that comes too late for a part of its order."""
        if call.route.method != "DELETE" or not call.route.path.endswith("/order"):
            return
        fault = self._faults.draw("fill_before_cancel", name, account)
        if fault is not None:
            fill_before_cancel(call, fault.values["share"])

    def _reaches(self, fault: Fault) -> bool:
        accepted = fault.values["accepted"]
        return self._faults.dice.random() < 0.5 if accepted is None else bool(accepted)


def forced_error(fault: Fault) -> Disturbance:
    """The error or the page that `force_error` asks for."""
    values = fault.values
    headers = {str(name): str(value) for name, value in dict(values["headers"]).items()}
    return Disturbance(
        int(values["http"]), int(values["code"]), str(values["msg"]), is_page=bool(values["html"]), headers=headers
    )


def unknown_error(fault: Fault, route: Route) -> Disturbance:
    """An answer that leaves open whether the request was done."""
    code = int(fault.values["code"])
    text, usual = UNKNOWN_OUTCOMES.get(code, UNKNOWN_OUTCOMES[-1000])
    if code == -1008 and route.market == "linear":
        text = _LINEAR_OVERLOAD
    return Disturbance(int(fault.values["http"]) or usual, code if code < 0 else -1000, text)


async def end_connection(transport: asyncio.Transport, answer: Answer, fate: Fate) -> None:
    """Let a connection end as a fault wants it: never answered, cut off, or reset in the middle of the answer."""
    if fate.how == "hang":
        left_s = fate.hang_ms / 1000
        while left_s > 0 and not transport.is_closing():
            await asyncio.sleep(min(left_s, 0.1))
            left_s -= 0.1
    elif fate.how == "reset" and not transport.is_closing():
        head = f"HTTP/1.1 {answer.status} OK\r\nContent-Type: {JSON}\r\nContent-Length: {len(answer.body)}\r\n\r\n"
        transport.write(head.encode() + answer.body[: max(1, len(answer.body) // 2)])
        await asyncio.sleep(0.02)  # let the half leave before the connection goes
    transport.abort()
