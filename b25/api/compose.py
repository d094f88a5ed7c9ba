"""Puts the gateway of a real process together: settings, store, who signs in, and every part that routes need."""

from __future__ import annotations

import time

from b25.api.gateway import Gateway
from b25.api.health import Health
from b25.api.principal import Nobody
from b25.api.reach.bus_line import BusLine
from b25.api.reach.commands import Commands
from b25.api.reach.pictures import Pictures
from b25.config.settings import Settings
from b25.runner.structured_log import StructuredLog
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
    gateway = Gateway(settings=settings, store=store, now_ns=time.time_ns, authenticator=Nobody())
    gateway.join(log)
    join_reach(gateway, log)
    # One line for each part of the others, in the order in which they start:
    gateway.join(Health(gateway))  # the last: when it starts, everything has
    return gateway


def join_reach(gateway: Gateway, log: StructuredLog) -> None:
    """Join what reaches sessions: their files, the bus, their commands."""
    settings = gateway.settings
    pictures = Pictures(settings.run_folder)
    bus = BusLine(settings.run_folder, log, is_wanted=settings.gateway.bus)
    gateway.join(pictures)
    gateway.join(bus)
    gateway.join(Commands(gateway, pictures, bus))
