"""Rules and channels that are configured anew while the alerts' process runs: taken up whole, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from b25.config.configurations import Configurations
from b25.model.errors import B25Error
from b25.runner.alerts.channels import Channel, channels_of
from b25.runner.alerts.rules import AlertRule, NotificationRoute
from b25.runner.structured_log import StructuredLog
from b25.store.store import Store

KINDS: Final = ("alert_rule", "notification_route")
Read = Callable[[], tuple[tuple[AlertRule, ...], tuple[NotificationRoute, ...]]]
Marks = tuple[tuple[str, str, int | None], ...]


class Renewal:
    """Looks whether other versions hold than those that were read.

    Parameters
    ----------
    store : Store
    read : callable
        Reads rules and channels, file and store together.
    secrets_folder : Path
    log : StructuredLog
        Of the channel that writes there.
    say : callable
    """

    def __init__(self, store: Store, read: Read, secrets_folder: Path, log: StructuredLog, say: Callable[[str], None]) -> None:
        self.store, self.read, self.secrets_folder, self.log, self.say = store, read, secrets_folder, log, say
        self._marks, self._told = self._now(), ""

    def look(self) -> tuple[tuple[AlertRule, ...], tuple[NotificationRoute, ...], dict[str, Channel]] | None:
        """Return what holds now when it is something else; None when nothing changed, or what is new cannot be used."""
        try:
            marks = self._now()
            if marks == self._marks:
                return None
            rules, routes = self.read()
            channels = channels_of(routes, self.secrets_folder, self.log)
        except B25Error as fault:
            if (text := f"rules and channels stay as they were: {fault.what}") != self._told:
                self._told = text
                self.say(text)
            return None
        self._marks, self._told = marks, ""
        return rules, routes, channels

    def _now(self) -> Marks:
        known = Configurations(self.store)
        return tuple((kind, one.head.key, one.head.active_version) for kind in KINDS for one in known.active(kind))
