"""The gateway's part for promoted versions: their states, and who asks with the roles that his token lets him use."""

from __future__ import annotations

from typing import Any

from b25.api.gateway import Gateway
from b25.api.principal import Principal
from b25.api.problems import Problem
from b25.api.roles import Permission, Role
from b25.promote.gate import ADMIN, RESEARCHER, RISK, SECOND_PERSON, TRADER
from b25.promote.moves import Promotions
from b25.promote.record import Actor
from b25.promote.states import Standing, State
from b25.promote.version import REFERENCE, Version
from b25.runner.kill_drill import last_drill_ns

# A token that is limited to some permissions has a role only as far as these go.
BY_PERMISSION = {RESEARCHER: Permission.DRAFT, TRADER: Permission.OPERATE, RISK: Permission.RISK, ADMIN: Permission.KILL}


class PromotionDesk:
    """States of promoted versions, for routes.

    Parameters
    ----------
    gateway : Gateway
    """

    def __init__(self, gateway: Gateway) -> None:
        settings = gateway.settings
        self.run_folder = settings.run_folder
        self.promotions = Promotions(
            gateway.store, settings.strategies_folder / "live", settings.secrets_folder, settings.promotion, gateway.now_ns,
            lambda: last_drill_ns(settings.run_folder),
        )  # fmt: skip

    def version(self, name: str, number: int) -> Version:
        """Return a version. Raises Problem 404 when there is none."""
        found = [one for one, _ in self.promotions.all(name) if one.manifest["version"] == number]
        if not found or not REFERENCE.fullmatch(f"{name}@{number}"):
            raise Problem(404, f"there is no version {name}@{number}", remedy="GET /strategies/versions")
        return found[0]


def actor(by: Principal, facts: dict[str, Any]) -> Actor:
    """Return who asks, as the gates see him."""
    roles = frozenset(role for role, permission in BY_PERMISSION.items() if Role(role) in by.roles and by.may(permission))
    return Actor(by.name, roles, is_proven=True, facts=facts)


def check_step_up(by: Principal, standing: Standing, to: State, *, skip: bool) -> None:
    """Raise Problem 403 when a move needs a fresh proof of who one is: towards money, and past a need. A stop never does."""
    towards_money = to in SECOND_PERSON or (standing.state is State.PAUSED and to not in (State.PAUSED, State.RETIRED))
    if (skip or towards_money) and not by.is_stepped_up:
        raise Problem(403, "prove again who you are", code="STEP_UP_REQUIRED", remedy="POST /auth/step-up, and ask again")
