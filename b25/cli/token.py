"""Keys of programs: make one for dashboard, scheduler or notebooks, see who has which, end them."""

from pathlib import Path
from typing import Annotated, Any

import typer

from b25.cli.output import JSON, answer
from b25.model.errors import Misuse

STORE = typer.Option("--store", help="The database; left out: as the settings say.")
SECRETS = typer.Option("--secrets", help="The secrets folder; left out: as the settings say.")
# What the programs of this platform need, and no more.
USUAL = {
    "dashboard": (["service"], ["read", "annotate"]),
    "scheduler": (["service"], ["read", "research", "ingest"]),
    "notebook": (["researcher"], ["read", "annotate", "research", "draft"]),
}
KEPT_S = 7_200  # a token lives a quarter of an hour: two hours are more than any needs its key


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help=__doc__, no_args_is_help=True)
    group.command("create", epilog="Example: b25 token create --service dashboard --scope read")(create)
    group.command("list", epilog="Example: b25 token list --json")(list_keys)
    group.command("revoke", epilog="Example: b25 token revoke 0123456789ab")(revoke)
    group.command("new-signing-key", epilog="Example: b25 token new-signing-key")(new_signing_key)
    app.add_typer(group, name="token")


def create(
    service: Annotated[str, typer.Option(help="Name of the program, e.g. dashboard, scheduler, notebook.")],
    scope: Annotated[list[str] | None, typer.Option(help="What it may, several times for several; left out: as usual.")] = None,
    role: Annotated[list[str] | None, typer.Option(help="service, viewer or researcher.")] = None,
    days: Annotated[int, typer.Option(help="How long it holds.")] = 90,
    ip: Annotated[list[str] | None, typer.Option(help="An address or network that it may come from; left out: any.")] = None,
    account: Annotated[list[str] | None, typer.Option(help="An account that it may see; left out: all.")] = None,
    label: Annotated[str, typer.Option(help="What for.")] = "",
    to: Annotated[Path | None, typer.Option(help="File to write it into; left out: NAME.token in the secrets folder.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Write over the file that is there.")] = False,
    store: Annotated[str, STORE] = "",
    secrets: Annotated[Path | None, SECRETS] = None,
    json: Annotated[bool, JSON] = False,
) -> None:
    """Make a key and write it into a file that only its owner can read. It is printed nowhere."""
    from b25.api.auth.operator import local_access, operator_name
    from b25.api.auth.origin import Origin
    from b25.api.auth.program_keys import Limits
    from b25.api.roles import Permission, Role
    from b25.runner.durable_file import write_durably

    usual_roles, usual_scopes = USUAL.get(service, (["service"], []))
    roles, scopes = _words(Role, role or usual_roles), _words(Permission, scope or usual_scopes)
    limits = Limits(scopes=tuple(scopes), days=days, accounts=tuple(account) if account else None, ips=tuple(ip) if ip else None)
    with local_access(store, secrets) as access:
        path = to or access.membership.setup_path.parent / f"{service}.token"
        if path.exists() and not replace:
            raise Misuse(f"{path} is there already", remedy="name another file with --to, or say --replace")
        made, text = access.keys.make_service(operator_name(), service, roles, label, limits, Origin())
        write_durably(path, text.encode() + b"\n")
    facts = {"id": made.id, "service": service, "scopes": made.scopes, "expires_ns": made.expires_ns, "file": str(path)}
    answer(facts, json=json, lines=[f"made  {made.id} for {service}: {', '.join(made.scopes or ())}; it is in {path}"])


def list_keys(store: Annotated[str, STORE] = "", json: Annotated[bool, JSON] = False) -> None:
    """Tell every key: whose, what it may, until when, when it was last used."""
    import time

    from b25.api.auth.operator import local_store
    from b25.store.access_keys import keys_of

    with local_store(store) as opened:
        keys = keys_of(opened)
    now_ns = time.time_ns()
    lines = [
        f"{one.id}  {one.kind:<8} {one.owner:<16} {'holds' if one.is_good(now_ns) else 'ended':<6} {', '.join(one.scopes or ())}"
        for one in keys
    ]
    answer({"keys": [_facts(one, now_ns) for one in keys]}, json=json, lines=lines or ["no keys yet"])


def revoke(
    key_id: Annotated[str, typer.Argument(help="Its id, as `b25 token list` tells it.")],
    store: Annotated[str, STORE] = "",
    secrets: Annotated[Path | None, SECRETS] = None,
    json: Annotated[bool, JSON] = False,
) -> None:
    """End a key, whoever's it is: within seconds it opens nothing."""
    from b25.api.auth.operator import local_access, operator_name
    from b25.api.auth.origin import Origin

    with local_access(store, secrets) as access:
        access.keys.revoke(operator_name(), key_id, Origin())
    answer({"id": key_id, "is_revoked": True}, json=json, lines=[f"ended  {key_id}"])


def new_signing_key(
    store: Annotated[str, STORE] = "",
    secrets: Annotated[Path | None, SECRETS] = None,
    json: Annotated[bool, JSON] = False,
) -> None:
    """Sign access tokens with a new key, once the gateway is started again; those that hold stay good."""
    import time

    from b25.api.auth.key_ring import rotate_keys
    from b25.api.auth.operator import local_access, operator_name
    from b25.api.auth.origin import Origin
    from b25.store.audit import append_audit

    with local_access(store, secrets) as access:
        now_ns, before = time.time_ns(), access.means.ring.newest.kid
        body = Origin().facts(object="signing key", before=before)
        append_audit(access.means.store, actor=operator_name(), action="keys.signing", body=body, now_ns=now_ns)
        ring = rotate_keys(access.membership.setup_path.parent, now_ns, kept_s=KEPT_S)
    kids = [one.kid for one in ring.signing]
    answer({"kid": kids[0], "verifying": kids}, json=json, lines=[f"signs  {kids[0]}, after the gateway's next start"])


def _words(kind: Any, words: list[str]) -> list[Any]:
    known = [one.value for one in kind]
    if not words:
        raise Misuse("a key needs scopes", remedy=f"name them with --scope: {', '.join(known)}")
    if unknown := [word for word in words if word not in known]:
        raise Misuse(f"there is no {kind.__name__.lower()} {unknown[0]!r}", remedy=f"use {', '.join(known)}")
    return [kind(word) for word in words]


def _facts(one: Any, now_ns: int) -> dict[str, Any]:
    names = "id kind owner label scopes accounts ips made_by made_ns expires_ns revoked_ns used_ns used_ip replaces".split()
    return {name: getattr(one, name) for name in names} | {"roles": list(one.roles), "holds": one.is_good(now_ns)}
