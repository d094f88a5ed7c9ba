"""The status page: GET / is one self-contained page, live by a socket of its own. It shows no keys and changes nothing."""

import base64
import hashlib
import time
from collections import deque
from collections.abc import Callable
from decimal import Decimal
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson
from aiohttp import web

from b25.venue.wire.frames import frame
from b25.venue.wire.render_streams import texts
from b25.venue.wire.socket_server import serve
from b25.venue.wire.sockets import Socket
from b25.venue.wire.status_rows import account_row, limit_rows, spread_text

if TYPE_CHECKING:
    from b25.venue.exchange.listing import Listing
    from b25.venue.wire.faults import Fault
    from b25.venue.wire.hub import Hub
    from b25.venue.wire.limits import Limits
    from b25.venue.wire.statistics import Statistics

EVERY_MS = 500.0
LEVELS, TRADES, LINE_POINTS = 12, 18, 240
SYMBOLS_SHOWN, ACCOUNTS_SHOWN = 60, 20
PAGE = files("b25.venue.wire").joinpath("status_page.html").read_bytes()


def _policy(page: bytes) -> str:
    """What the page may do: run its own script and style, and talk to the venue. A name that smuggles markup in runs nothing."""
    script = page.partition(b"<script>")[2].partition(b"</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script).digest()).decode()
    return (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


HEADERS = {
    "Content-Security-Policy": _policy(PAGE),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class StatusPage:
    """Renders the venue for people, and only while somebody looks.

    Parameters
    ----------
    hub : Hub
        Whose venue it is.
    limits : Limits
        What was used of them.
    requests : callable
        How many requests there have been.
    """

    def __init__(self, hub: "Hub", limits: "Limits", requests: Callable[[], int]) -> None:
        self.hub = hub
        self.limits = limits
        self.requests = requests
        self._watching: dict[Socket, str | None] = {}  # the symbol that each looks at
        self._shown_ms = 0.0
        self._rates: deque[tuple[float, int, int]] = deque(maxlen=6)
        self._line_slot = -1
        self._lines: dict[str, deque[int]] = {}
        hub.watchers.append(self.advance)

    # -- when -------------------------------------------------------------------------------------

    def advance(self) -> None:
        """Remember prices once a second of the venue; tell who looks twice a second of theirs."""
        slot = self.hub.exchange.now_ms // 1_000
        if slot != self._line_slot:
            self._line_slot = slot
            for key, listing in self._listings().items():
                self._lines.setdefault(key, deque(maxlen=LINE_POINTS)).append(listing.mid_ticks)
        now_ms = time.monotonic() * 1_000
        if self._watching and now_ms - self._shown_ms >= EVERY_MS:
            self._shown_ms = now_ms
            self._rates.append((now_ms, self.requests(), self.hub.sent))
            self._tell()

    def _tell(self) -> None:
        common = self.common()
        details: dict[str | None, bytes] = {}
        for socket, key in tuple(self._watching.items()):
            if key not in details:
                details[key] = frame(orjson.dumps({**common, "detail": self.detail(key)}))
            socket.write(details[key])

    # -- what -------------------------------------------------------------------------------------

    def _listings(self) -> "dict[str, Listing]":
        exchange = self.hub.exchange
        listings = (*exchange.spot.values(), *exchange.linear.values())
        return {f"{one.market}:{one.name}": one for one in listings[:SYMBOLS_SHOWN]}

    def common(self) -> dict[str, Any]:
        """What everybody sees."""
        hub = self.hub
        requests, messages = self._per_second()
        accounts = list(hub.exchange.accounts.values())[:ACCOUNTS_SHOWN]
        return {
            "time": hub.exchange.now_ms, "mode": hub.clock.mode, "requests": requests, "messages": messages,
            "sockets": len(hub.sockets), "streams": sum(len(audience) for audience in hub.audiences.all()),
            "symbols": [self._symbol(key, listing) for key, listing in self._listings().items()],
            "accounts": [account_row(account) for account in accounts],
            "faults": [_fault_text(fault) for fault in hub.faults.all()],
            "limits": limit_rows(self.limits, hub.exchange.now_ms),
        }  # fmt: skip

    def _per_second(self) -> tuple[str, str]:
        if len(self._rates) < 2:
            return "–", "–"
        begun, requests, messages = self._rates[0]
        now, requests_now, messages_now = self._rates[-1]
        span_s = max(0.001, (now - begun) / 1_000)
        return f"{(requests_now - requests) / span_s:,.1f}", f"{(messages_now - messages) / span_s:,.0f}"

    def _symbol(self, key: str, listing: "Listing") -> dict[str, str]:
        day = self.hub.statistics(listing).ticker()
        percent = round(Decimal(100 * (day.last_ticks - day.open_ticks)) / day.open_ticks, 2) if day.open_ticks else None
        change = "" if percent is None else f"{percent or abs(percent):.2f} %"  # and never -0.00 %
        last = listing.price_text(listing.last_ticks) if listing.last_ticks else "–"
        market = "spot" if listing.market == "spot" else "USD-M"
        return {
            "key": key,
            "name": listing.name,
            "market": market,
            "status": listing.status,
            "last": last,
            "change": change,
        }

    def detail(self, key: str | None) -> dict[str, Any] | None:
        """The symbol that somebody looks at: the one asked for, or the first."""
        listings = self._listings()
        key = key if key in listings else next(iter(listings), None)
        if key is None:
            return None
        listing = listings[key]
        price, qty = listing.price_text, listing.qty_text
        trades = [
            {
                "time": one.time_ms, "price": price(one.price_ticks), "qty": qty(one.qty_lots),
                "side": "sell" if one.buyer_is_maker else "buy",
            }
            for one in list(listing.trades)[: -TRADES - 1 : -1]
        ]  # fmt: skip
        line = [ticks for ticks in self._lines.get(key, ()) if ticks]
        return {
            "key": key, "name": f"{listing.name}, {'spot' if listing.market == 'spot' else 'USD-M perpetual'}",
            "last": price(listing.last_ticks) if listing.last_ticks else "–",
            "facts": self._facts(listing, self.hub.statistics(listing)), "spread": spread_text(listing), "line": line,
            "bids": [[price(ticks), qty(lots)] for ticks, lots in listing.book.levels(1, LEVELS)],
            "asks": [[price(ticks), qty(lots)] for ticks, lots in listing.book.levels(-1, LEVELS)], "trades": trades,
        }  # fmt: skip

    @staticmethod
    def _facts(listing: "Listing", statistics: "Statistics") -> str:
        day = statistics.ticker()
        price, qty = listing.price_text, texts(listing)[1] if listing.market == "linear" else listing.qty_text
        facts = [f"24 h {price(day.low_ticks)} – {price(day.high_ticks)}", f"volume {qty(day.lots)} {listing.base}"]
        facts.append(f"{day.count:,} trades")
        if listing.mark is not None and listing.mark.mark_ticks:
            rate = Decimal(listing.mark.rate_e8) / 10**6
            facts.append(f"mark {price(listing.mark.mark_ticks)}, funding {rate:.4f} %")
        return " · ".join(facts)

    # -- to whom ----------------------------------------------------------------------------------

    def routes(self) -> list[web.RouteDef]:
        """The page and its socket."""
        return [web.get("/", self._page), web.get("/status/ws", self._socket)]

    async def _page(self, request: web.Request) -> web.Response:
        return web.Response(body=PAGE, content_type="text/html", charset="utf-8", headers=HEADERS)

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        if not _is_own_page(request):
            return web.Response(status=403, text="the status page's socket serves the status page")

        def opened(socket: Socket) -> None:
            self._watching[socket] = None
            self._shown_ms = 0.0

        async def read(socket: Socket, text: bytes) -> None:
            try:
                message = orjson.loads(text)
            except (orjson.JSONDecodeError, RecursionError):
                return
            wanted = message.get("show") if isinstance(message, dict) else None
            self._watching[socket] = wanted if isinstance(wanted, str) and len(wanted) < 64 else None
            self._shown_ms = 0.0
            for gone in [one for one in self._watching if not one.is_open]:
                del self._watching[gone]

        try:
            return await serve(self.hub, request, read, market="spot", path="status", opened=opened)
        finally:
            for gone in [one for one in self._watching if not one.is_open or one not in self.hub.sockets]:
                del self._watching[gone]


def _is_own_page(request: web.Request) -> bool:
    """Whether the socket is opened by our page, or by no page: another site's script must not read accounts."""
    origin = request.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("Host")


def _fault_text(fault: "Fault") -> str:
    """A fault in one line: its knob, where it strikes, and its values."""
    shown = fault.as_dict()
    values = ", ".join(f"{name} {value}" for name, value in fault.values.items())
    aim = "" if fault.where == "*" else f" on {fault.where}"
    whom = "" if fault.account == "*" else f" for {fault.account}"
    chance = "" if fault.chance >= 1 else f", chance {fault.chance:g}"
    return f"{shown['knob']}{aim}{whom}{chance}{': ' + values if values else ''} (struck {fault.struck})"
