"""The matching engine as one would explain it: lists, sorted when asked. Slow; what the kernel is compared with."""

from b25.model.event import BUY, NO_ASK_TICKS, NO_BID_TICKS, SELL
from b25.model.matching import MatchEvent, MatchKind, MatchReason, Stp
from b25.model.order import Tif


class _Order:
    def __init__(self, **fields):
        self.__dict__.update(fields)


class NaiveMatchingBook:
    def __init__(self):
        self.resting = []  # in order of arrival; priority is price, then place in this list
        self.waiting = []
        self.positions = {}
        self.trade_id = 0
        self.last_ticks = 0
        self.mark_ticks = 0
        self.changed = {}
        self.events = []
        self.high = self.low = None  # of this command's trades

    # -- what can be asked ------------------------------------------------------------------------

    def submit(
        self,
        order_id,
        account,
        side,
        qty_lots,
        price_ticks=0,
        *,
        market=False,
        tif=Tif.GTC,
        post_only=False,
        reduce_only=False,
        stp=Stp.NONE,
        quote_ticklots=0,
    ):
        order = _Order(
            order_id=order_id,
            account=account,
            side=side,
            leaves=qty_lots,
            price=price_ticks,
            market=market,
            tif=tif,
            post_only=post_only,
            reduce_only=reduce_only,
            stp=stp,
            budget=quote_ticklots,
            is_quote=quote_ticklots > 0,
        )
        self._begin()
        if self._find(self.resting, order_id) or self._find(self.waiting, order_id):
            self._say(MatchKind.REJECTED, order, MatchReason.DUPLICATE_ORDER)
        elif (qty_lots <= 0 and not order.is_quote) or (price_ticks <= 0 and not market):
            self._say(MatchKind.REJECTED, order, MatchReason.INVALID)
        else:
            self._enter(order)
        return self._end()

    def stop(
        self,
        order_id,
        account,
        side,
        qty_lots,
        stop_ticks,
        price_ticks=0,
        *,
        market=False,
        rising=True,
        by_mark=False,
        notify_only=False,
        tif=Tif.GTC,
        post_only=False,
        reduce_only=False,
        stp=Stp.NONE,
    ):
        order = _Order(
            order_id=order_id,
            account=account,
            side=side,
            leaves=qty_lots,
            price=price_ticks,
            market=market,
            tif=tif,
            post_only=post_only,
            reduce_only=reduce_only,
            stp=stp,
            budget=0,
            is_quote=False,
            stop=stop_ticks,
            rising=rising,
            by_mark=by_mark,
            notify_only=notify_only,
        )
        self._begin()
        at = self.mark_ticks if by_mark else self.last_ticks
        if self._find(self.resting, order_id) or self._find(self.waiting, order_id):
            self._say(MatchKind.REJECTED, order, MatchReason.DUPLICATE_ORDER)
        elif stop_ticks <= 0 or qty_lots <= 0 or (price_ticks <= 0 and not market):
            self._say(MatchKind.REJECTED, order, MatchReason.INVALID)
        elif at and (at >= stop_ticks if rising else at <= stop_ticks):
            self._say(MatchKind.REJECTED, order, MatchReason.WOULD_TRIGGER)
        else:
            self.waiting.append(order)
            self._say(MatchKind.WAITING, order, price=stop_ticks)
        return self._end()

    def cancel(self, order_id):
        self._begin()
        order = self._find(self.resting, order_id)
        waiting = self._find(self.waiting, order_id)
        if order:
            self._drop(order)
            self._say(MatchKind.CANCELLED, order, leaves=0)
        elif waiting:
            self.waiting.remove(waiting)
            self._say(MatchKind.CANCELLED, waiting, leaves=0, price=waiting.stop)
        else:
            self.events.append(MatchEvent(MatchKind.REJECTED, order_id, 0, 0, 0, 0, 0, reason=MatchReason.UNKNOWN_ORDER))
        return self._end()

    def amend(self, order_id, qty_lots, price_ticks):
        self._begin()
        order = self._find(self.resting, order_id)
        if not order:
            self.events.append(MatchEvent(MatchKind.REJECTED, order_id, 0, 0, 0, 0, 0, reason=MatchReason.UNKNOWN_ORDER))
        elif qty_lots <= 0:
            self._drop(order)
            self._say(MatchKind.CANCELLED, order, leaves=0)
        elif price_ticks <= 0:
            self._say(MatchKind.REJECTED, order, MatchReason.INVALID)
        elif price_ticks == order.price and qty_lots == order.leaves:
            self._say(MatchKind.REJECTED, order, MatchReason.NOTHING_CHANGED)
        elif order.post_only and self._crosses(order.side, price_ticks):
            self._say(MatchKind.REJECTED, order, MatchReason.WOULD_TAKE)
        elif price_ticks == order.price and qty_lots < order.leaves:
            order.leaves = qty_lots
            self._touch(order)
            self._say(MatchKind.AMENDED, order)
        else:
            self._drop(order)
            order.price, order.leaves = price_ticks, qty_lots
            self._say(MatchKind.AMENDED, order)
            self._match(order)
        return self._end()

    def set_mark(self, price_ticks):
        self._begin()
        self.mark_ticks = price_ticks
        self._fire(lambda order: order.by_mark, price_ticks, price_ticks)
        return self._end()

    def set_position(self, account, qty_lots):
        self._begin()
        self.positions[account] = qty_lots
        self._expire_reduce_only(account)
        return self._end()

    # -- what can be seen -------------------------------------------------------------------------

    def levels(self, side, depth):
        sums = {}
        for order in self.resting:
            if order.side == side:
                sums[order.price] = sums.get(order.price, 0) + order.leaves
        return sorted(sums.items(), reverse=side == BUY)[:depth]

    def take_changes(self):
        changed, self.changed = self.changed, {}
        return [(side, price, dict(self.levels(side, 10**9)).get(price, 0)) for side, price in changed]

    @property
    def best_bid_ticks(self):
        return max((o.price for o in self.resting if o.side == BUY), default=NO_BID_TICKS)

    @property
    def best_ask_ticks(self):
        return min((o.price for o in self.resting if o.side == SELL), default=NO_ASK_TICKS)

    def position_lots(self, account):
        return self.positions.get(account, 0)

    def leaves_lots(self, order_id):
        order = self._find(self.resting, order_id)
        return order.leaves if order else 0

    def executable_lots(self, side, price_ticks, account=0, stp=Stp.NONE):
        total = 0
        for maker in self._makers(side):
            if price_ticks and (price_ticks - maker.price) * side < 0:
                break
            if stp != Stp.NONE and account and maker.account == account:
                if stp == Stp.EXPIRE_MAKER:
                    continue
                break
            # What a reduce-only order will give depends on fills before it: it is not counted on.
            total += 0 if maker.reduce_only else maker.leaves
        return total

    # -- how it works -----------------------------------------------------------------------------

    def _begin(self):
        self.events = []
        self.high = self.low = None

    def _end(self):
        while self.high is not None:
            high, low = self.high, self.low
            fired = self._due(lambda order: not order.by_mark, high, low)
            if fired is None:
                break
            self._trigger(fired)
        return self.events

    def _due(self, chosen, high, low):
        rising = [o for o in self.waiting if chosen(o) and o.rising and o.stop <= high]
        falling = [o for o in self.waiting if chosen(o) and not o.rising and o.stop >= low]
        if rising:
            return min(rising, key=lambda o: o.stop)  # min and max keep the first of equals
        if falling:
            return max(falling, key=lambda o: o.stop)
        return None

    def _fire(self, chosen, high, low):
        while (fired := self._due(chosen, high, low)) is not None:
            self._trigger(fired)

    def _trigger(self, order):
        self.waiting.remove(order)
        self._say(MatchKind.TRIGGERED, order, price=order.stop)
        if not order.notify_only:
            self._enter(order)

    def _enter(self, order):
        if order.reduce_only and self._reducible(order) == 0:
            self._say(MatchKind.REJECTED, order, MatchReason.WOULD_INCREASE)
        elif order.post_only and self._crosses(order.side, order.price):
            self._say(MatchKind.REJECTED, order, MatchReason.WOULD_TAKE)
        elif order.market and not self._makers(order.side):
            self._say(MatchKind.REJECTED, order, MatchReason.NO_LIQUIDITY)
        elif order.tif == Tif.FOK and not order.is_quote and self._short_of(order):
            self._say(MatchKind.EXPIRED, order, MatchReason.FOK_UNFILLABLE, leaves=0)
        else:
            self._match(order)

    def _short_of(self, order):
        there = self.executable_lots(order.side, order.price, order.account, order.stp)
        if order.reduce_only:
            there = min(there, self._reducible(order))
        return there < order.leaves

    def _match(self, order):
        ended = False
        while not ended and (order.leaves > 0 or order.is_quote):
            makers = self._makers(order.side)
            if not makers or (order.price and (order.price - makers[0].price) * order.side < 0):
                break
            maker = makers[0]
            if order.reduce_only and self._reducible(order) == 0:
                break
            if order.stp != Stp.NONE and order.account and maker.account == order.account:
                ended = self._prevent(order, maker)
                continue
            lots = min(order.budget // maker.price if order.is_quote else order.leaves, maker.leaves)
            if lots == 0:
                break
            lots = min(lots, self._reducible(order)) if order.reduce_only else lots
            lots = min(lots, self._reducible(maker)) if maker.reduce_only else lots
            self._trade(order, maker, lots)
        if not ended:
            self._finish(order)

    def _finish(self, order):
        if order.is_quote:
            makers = self._makers(order.side)
            spent = makers and order.budget // makers[0].price == 0
            kind = MatchKind.DONE if spent else MatchKind.EXPIRED
            order.leaves = 0
            self._say(kind, order, MatchReason.NONE if spent else MatchReason.NO_LIQUIDITY)
        elif order.leaves == 0:
            return
        elif order.reduce_only and self._reducible(order) == 0:
            self._say(MatchKind.EXPIRED, order, MatchReason.REDUCE_ONLY, leaves=0)
        elif order.market:
            self._say(MatchKind.EXPIRED, order, MatchReason.NO_LIQUIDITY, leaves=0)
        elif order.tif != Tif.GTC:
            self._say(MatchKind.EXPIRED, order, MatchReason.IOC_LEFTOVER, leaves=0)
        else:
            self.resting.append(order)
            self._touch(order)
            self._say(MatchKind.OPENED, order)

    def _prevent(self, order, maker):
        """What self-trade prevention takes away; True when the taker is gone."""
        less = min(order.leaves, maker.leaves)
        maker_loses = {Stp.EXPIRE_TAKER: 0, Stp.DECREMENT: less}.get(order.stp, maker.leaves)
        taker_loses = {Stp.EXPIRE_MAKER: 0, Stp.DECREMENT: less}.get(order.stp, order.leaves)
        if order.is_quote and order.stp != Stp.EXPIRE_MAKER:
            # A budget has no lots to take away: the order ends.
            maker_loses = maker.leaves if order.stp == Stp.EXPIRE_BOTH else 0
            taker_loses = 0
        if maker_loses:
            maker.leaves -= maker_loses
            self._say(MatchKind.PREVENTED, maker, qty=maker_loses)
            self._touch(maker)
            if maker.leaves == 0:
                self.resting.remove(maker)
        if taker_loses or (order.is_quote and order.stp != Stp.EXPIRE_MAKER):
            order.leaves -= taker_loses
            self._say(MatchKind.PREVENTED, order, qty=taker_loses)
        return order.stp != Stp.EXPIRE_MAKER and order.leaves == 0

    def _trade(self, order, maker, lots):
        self.trade_id += 1
        order.leaves -= 0 if order.is_quote else lots
        order.budget -= lots * maker.price if order.is_quote else 0
        maker.leaves -= lots
        self._touch(maker)
        if maker.leaves == 0:
            self.resting.remove(maker)
        self.last_ticks = maker.price
        self.high = maker.price if self.high is None else max(self.high, maker.price)
        self.low = maker.price if self.low is None else min(self.low, maker.price)
        self.events.append(
            MatchEvent(
                MatchKind.TRADE,
                order.order_id,
                order.account,
                order.side,
                maker.price,
                lots,
                order.leaves,
                maker.order_id,
                maker.account,
                maker.leaves,
                self.trade_id,
            )
        )
        for one in (order, maker):
            if one.account:
                self.positions[one.account] = self.positions.get(one.account, 0) + one.side * lots
        for account in dict.fromkeys((order.account, maker.account)):
            if account:
                self._expire_reduce_only(account)

    def _expire_reduce_only(self, account):
        for one in [o for o in self.resting if o.account == account and o.reduce_only]:
            if self._reducible(one) == 0:
                self._drop(one)
                self._say(MatchKind.EXPIRED, one, MatchReason.REDUCE_ONLY, leaves=0)

    def _reducible(self, order):
        return max(0, -order.side * self.positions.get(order.account, 0))

    def _makers(self, side):
        return sorted((o for o in self.resting if o.side == -side), key=lambda o: o.price * side)

    def _crosses(self, side, price):
        makers = self._makers(side)
        return bool(makers) and (price - makers[0].price) * side >= 0

    def _find(self, among, order_id):
        return next((o for o in among if o.order_id == order_id), None)

    def _drop(self, order):
        self.resting.remove(order)
        self._touch(order)

    def _touch(self, order):
        self.changed[(order.side, order.price)] = True

    def _say(self, kind, order, reason=MatchReason.NONE, *, leaves=None, qty=None, price=None):
        self.events.append(
            MatchEvent(
                kind,
                order.order_id,
                order.account,
                order.side,
                order.price if price is None else price,
                order.leaves if qty is None else qty,
                order.leaves if leaves is None else leaves,
                reason=reason,
            )
        )
