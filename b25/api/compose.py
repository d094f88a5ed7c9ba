"""Puts the gateway of a real process together: settings, store, who signs in, and every part that routes need."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from starlette.requests import Request

from b25.api.analytics_desk import AnalyticsDesk
from b25.api.announcer import Announcer
from b25.api.auth.access import open_access
from b25.api.auth.anchoring import AuditAnchoring
from b25.api.backtest_desk import BacktestDesk
from b25.api.config_desk import ConfigDesk
from b25.api.gateway import Gateway
from b25.api.health import Health
from b25.api.platform_metrics import PlatformMetrics
from b25.api.principal import Principal
from b25.api.promotion_desk import PromotionDesk
from b25.api.reach.bus_line import BusLine
from b25.api.reach.commands import Asked, Commands
from b25.api.reach.pictures import Pictures
from b25.api.reach.voice import Voice
from b25.api.state.feed import Feed
from b25.api.state.state import State
from b25.api.ws.hub import Hub
from b25.api.ws.session_commander import Ask, SessionCommander
from b25.bus.address import bus_address
from b25.config.settings import Settings
from b25.runner.structured_log import StructuredLog
from b25.store.people import is_alone
from b25.store.store import open_store

READERS = 8


def compose(settings: Settings) -> Gateway:
    """Return the gateway with all its parts; none has started.

    Raises
    ------
    Misuse, StoreFailed
    """
    store = open_store(settings.database_url, readers=READERS)
    log = StructuredLog(process="gateway")
    access = open_access(settings, store, time.time_ns)
    gateway = Gateway(settings=settings, store=store, now_ns=time.time_ns, authenticator=access.authenticator)
    gateway.join(log)
    gateway.join(access)
    gateway.join(PlatformMetrics(gateway))
    join_reach(gateway, log)
    address = bus_address("", settings.run_folder) if gateway.part(BusLine).is_wanted else None
    voice = Voice(address, log)
    gateway.join(voice)
    state = State()
    gateway.join(state)
    gateway.join(Feed(state, store, settings, address))
    gateway.join(Hub(state, holds=access.authenticator.holds, commander=SessionCommander(gateway, asker(gateway))))
    say = partial(log.info, "configuration")
    alone = partial(is_alone, store)
    strategies = settings.strategies_folder
    gateway.join(ConfigDesk(gateway, lambda text: say(text=text), publisher=voice.publisher, strategies=strategies, alone=alone))
    gateway.join(BacktestDesk(settings.run_folder / "backtests", time.time_ns))
    gateway.join(PromotionDesk(gateway))
    gateway.join(AnalyticsDesk(store, time.time_ns))
    gateway.join(Announcer(state.put, voice.publisher))
    if settings.audit_anchor is not None:
        gateway.join(AuditAnchoring(store, settings.audit_anchor, time.time_ns, access.means.alarm))
    gateway.join(Health(gateway))  # the last: when it starts, everything has
    return gateway


def asker(gateway: Gateway) -> Ask:
    """Return how a command that came over a socket reaches its session: by the way of the routes."""

    async def ask(
        by: Principal, session: str, command: str, reason: str, request: Request, more: dict[str, Any]
    ) -> dict[str, Any]:
        asked = Asked(session=session, command=command, by=by, reason=reason, request=request, more=more)
        told: dict[str, Any] = await gateway.part(Commands).ask(asked)
        return told

    return ask


def join_reach(gateway: Gateway, log: StructuredLog) -> None:
    """Join what reaches sessions: their files, the bus, their commands."""
    settings = gateway.settings
    pictures = Pictures(settings.run_folder)
    bus = BusLine(settings.run_folder, log, is_wanted=settings.gateway.bus)
    gateway.join(pictures)
    gateway.join(bus)
    gateway.join(Commands(gateway, pictures, bus))
