"""What was committed and is not yet told to others: the database itself notes it, in the transaction that commits it.

A row goes when it is delivered, and not before. There is no cursor, so a transaction that began earlier and ended later
is not passed over.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    and_,
    create_engine,
    delete,
    event,
    func,
    select,
)

from b25.store.faults import failed
from b25.store.tables import fill, intent, order_event

metadata = MetaData()  # its own, for the first schema is made from that of b25.store.tables
outbox = Table(
    "outbox", metadata, Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("kind", Text, nullable=False), Column("account", Text, nullable=False), Column("event_seq", BigInteger),
    Column("venue", Text), Column("symbol", Text), Column("trade_id", Text), Index("ix_outbox_account", "account", "id"),
    sqlite_autoincrement=True,
)  # fmt: skip
ORDER, FILL = "order", "fill"
BUSY_MS: Final = 250
_FILL_KEYS: Final = ("account", "venue", "symbol", "trade_id")
_OF_ORDER: Final = "COALESCE((SELECT account FROM intent WHERE coid = NEW.coid AND kind = 'NEW'), '')"


def triggers(dialect: str) -> list[str]:
    """Statements that make the database note every event of an order and every fill."""
    order = f"INSERT INTO outbox (kind, account, event_seq) VALUES ('order', {_OF_ORDER}, NEW.seq);"  # noqa: S608 - no input
    trade = (
        "INSERT INTO outbox (kind, account, venue, symbol, trade_id) "
        "VALUES ('fill', NEW.account, NEW.venue, NEW.symbol, NEW.trade_id);"
    )
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER {name}_outbox AFTER INSERT ON {name} BEGIN {act} END"
            for name, act in (("order_event", order), ("fill", trade))
        ]
    made = []
    for name, act in (("order_event", order), ("fill", trade)):
        made += [
            f"CREATE FUNCTION b25_outbox_{name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {act} RETURN NULL; END $$",
            f"CREATE TRIGGER {name}_outbox AFTER INSERT ON {name} FOR EACH ROW EXECUTE FUNCTION b25_outbox_{name}()",
        ]
    return made


class Outbox:
    """Reads an account's undelivered rows, over a connection of its own: the one that writes orders is not disturbed.

    Parameters
    ----------
    url : str
        Of a store that `open_store` has opened.
    account : str
    """

    def __init__(self, url: str, account: str) -> None:
        self.account = account
        self.engine = create_engine(url, pool_pre_ping=True, pool_size=1, max_overflow=0)
        if self.engine.dialect.name == "sqlite":
            event.listen(self.engine, "connect", lambda connection, _: connection.execute(f"PRAGMA busy_timeout={BUSY_MS}"))

    def pending(self, limit: int) -> list[dict[str, Any]]:
        """Oldest rows that are not delivered, each with what it is about; `about` is None for what is there no more.

        Raises
        ------
        StoreFailed
            When the database does not answer.
        """
        waiting = select(outbox).where(outbox.c.account == self.account).order_by(outbox.c.id).limit(limit)
        try:
            with self.engine.connect() as connection:
                rows = [dict(row) for row in connection.execute(waiting).mappings()]
                for row in rows:
                    row["about"] = self._about(connection, row)
                return rows
        except Exception as error:
            raise self._told(error) from error

    def _about(self, connection: Any, row: dict[str, Any]) -> dict[str, Any] | None:
        if row["kind"] == ORDER:
            first_new = (
                select(func.min(order_event.c.seq))
                .where(order_event.c.coid == intent.c.coid, order_event.c.status == "NEW")
                .correlate(intent)
                .scalar_subquery()
            )
            names = [column for column in intent.c if column.name not in order_event.c]
            found = (
                select(order_event, *names, first_new.label("first_new_seq"))
                .join(intent, and_(intent.c.coid == order_event.c.coid, intent.c.kind == "NEW"))
                .where(order_event.c.seq == row["event_seq"])
            )
        else:
            found = (
                select(fill, intent.c.strategy)
                .join_from(fill, intent, intent.c.coid == fill.c.coid, isouter=True)
                .where(*(fill.c[name] == row[name] for name in _FILL_KEYS))
            )
        one = connection.execute(found).mappings().first()
        return None if one is None else dict(one)

    def delivered(self, ids: list[int]) -> None:
        """Let rows go. Raises StoreFailed when that was not possible: they are told again, which readers do not mind."""
        try:
            with self.engine.begin() as connection:
                connection.execute(delete(outbox).where(outbox.c.id.in_(ids)))
        except Exception as error:
            raise self._told(error) from error

    def waiting(self) -> int:
        """How many rows are not delivered."""
        try:
            with self.engine.connect() as connection:
                return int(connection.execute(select(func.count()).where(outbox.c.account == self.account)).scalar_one())
        except Exception as error:
            raise self._told(error) from error

    def _told(self, error: Exception) -> Exception:
        return failed(getattr(error, "orig", None) or error) or error

    def close(self) -> None:
        """Let go of the database."""
        self.engine.dispose()
