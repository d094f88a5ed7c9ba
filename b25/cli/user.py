"""People: who may come in, with which roles. Works on the database directly, for who may write it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from b25.cli.output import JSON, answer
from b25.model.errors import Misuse

if TYPE_CHECKING:
    from b25.store.people import Person

STORE = typer.Option("--store", help="The database; left out: as the settings say.")
SECRETS = typer.Option("--secrets", help="The secrets folder; left out: as the settings say.")
ROLE = typer.Option("--role", help="viewer, researcher, trader, risk or admin; several times for several.")
NAME = typer.Argument(help="Name of the person.")


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help=__doc__, no_args_is_help=True)
    group.command("add", epilog="Example: b25 user add ann --role risk --role admin")(add)
    group.command("list", epilog="Example: b25 user list --json")(list_people)
    group.command("roles", epilog="Example: b25 user roles ann --role trader")(roles)
    group.command("disable", epilog="Example: b25 user disable ann --reason 'has left'")(disable)
    group.command("enable", epilog="Example: b25 user enable ann")(enable)
    group.command("reset", epilog="Example: b25 user reset ann")(reset)
    app.add_typer(group, name="user")


def add(
    name: Annotated[str, NAME],
    role: Annotated[list[str], ROLE],
    email: Annotated[str, typer.Option(help="May be used in place of the name.")] = "",
    account: Annotated[list[str] | None, typer.Option(help="An account that he may see and act on; left out: all.")] = None,
    password_file: Annotated[Path | None, typer.Option(help="A file with the password; left out: it is asked for.")] = None,
    store: Annotated[str, STORE] = "",
    secrets: Annotated[Path | None, SECRETS] = None,
    json: Annotated[bool, JSON] = False,
) -> None:
    """Add a person. The password is asked for, or read from a file that only its owner can read; it is no argument."""
    from b25.api.auth.operator import local_access, operator_name
    from b25.api.auth.origin import Origin

    password = _password(password_file)
    accounts = tuple(account) if account else None
    with local_access(store, secrets) as access:
        made = access.membership.add(
            operator_name(), name, password, _roles(role), Origin(), email=email or None, accounts=accounts
        )  # fmt: skip
    answer(_facts(made), json=json, lines=[f"added  {made.name}: {', '.join(made.roles)}"])


def list_people(store: Annotated[str, STORE] = "", json: Annotated[bool, JSON] = False) -> None:
    """Tell who belongs here."""
    from b25.api.auth.operator import local_store
    from b25.store.people import people_of

    with local_store(store) as opened:
        people = people_of(opened)
    lines = [
        f"{one.name:<20} {'active' if one.is_active else 'disabled':<9} {'code' if one.totp else '-':<5} {', '.join(one.roles)}"
        for one in people
    ]
    answer({"people": [_facts(one) for one in people]}, json=json, lines=lines or ["nobody yet: b25 user add NAME --role admin"])


def roles(
    name: Annotated[str, NAME],
    role: Annotated[list[str], ROLE],
    reason: Annotated[str, typer.Option(help="Why.")] = "",
    store: Annotated[str, STORE] = "",
    secrets: Annotated[Path | None, SECRETS] = None,
    json: Annotated[bool, JSON] = False,
) -> None:
    """Give a person these roles in place of those he has; he is signed out everywhere."""
    _change(name, store, secrets, json, reason, roles=_roles(role))


def disable(
    name: Annotated[str, NAME],
    reason: Annotated[str, typer.Option(help="Why.")] = "",
    store: Annotated[str, STORE] = "",
    secrets: Annotated[Path | None, SECRETS] = None,
    json: Annotated[bool, JSON] = False,
) -> None:
    """Shut a person out: sign-ins and keys end within seconds."""
    _change(name, store, secrets, json, reason, is_active=False)


def enable(
    name: Annotated[str, NAME],
    reason: Annotated[str, typer.Option(help="Why.")] = "",
    store: Annotated[str, STORE] = "",
    secrets: Annotated[Path | None, SECRETS] = None,
    json: Annotated[bool, JSON] = False,
) -> None:
    """Let a person in again."""
    _change(name, store, secrets, json, reason, is_active=True)


def reset(
    name: Annotated[str, NAME],
    store: Annotated[str, STORE] = "",
    secrets: Annotated[Path | None, SECRETS] = None,
    json: Annotated[bool, JSON] = False,
) -> None:
    """Print a token by which a person sets a new password, once, within the hour: POST /api/v1/auth/reset."""
    from b25.api.auth.operator import local_access, operator_name
    from b25.api.auth.origin import Origin

    with local_access(store, secrets) as access:
        token, expires_ns = access.membership.give_reset(operator_name(), name, Origin())
    answer({"name": name, "token": token, "expires_ns": expires_ns}, json=json, lines=[token])


def _change(name: str, store: str, secrets: Path | None, json: bool, reason: str, **what: Any) -> None:
    from b25.api.auth.operator import local_access, operator_name
    from b25.api.auth.origin import Origin

    with local_access(store, secrets) as access:
        changed = access.membership.change(operator_name(), name, Origin(), reason=reason, **what)
    state = "active" if changed.is_active else "disabled"
    answer(_facts(changed), json=json, lines=[f"{changed.name}: {state}, {', '.join(changed.roles)}"])


def _roles(words: list[str]) -> list[Any]:
    from b25.api.auth.membership import PEOPLE_ROLES
    from b25.api.roles import Role

    if unknown := [word for word in words if word not in set(PEOPLE_ROLES)]:
        raise Misuse(f"there is no role {unknown[0]!r} for people", remedy=f"use {', '.join(PEOPLE_ROLES)}")
    return [Role(word) for word in words]


def _password(path: Path | None) -> str:
    if path is None:
        return str(typer.prompt("password", hide_input=True, confirmation_prompt=True))
    from b25.api.auth.key_ring import check_private_file

    if not path.is_file():
        raise Misuse(f"there is no file {path}", remedy="write the password into it, and chmod 600 it")
    check_private_file(path)
    return path.read_text(encoding="utf-8").strip("\r\n")


def _facts(one: "Person") -> dict[str, Any]:
    return {
        "name": one.name, "email": one.email, "roles": list(one.roles), "accounts": one.accounts, "is_active": one.is_active,
        "second_factor": one.totp is not None, "made_ns": one.made_ns,
    }  # fmt: skip
