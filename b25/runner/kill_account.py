"""The accounts that the kill switch can reach, and the connection of its own by which it reaches them.

[accounts.demo]
exchange = "binance"
kind = "linear"
where = "loopback"                       # live, testnet or loopback
rest_url = "https://127.0.0.1:18443"     # of a loopback venue
cafile = "data/venue/venue-cert.pem"     # likewise
key_file = "data/venue/venue-keys.json"  # JSON with api_key and secret, readable by its owner only; a key of the kill's own
symbols = ["BTC/USDT:USDT"]              # where orders are expected
"""

from __future__ import annotations

import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from b25.model.errors import Misuse
from b25.observe.redaction import hide
from b25.runner.durable_file import read_json
from b25.venue.ccxt.budgets import binance_limiter
from b25.venue.ccxt.connect import connect
from b25.venue.ccxt.gateway import CcxtVenue
from b25.venue.ccxt.limiter import Limiter
from b25.venue.ccxt.profile import Profile, Where
from b25.venue.port.reports import Kind

FIELDS = {"exchange", "kind", "where", "rest_url", "ws_url", "cafile", "key_file", "symbols", "timeout_ms", "lost_session"}


@dataclass(frozen=True, slots=True, kw_only=True)
class KillAccount:
    """One account at one venue, as the kill switch reaches it."""

    name: str
    profile: Profile = field(repr=False)
    symbols: tuple[str, ...] = ()
    kills_when_lost: bool = False


def read_accounts(path: Path) -> dict[str, KillAccount]:
    """Accounts of a plan. Raises Misuse for what is missing or strange, and for a key that others can read."""
    try:
        held = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as fault:
        raise Misuse(
            f"{path} cannot be read: {fault}", remedy="give the plan that `b25 up` is given, with its [accounts]"
        ) from None
    rows = held.get("accounts", {})
    if not isinstance(rows, dict):
        raise Misuse(f"{path}: accounts is no table", remedy="write [accounts.NAME]")
    return {name: account_of(name, row, path.parent) for name, row in rows.items()}


def account_of(name: str, row: Mapping[str, Any], beside: Path) -> KillAccount:
    """Account of one table of a plan; files in it are looked for beside the plan."""
    if strange := sorted(set(row) - FIELDS):
        raise Misuse(f"account {name} has no setting {strange[0]!r}", remedy=f"use {', '.join(sorted(FIELDS))}")
    if missing := [word for word in ("exchange", "kind", "where", "key_file") if word not in row]:
        raise Misuse(f"account {name} has no {missing[0]}", remedy="see `b25 kill --help`")
    key_file = beside / row["key_file"]
    key = read_key(key_file)
    try:
        kind, where = Kind(row["kind"]), Where(row["where"])
    except ValueError as fault:
        raise Misuse(
            f"account {name}: {fault}", remedy="kind is spot, linear or inverse; where is live, testnet or loopback"
        ) from None
    lost = row.get("lost_session", "cancel")
    if lost not in ("cancel", "kill"):
        raise Misuse(f"account {name}: lost_session is {lost!r}", remedy='use "cancel" or "kill"')
    hide(key["api_key"], key["secret"], key.get("password", ""))
    profile = Profile(
        exchange=row["exchange"],
        kind=kind,
        where=where,
        key=key["api_key"],
        secret=key["secret"],
        password=key.get("password", ""),
        rest_url=row.get("rest_url", ""),
        ws_url=row.get("ws_url", ""),
        cafile=str(beside / row["cafile"]) if row.get("cafile") else "",
        timeout_ms=int(row.get("timeout_ms", 5_000)),
    )
    symbols = tuple(row.get("symbols", ()))
    return KillAccount(name=name, profile=profile, symbols=symbols, kills_when_lost=lost == "kill")


def read_key(path: Path) -> dict[str, str]:
    """Key and secret of a file that only its owner can read."""
    if not path.exists():
        raise Misuse(f"there is no key file {path}", remedy="write JSON with api_key and secret, then chmod 600")
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise Misuse(f"{path} can be read by others (mode {mode:o})", remedy=f"chmod 600 {path}")
    held = read_json(path)
    if not all(isinstance(held.get(word), str) and held[word] for word in ("api_key", "secret")):
        raise Misuse(f"{path} holds no api_key and secret", remedy="write them as JSON")
    return held


def open_port(account: KillAccount) -> tuple[CcxtVenue, Limiter | None]:
    """Connect, by a limiter of its own in which even reads may use the share that sessions leave free."""
    limiter = None
    if account.profile.exchange == "binance":
        limiter = binance_limiter()
        for family in limiter.families.values():
            family.weight.kept_free = 0.0
    return connect(account.profile, limiter=limiter), limiter
