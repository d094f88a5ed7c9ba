"""The schema, the same on SQLite and PostgreSQL. Decimals are text, times whole numbers; triggers keep what is append-only."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData()


def _text(name: str, *, null: bool = False) -> Column[str]:
    return Column(name, Text, nullable=null)


def _big(name: str, *, null: bool = False, default: str | None = None) -> Column[int]:
    return Column(name, BigInteger, nullable=null, server_default=default)


lease = Table("lease", metadata, Column("account", Text, primary_key=True), _big("epoch"), _text("holder"), _big("expires_ms"))
# Numbers that stand for names in client ids.
alias = Table(
    "alias", metadata, _text("kind"), _text("name"), _big("number"),
    PrimaryKeyConstraint("kind", "name"), UniqueConstraint("kind", "number"),
)  # fmt: skip
intent = Table(
    "intent", metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False), _big("ts_ns"), _text("account"), _text("venue"),
    _text("strategy"), Column("coid", Text, nullable=False, unique=True),
    Column("kind", Text, CheckConstraint("kind IN ('NEW','CANCEL','REPLACE')"), nullable=False),
    _text("symbol"), _text("side", null=True), _text("type", null=True), _text("tif", null=True), _text("qty", null=True),
    _text("price", null=True), _text("stop", null=True), Column("flags", Integer, nullable=False, server_default="0"),
    _text("target_coid", null=True), _big("parent_id", null=True), _text("decision"),
    Column("code_hash", LargeBinary, nullable=False), Column("cfg_hash", LargeBinary, nullable=False), _big("epoch"),
    _big("sign_ts_ms", null=True), Column("recv_window", Integer), _big("order_id", default="0"), _big("request_id", default="0"),
)  # fmt: skip
order_event = Table(
    "order_event", metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False), _big("ts_ns"), _big("venue_ts_ms", null=True),
    _text("coid"),
    _text("venue_oid", null=True), _text("src"), _text("status"), _text("cum_qty"), _text("exec_id", null=True),
    _text("code", null=True), _text("msg", null=True), Column("raw_sha", LargeBinary), Index("ix_order_event_coid", "coid"),
)  # fmt: skip
Index(
    "ux_exec", order_event.c.coid, order_event.c.src, order_event.c.exec_id, unique=True,
    sqlite_where=text("exec_id IS NOT NULL"), postgresql_where=text("exec_id IS NOT NULL"),
)  # fmt: skip
fill = Table(
    "fill", metadata,
    _text("venue"), _text("account"), _text("symbol"), _text("trade_id"), _text("coid", null=True), _text("venue_oid"),
    _text("side"), _text("qty"), _text("price"), _text("fee"), _text("fee_asset", null=True), Column("maker", Boolean),
    _text("realized", null=True), _big("venue_ts_ms"), _text("src"),
    Column("synthetic", Boolean, nullable=False, server_default=text("FALSE")),
    PrimaryKeyConstraint("venue", "account", "symbol", "trade_id"), Index("ix_fill_coid", "coid"),
)  # fmt: skip
journal = Table(
    "journal", metadata, _big("seq"), Column("leg", Integer, nullable=False), _text("asset"), _text("account"), _text("amount"),
    _text("fill_ref", null=True), PrimaryKeyConstraint("seq", "leg"),
)  # fmt: skip
watermark = Table(
    "watermark", metadata, _text("venue"), _text("account"), _text("symbol"), _text("last_trade_id"), _big("last_ts_ms"),
    PrimaryKeyConstraint("venue", "account", "symbol"),
)  # fmt: skip
# A projection: what the fills add up to. It is rebuilt from them.
position = Table(
    "position", metadata, _text("venue"), _text("account"), _text("symbol"), _text("strategy"), _text("qty"), _big("updated_ns"),
    PrimaryKeyConstraint("venue", "account", "symbol", "strategy"),
)  # fmt: skip
balance = Table(
    "balance", metadata, _text("venue"), _text("account"), _text("asset"), _text("free"), _text("used"), _text("total"),
    _big("ts_ns"), PrimaryKeyConstraint("venue", "account", "asset", "ts_ns"),
)  # fmt: skip
session = Table(
    "session", metadata, Column("id", Text, primary_key=True), _text("strategy"), _text("venue"), _text("account"), _text("mode"),
    _text("state"), _big("epoch"), _big("started_ns"), _big("ended_ns", null=True), _text("folder", null=True),
)  # fmt: skip
parameter = Table(
    "parameter", metadata, Column("id", BigInteger, primary_key=True, autoincrement=False), _big("ts_ns"), _text("session"),
    _text("actor"), _text("body"),
)  # fmt: skip
risk_decision = Table(
    "risk_decision", metadata, Column("id", BigInteger, primary_key=True, autoincrement=False), _big("ts_ns"), _text("session"),
    _text("coid", null=True), _text("verdict"), _text("body"),
)  # fmt: skip
kill = Table(
    "kill", metadata, Column("id", BigInteger, primary_key=True, autoincrement=False), _big("ts_ns"), _text("scope"),
    _text("action"), _text("actor"), _text("reason"), _text("body"),
)  # fmt: skip
audit = Table(
    "audit", metadata, Column("seq", BigInteger, primary_key=True, autoincrement=False), _big("ts_ns"), _text("actor"),
    _text("action"), _text("body"), Column("prev", LargeBinary, nullable=False), Column("hash", LargeBinary, nullable=False),
)  # fmt: skip

APPEND_ONLY: Final = ("intent", "order_event", "journal", "parameter", "risk_decision", "kill", "audit")


def append_only(dialect: str) -> list[str]:
    """Statements that make the database itself refuse a change of what was written. A synthetic fill may be replaced."""
    if dialect == "sqlite":
        made = [
            f"CREATE TRIGGER {name}_no_{act.lower()} BEFORE {act} ON {name} "
            f"BEGIN SELECT RAISE(ABORT, '{name} is append-only'); END"
            for name in APPEND_ONLY
            for act in ("UPDATE", "DELETE")
        ]
        return made + [
            f"CREATE TRIGGER fill_no_{act.lower()} BEFORE {act} ON fill WHEN NOT OLD.synthetic "
            "BEGIN SELECT RAISE(ABORT, 'fill is append-only'); END"
            for act in ("UPDATE", "DELETE")
        ]
    made = [
        "CREATE FUNCTION b25_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
    ]
    made += [
        f"CREATE TRIGGER {name}_kept BEFORE UPDATE OR DELETE ON {name} FOR EACH ROW EXECUTE FUNCTION b25_append_only()"
        for name in APPEND_ONLY
    ]
    made += [
        f"CREATE TRIGGER {name}_whole BEFORE TRUNCATE ON {name} FOR EACH STATEMENT EXECUTE FUNCTION b25_append_only()"
        for name in (*APPEND_ONLY, "fill")
    ]
    return [
        *made,
        "CREATE TRIGGER fill_kept BEFORE UPDATE OR DELETE ON fill FOR EACH ROW WHEN (NOT OLD.synthetic) "
        "EXECUTE FUNCTION b25_append_only()",
    ]
