"""Who asks: verified by the gateway, never taken from what a request says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from b25.api.roles import MATRIX, Permission, Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """A person or a program that has proved who it is.

    Attributes
    ----------
    name : str
        As the audit tells it: of a person the name, of a program ``service:NAME``.
    roles : frozenset of Role
    scopes : frozenset of Permission or None
        What its token or key is limited to; None for all that the roles allow.
    accounts : frozenset of str or None
        Accounts that it may see and act on; None for all.
    login : str
        Id of the sign-in or key, for revoking and for the audit.
    is_stepped_up : bool
        Whether a second factor, or the password again, was given within the last minutes.
    """

    name: str
    roles: frozenset[Role]
    scopes: frozenset[Permission] | None = None
    accounts: frozenset[str] | None = None
    login: str = ""
    is_stepped_up: bool = False

    def may(self, permission: Permission) -> bool:
        """Whether it may do this."""
        return bool(self.roles & MATRIX[permission]) and (self.scopes is None or permission in self.scopes)


class Authenticator(Protocol):
    """Finds out who asks."""

    async def principal(self, headers: Mapping[str, str], ip: str, method: str, path: str) -> Principal | None:
        """Return who asks; None for nobody. Raises `b25.api.problems.Problem` for a credential that is wrong.

        Parameters
        ----------
        headers : mapping
            Names in lower case.
        """
        ...

    async def of_ticket(self, ticket: str) -> Principal | None:
        """Return who got this ticket; it is worth one connection within 30 s."""
        ...


class Nobody:
    """Knows nobody: only the routes for everybody answer. Such a gateway listens on this machine alone."""

    async def principal(self, headers: Mapping[str, str], ip: str, method: str, path: str) -> Principal | None:
        """Return None."""
        return None

    async def of_ticket(self, ticket: str) -> Principal | None:
        """Return None."""
        return None


Facts = dict[str, Any]
