"""Tables of accounts: entries that are no fills, the state to begin from, and a statement for every half minute."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, MetaData, PrimaryKeyConstraint, Table, Text

account_metadata = MetaData()


def _text(name: str, *, null: bool = False) -> Column[str]:
    return Column(name, Text, nullable=null)


def _big(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


# Openings, transfers, funding, values of fees, adjustments with their signatures or rejections, resumptions: each once, by
# its reference. `amount` is in atoms of `asset`.
account_entry = Table(
    "account_entry", account_metadata, _text("venue"), _text("account"), _text("kind"), _text("ref"), _big("ts_ns"),
    _big("time_ms"), _text("symbol", null=True), _text("strategy"), _text("asset", null=True), _text("amount"), _text("body"),
    PrimaryKeyConstraint("venue", "account", "kind", "ref"),
)  # fmt: skip
# A projection: what fills and entries fold to. It is made anew from them when it does not fit them.
account_state = Table(
    "account_state", account_metadata, _text("venue"), _text("account"), _big("ts_ns"), _text("body"),
    PrimaryKeyConstraint("venue", "account"),
)  # fmt: skip
account_snapshot = Table(
    "account_snapshot", account_metadata, _text("venue"), _text("account"), _big("ts_ns"), _text("reason"), _text("quote"),
    _text("equity", null=True), _text("realised", null=True), _text("unrealised", null=True), _text("fees", null=True),
    _text("funding", null=True), _text("drawdown_daily", null=True), _text("drawdown_max", null=True),
    _text("margin_usage", null=True), _text("body"), PrimaryKeyConstraint("venue", "account", "ts_ns"),
)  # fmt: skip
Index("ix_account_entry_time", account_entry.c.venue, account_entry.c.account, account_entry.c.time_ms)

APPEND_ONLY: Final = ("account_entry", "account_snapshot")


def append_only(dialect: str) -> list[str]:
    """Statements that make the database itself refuse a change of what was written."""
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER {name}_no_{act.lower()} BEFORE {act} ON {name} "
            f"BEGIN SELECT RAISE(ABORT, '{name} is append-only'); END"
            for name in APPEND_ONLY
            for act in ("UPDATE", "DELETE")
        ]
    return [
        f"CREATE TRIGGER {name}_{what} BEFORE {acts} ON {name} FOR EACH {each} EXECUTE FUNCTION b25_append_only()"
        for name in APPEND_ONLY
        for what, acts, each in (("kept", "UPDATE OR DELETE", "ROW"), ("whole", "TRUNCATE", "STATEMENT"))
    ]
