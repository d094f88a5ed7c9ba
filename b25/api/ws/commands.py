"""Commands over a socket: who may give which, and who carries them out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from b25.api.principal import Principal
from b25.api.roles import Permission

# What asks for a second factor is not among them: a socket may be hours old.
PERMISSIONS: Final[dict[str, Permission]] = {
    "order": Permission.TRADE,
    "cancel": Permission.TRADE,
    "amend": Permission.TRADE,
    "close": Permission.TRADE,
    "check": Permission.READ,
    "stop": Permission.OPERATE,
    "pause": Permission.OPERATE,
    "resume": Permission.OPERATE,
    "set": Permission.OPERATE,
    "flatten": Permission.OPERATE,
    "kill": Permission.KILL,
}
NEVER_HELD_UP: Final = frozenset({"kill", "cancel", "stop", "flatten", "pause"})  # by a limit of how often one may ask


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A command as it came.

    Attributes
    ----------
    command_id : str
        The client's own: the same one is never done twice.
    ip, connection : str
        Where from, for the audit.
    """

    command_id: str
    name: str
    args: Mapping[str, Any]
    ip: str
    connection: str


class Commander(Protocol):
    """Has commands carried out."""

    async def command(self, by: Principal, asked: Asked) -> dict[str, Any]:
        """Do one and return its outcome, once the session has acknowledged it.

        Writes the audit, and checks what the permission alone does not say: accounts, a second factor, the reason.

        Raises
        ------
        Misuse, Problem
            When it was refused: it was not done.
        Retry
            When no answer came in time: it is not known whether it was done.
        """
        ...
