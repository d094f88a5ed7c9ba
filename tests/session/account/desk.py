"""An account on an exchange in this process, with a store: orders of several strategies, and their trades booked."""

from dataclasses import dataclass, field
from decimal import Decimal

from b25.execution.orders.actions import Book, Source
from b25.execution.orders.identity import next_epoch
from b25.model.event import BUY
from b25.session.account.book import AccountBook, AccountPolicy
from b25.session.account.reconciling import reconcile
from b25.session.orders.rows import fill_row, legs_of
from b25.store.leases import take_lease
from b25.store.order_log import OrderLog
from b25.store.store import open_store
from b25.venue.exchange.exchange import Exchange
from b25.venue.exchange.listings import default_listings
from b25.venue.in_process.venue import InProcessVenue
from b25.venue.port.requests import NewOrder
from tests.venue.contract.worlds import SYMBOLS, fund

START_MS = 1_700_000_000_000
HOUR_MS = 3_600_000


@dataclass
class Desk:
    """Everything a test needs; made by `open_desk`."""

    kind: str
    url: str
    now: list = field(default_factory=lambda: [START_MS])
    policy: AccountPolicy = field(default_factory=AccountPolicy)
    alerts: list = field(default_factory=list)
    halts: list = field(default_factory=list)
    number: int = 0
    pulled: dict = field(default_factory=dict)

    def __post_init__(self):
        self.exchange = Exchange(default_listings(["BTCUSDT"], ["BTCUSDT"]), now_ms=self.now[0])
        self.account, other = (fund(self.exchange, name) for name in ("alice", "bob"))
        self.port = InProcessVenue(self.exchange, self.account, self.kind, now_ms=lambda: self.now[0])
        self.other = InProcessVenue(self.exchange, other, self.kind, now_ms=lambda: self.now[0])
        self.symbol = SYMBOLS[self.kind]

    @property
    def market(self):
        return "spot" if self.kind == "spot" else "linear"

    def now_ns(self):
        return self.now[0] * 10**6

    async def begin(self):
        """A process starts: it reads the store."""
        self.store = open_store(self.url)
        lease = take_lease(self.store, "main", "me", now_ms=self.now[0], next_epoch=lambda stored: next_epoch(stored, 0, 0))
        self.log = OrderLog(self.store, lease, now_ns=self.now_ns)
        self.instrument = (await self.port.listings()).must()[self.symbol].instrument
        self.book = AccountBook.load(
            self.store, self.port.name, "main", [self.instrument], now_ns=self.now_ns, policy=self.policy,
            on_alert=self.alerts.append, on_halt=self.halts.append,
        )  # fmt: skip

    def end(self):
        """The process is gone; nothing is tidied up but the connections."""
        self.store.close()

    async def trade(self, strategy, side=BUY, qty="0.01", price="40000"):
        """An order of a strategy that takes what the other account rests; None leaves no intent."""
        self.now[0] += 5
        self.number += 1
        coid = f"{strategy or 'foreign'}-{self.log.lease.epoch}-{self.number}"
        lots, ticks = self.instrument.lots(qty), self.instrument.ticks(price)
        new = NewOrder(symbol=self.symbol, client_id=coid, side=side, qty_lots=lots, price_ticks=ticks)
        if strategy is not None:
            row = {
                "id": self.log.lease.epoch * 2**32 + self.number, "venue": self.port.name, "coid": coid, "symbol": self.symbol,
                "epoch": self.log.lease.epoch, "strategy": strategy, "side": "buy",
            }  # fmt: skip
            self.log.intend(row)
        other = NewOrder(symbol=self.symbol, client_id=f"o{self.number}", side=-side, qty_lots=lots, price_ticks=ticks)
        (await self.other.submit(other)).must()
        (await self.port.submit(new)).must()

    async def pull(self, tell=True):
        """Book the trades that the venue has and the store has not, as the order desk does."""
        mark = self.pulled.get(self.symbol, "")
        self.take((await self.port.trades(self.symbol, after_id=mark)).must(), tell=tell)
        return True

    def take(self, trades, tell=True):
        """Book some trades."""
        for trade in trades:
            strategy = trade.client_id.split("-")[0]
            strategy = None if strategy == "foreign" else strategy
            row = fill_row(Book(trade, trade.client_id, Source.RECON, late=False), self.port.name)
            if self.log.book(row, legs_of(trade, strategy or ""), strategy=strategy or "") and tell:
                self.book.book(row, strategy=strategy)
            self.pulled[self.symbol] = trade.trade_id

    async def reconcile(self):
        return await reconcile(self.book, self.port, pull=self.pull, look_again_s=0)

    def kinds(self):
        return [one.kind for one in self.alerts]

    def held(self):
        return {name: int(cell.lots) for (name, _), cell in self.book.account.cells.items() if cell.lots}

    def wallet(self, asset="USDT"):
        return self.book.account.wallet(asset, as_told=True)

    async def venue_wallet(self, asset="USDT"):
        return (await self.port.balances()).must()[asset].wallet or Decimal(0)
