"""People, programs, their sign-ins and keys. No secret stands here: passwords, tokens and keys are hashes, seeds are sealed."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, LargeBinary, MetaData, PrimaryKeyConstraint, Table, Text

access_metadata = MetaData()


def _text(name: str, *, null: bool = False) -> Column[str]:
    return Column(name, Text, nullable=null)


def _big(name: str, *, null: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=null)


def _bytes(name: str, *, null: bool = False) -> Column[bytes]:
    return Column(name, LargeBinary, nullable=null)


# `roles` are words; `accounts` is a JSON list, null for all. `totp` and `totp_next` are sealed with a key of the secrets folder.
person = Table(
    "person", access_metadata, Column("name", Text, primary_key=True), Column("email", Text, unique=True), _text("password"),
    _text("roles"), _text("accounts", null=True), _text("totp", null=True), _text("totp_next", null=True), _big("totp_step"),
    _big("made_ns"), _big("password_ns"), _big("disabled_ns", null=True), _big("version"),
)  # fmt: skip
backup_code = Table(
    "backup_code", access_metadata, _text("person"), _bytes("hash"), _big("used_ns", null=True),
    PrimaryKeyConstraint("person", "hash"),
)  # fmt: skip
# A right to set a new password once, given out by an administrator.
reset_token = Table(
    "reset_token", access_metadata, Column("hash", LargeBinary, primary_key=True), _text("person"), _text("made_by"),
    _big("made_ns"), _big("expires_ns"), _big("used_ns", null=True),
)  # fmt: skip
# One sign-in is one family of refresh tokens.
sign_in = Table(
    "sign_in", access_metadata, Column("id", Text, primary_key=True), _text("person"), _big("made_ns"), _big("seen_ns"),
    _big("expires_ns"), _text("ip"), _text("agent"), _big("revoked_ns", null=True), _text("revoked_why", null=True),
)  # fmt: skip
refresh_token = Table(
    "refresh_token", access_metadata, Column("hash", LargeBinary, primary_key=True), _text("sign_in"), _big("made_ns"),
    _big("expires_ns"), _big("used_ns", null=True), _text("used_from", null=True), _big("graces"),
)  # fmt: skip
# Every attempt to sign in: `person` is null for a name that nobody has, so that no mistyped password is kept.
sign_in_attempt = Table(
    "sign_in_attempt", access_metadata, Column("id", Text, primary_key=True), _big("ts_ns"), _text("person", null=True),
    _text("ip"), _text("outcome"),
)  # fmt: skip
sign_in_failure = Table(
    "sign_in_failure", access_metadata, Column("key", Text, primary_key=True), _big("count"), _big("last_ns"), _big("until_ns"),
)  # fmt: skip
# `kind` is "key" (a person's, named in `owner`) or "service" (a program's name).
access_key = Table(
    "access_key", access_metadata, Column("id", Text, primary_key=True), _text("kind"), _text("owner"), _text("label"),
    _bytes("hash"), _text("roles"), _text("scopes", null=True), _text("accounts", null=True), _text("ips", null=True),
    _text("made_by"), _big("made_ns"), _big("expires_ns", null=True), _big("revoked_ns", null=True), _big("used_ns", null=True),
    _text("used_ip", null=True), _text("replaces", null=True),
)  # fmt: skip
Index("ix_sign_in_person", sign_in.c.person)
Index("ix_refresh_token_sign_in", refresh_token.c.sign_in)
Index("ix_sign_in_attempt_person", sign_in_attempt.c.person, sign_in_attempt.c.ip)
Index("ix_access_key_owner", access_key.c.owner)

APPEND_ONLY: Final[tuple[str, ...]] = ("sign_in_attempt",)
