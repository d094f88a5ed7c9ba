"""Where a session may connect to. Live, test and loopback are kinds of their own, and no url of one passes for another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final
from urllib.parse import urlsplit

from b25.model.errors import Misuse
from b25.venue.port.reports import Kind
from b25.venue.port.requests import RECV_WINDOW_MS

LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
SECURE: Final = frozenset({"https", "wss"})
ORDER_TIMEOUT_MS: Final = 5_000
KEEP_ALIVE_MS: Final = 5_000  # a half-open socket shows after 17 s; ccxt's own default needs minutes


class Where(StrEnum):
    """What kind of venue stands at the other end."""

    LIVE = "live"
    TESTNET = "testnet"
    LOOPBACK = "loopback"


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One account at one venue, and how to reach it.

    Attributes
    ----------
    exchange : str
        Ccxt id.
    kind : Kind
        Which of the venue's wallets: spot, linear or inverse.
    where : Where
    key, secret, password : str
        Never shown.
    rest_url, ws_url : str
        Of a loopback venue; empty otherwise.
    cafile : str
        Certificate of a loopback venue; empty for the public ones.
    """

    exchange: str
    kind: Kind
    where: Where
    key: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    rest_url: str = ""
    ws_url: str = ""
    cafile: str = ""
    timeout_ms: int = ORDER_TIMEOUT_MS
    recv_window_ms: int = RECV_WINDOW_MS

    def __post_init__(self) -> None:
        if self.where is Where.LOOPBACK:
            for url in filter(None, (self.rest_url, self.ws_url)):
                _demand(url, LOOPBACK, secure=False, what="a loopback profile")
            if not self.rest_url:
                raise Misuse("a loopback profile without rest_url", remedy="give the address that `b25 venue` printed")
        elif self.rest_url or self.ws_url or self.cafile:
            raise Misuse(
                f"a {self.where} profile with an address of its own: {self.rest_url or self.ws_url or self.cafile}",
                remedy="leave rest_url, ws_url and cafile out, or use a loopback profile",
            )


def ccxt_config(profile: Profile) -> dict[str, Any]:
    """What the ccxt constructor is given."""
    config: dict[str, Any] = {
        "apiKey": profile.key,
        "secret": profile.secret,
        "timeout": profile.timeout_ms,
        "enableRateLimit": False,
        "number": str,
        "streaming": {"keepAlive": KEEP_ALIVE_MS},
        "options": {"maxRetriesOnFailure": 0, "adjustForTimeDifference": False, "recvWindow": profile.recv_window_ms},
    }
    if profile.password:
        config["password"] = profile.password
    if profile.cafile:
        config["cafile"] = profile.cafile
    if profile.exchange == "binance":
        config["options"] |= {
            "fetchCurrencies": False,
            "fetchMargins": False,
            "fetchMarkets": {"types": [str(profile.kind)]},
            "fetchOpenOrders": {"warnWithoutSymbol": False},
            "defaultType": "spot" if profile.kind is Kind.SPOT else "swap",
            "defaultSubType": None if profile.kind is Kind.SPOT else str(profile.kind),
        }
    else:
        contract = profile.kind is not Kind.SPOT
        config["options"] |= {"defaultType": "swap" if contract else "spot"}
        if contract:
            config["options"]["defaultSubType"] = str(profile.kind)
        # Only the markets of this wallet, for the venues that list theirs by type.
        types = {"bybit": str(profile.kind), "okx": "swap" if contract else "spot", "gate": "swap" if contract else "spot"}
        if profile.exchange in types:
            config["options"]["fetchMarkets"] = {"types": [types[profile.exchange]]}
    return config


def point(api: Any, profile: Profile) -> None:
    """Point a new ccxt exchange where the profile says, and prove that it can reach nothing else.

    Raises
    ------
    Misuse
        When a url of it is not of the profile's kind.
    """
    own = sorted(set(hosts(api.urls["api"], api.hostname)))
    if profile.where is Where.LIVE:
        for url in addresses(api.urls["api"], api.hostname):
            _demand(url, frozenset(own_hosts(api)), secure=True, what="a live profile")
        return
    if profile.where is Where.TESTNET:
        _to_testnet(api)
        left = sorted(set(hosts(api.urls["api"], api.hostname)) & set(own))
        if left:
            raise Misuse(f"{profile.exchange}: its test network shares {left[0]} with the live one", remedy="use another venue")
        return
    api.urls["api"] = (
        binance_urls(profile.rest_url, profile.ws_url)
        if profile.exchange == "binance"
        else moved(api.urls["api"], profile.rest_url, profile.ws_url)
    )
    for url in addresses(api.urls["api"], api.hostname):
        _demand(url, LOOPBACK, secure=False, what="a loopback profile")


def _to_testnet(api: Any) -> None:
    if api.id == "binance":
        api.enable_demo_trading(True)
    else:
        api.set_sandbox_mode(True)


def own_hosts(api: Any) -> list[str]:
    """Hosts that ccxt itself knows of a venue, whatever the instance was told since."""
    fresh = type(api)()
    return list(hosts(fresh.urls["api"], fresh.hostname))


def binance_urls(rest: str, ws: str) -> dict[str, Any]:
    """Urls of a Binance that stands elsewhere.

    The names before the @ are deliberate: ccxt chooses its error table by the prefix of the url. The spot socket must hold
    ``/stream``, the linear one must not and must end in ``/ws``.
    """
    spot, linear = _named(rest, "demo-api"), _named(rest, "demo-fapi")
    urls: dict[str, Any] = {"public": spot + "/api/v3", "private": spot + "/api/v3", "v1": spot + "/api/v1"}
    for number in ("", "V2", "V3", "V4"):
        urls["sapi" + number] = f"{spot}/sapi/v{number[1:] or 1}"
    for side in ("Public", "Private"):
        for number in ("", "V2", "V3"):
            urls[f"fapi{side}{number}"] = f"{linear}/fapi/v{number[1:] or 1}"
    urls["fapiData"] = linear + "/futures/data"
    if ws:
        ws = ws.rstrip("/")
        urls["ws"] = {
            "spot": ws + "/stream/ws",
            "margin": ws + "/stream/ws",
            "linear": ws + "/f/ws",
            "ws-api": {"spot": ws + "/ws-api/v3", "linear": ws + "/ws-fapi/v1"},
        }
    return urls


def moved(urls: Any, rest: str, ws: str) -> Any:
    """Every url of a venue, with its path kept and scheme and host replaced."""
    if isinstance(urls, Mapping):
        return {name: kept for name, url in urls.items() if (kept := moved(url, rest, ws)) is not None}
    parts = urlsplit(str(urls))
    base = ws if parts.scheme in ("ws", "wss") else rest
    return base.rstrip("/") + parts.path if base else None


def addresses(urls: Any, hostname: str | None) -> Iterator[str]:
    """Every url in ccxt's nested table."""
    if isinstance(urls, Mapping):
        for url in urls.values():
            yield from addresses(url, hostname)
    elif isinstance(urls, str):
        yield urls.replace("{hostname}", hostname or "")


def hosts(urls: Any, hostname: str | None) -> Iterator[str]:
    """Every host in ccxt's nested table."""
    for url in addresses(urls, hostname):
        yield urlsplit(url).hostname or ""


def _named(rest: str, name: str) -> str:
    parts = urlsplit(rest)
    return f"{parts.scheme}://{name}@{parts.netloc.rpartition('@')[2]}"


def _demand(url: str, allowed: frozenset[str], *, secure: bool, what: str) -> None:
    parts = urlsplit(url)
    if parts.hostname not in allowed or (secure and parts.scheme not in SECURE):
        raise Misuse(
            f"{what} refuses the address {parts.scheme}://{parts.hostname}",
            remedy="simulated and live wiring never mix: check which profile this session is given",
        )
