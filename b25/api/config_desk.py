"""The gateway's part for configurations: the store's side, the keeper that tells of changes, and how refusals are answered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from b25.api.gateway import Gateway
from b25.api.principal import Principal
from b25.api.problems import Problem
from b25.api.roles import Permission
from b25.bus.publisher import Publisher
from b25.config.approvals import Approvals
from b25.config.check import Invalid
from b25.config.configurations import Configurations
from b25.config.outcome import Author
from b25.config.refusals import Refused
from b25.config.schedules import Schedules
from b25.config.schemas.types import AT_START, LIVE
from b25.model.errors import Misuse
from b25.runner.config_keeper import ConfigKeeper, tried
from b25.runner.config_strategies import loader


class ConfigDesk:
    """Configurations, for routes.

    Parameters
    ----------
    gateway : Gateway
    say : callable
        Told what a person should read.
    publisher : Publisher, optional
        Of component `gateway`: its messages go to the bus.
    strategies : Path
        Folder of the strategies whose parameters can be configured.
    alone : bool or callable
        Whether one person may agree with himself, by typing and after a minute.
    """

    def __init__(
        self, gateway: Gateway, say: Callable[[str], None], *, publisher: Publisher | None = None,
        strategies: Path = Path("strategies"), alone: bool | Callable[[], bool] = False,
    ) -> None:  # fmt: skip
        self.configurations = Configurations(gateway.store, now_ns=gateway.now_ns, load=loader(strategies))
        self.approvals = Approvals(self.configurations, alone=alone)
        self.schedules = Schedules(self.configurations)
        self.run_folder = gateway.settings.run_folder
        self.keeper = ConfigKeeper(self.configurations, say, publisher=publisher, run_folder=self.run_folder)

    def start(self) -> None:
        """Begin to tell of changes."""
        self.keeper.start()

    def stop(self) -> None:
        """End."""
        self.keeper.stop()

    def tried(self, kind: str, key: str, version: int, value: dict[str, Any]) -> list[dict[str, Any]]:
        """Ask the sessions of this machine what they would say to a value."""
        return tried(self.run_folder, kind, key, version, value) if kind in (*LIVE, *AT_START) else []


def author(by: Principal, facts: dict[str, Any]) -> Author:
    """Return who changes something, for the audit."""
    return Author(by.name, facts)


def ref(text: str) -> str:
    """Return the key or id that a path says: `~` in it stands for `/`."""
    if "\0" in text:
        raise Problem(404, "there is no such configuration")
    return text.replace("~", "/")


def check_may(by: Principal, permission: Permission) -> None:
    """Raise Problem 403 when who asks may not do this part of what he asks for."""
    if not by.may(permission):
        raise Problem(403, f"{by.name} may not {permission.value}", remedy="ask somebody who has the role")


@contextmanager
def answered() -> Iterator[None]:
    """Turn refusals of a configuration into problems."""
    try:
        yield
    except Invalid as fault:
        fields = [one.facts() for one in fault.faults]
        raise Problem(422, fault.what, code="VALIDATION_FAILED", remedy=fault.remedy, fields=fields) from None
    except Refused as fault:
        raise Problem(fault.status, fault.what, code=fault.code, remedy=fault.remedy) from None
    except Misuse as fault:
        raise Problem(422, fault.what, code="VALIDATION_FAILED", remedy=fault.remedy) from None
