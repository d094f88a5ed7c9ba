"""Who may do what: every permission with the roles that have it. What is not named here is allowed to nobody."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """What a person or a program is here for; a person may have several."""

    VIEWER = "viewer"
    RESEARCHER = "researcher"
    TRADER = "trader"
    RISK = "risk"
    ADMIN = "admin"
    SERVICE = "service"  # a program of ours: no role of a person, only the scopes of its token


class Permission(StrEnum):
    """What a route asks for."""

    READ = "read"  # market data, account, orders, sessions, reports
    OWN = "own"  # one's own profile, password, keys and sign-ins
    ANNOTATE = "annotate"
    ACKNOWLEDGE = "acknowledge"  # alerts
    RESEARCH = "research"  # backtests, reports
    DRAFT = "draft"  # configuration that holds nowhere yet
    TRADE = "trade"  # orders by hand, cancel, close
    OPERATE = "operate"  # start, stop, pause sessions; change their parameters
    KILL = "kill"
    RISK = "risk"  # activate configuration, limits, policies, approvals
    REARM = "rearm"
    AUDIT = "audit"  # read who did what
    USERS = "users"
    PLATFORM = "platform"  # clients, log levels, dead letters
    INGEST = "ingest"  # events into analytics


_ALL_PEOPLE = frozenset({Role.VIEWER, Role.RESEARCHER, Role.TRADER, Role.RISK, Role.ADMIN})
_ANY = _ALL_PEOPLE | {Role.SERVICE}
_STAFF = frozenset({Role.RESEARCHER, Role.TRADER, Role.RISK, Role.ADMIN})

MATRIX: Final[dict[Permission, frozenset[Role]]] = {
    Permission.READ: _ANY,
    Permission.OWN: _ANY,
    Permission.ANNOTATE: _ANY,
    Permission.ACKNOWLEDGE: _STAFF,
    Permission.RESEARCH: frozenset({Role.RESEARCHER, Role.TRADER, Role.SERVICE}),
    Permission.DRAFT: _STAFF,
    Permission.TRADE: frozenset({Role.TRADER}),
    Permission.OPERATE: frozenset({Role.TRADER}),
    Permission.KILL: frozenset({Role.TRADER, Role.RISK, Role.ADMIN}),
    Permission.RISK: frozenset({Role.RISK}),
    Permission.REARM: frozenset({Role.RISK}),
    Permission.AUDIT: frozenset({Role.RISK, Role.ADMIN}),
    Permission.USERS: frozenset({Role.ADMIN}),
    Permission.PLATFORM: frozenset({Role.ADMIN}),
    Permission.INGEST: frozenset({Role.ADMIN, Role.SERVICE}),
}


def remedy_of(permission: Permission) -> str:
    """What somebody can do who was refused: the roles that may, by name."""
    roles = [role.value for role in Role if role in MATRIX[permission]]
    named = roles[0] if len(roles) == 1 else f"{', '.join(roles[:-1])} or {roles[-1]}"
    return f"it takes the role {named}, and a key the scope {permission.value}; ask an administrator for it"
