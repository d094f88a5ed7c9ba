"""Strategies with one fault each, on lines that the tests know by their text."""

import b25

NAMES = {"fast": 1}


def halved(x):
    return x / 2


class UnknownMethod(b25.Strategy):
    def on_book(self, ctx):
        ctx.middle()  # FAULT


class UnknownField(b25.Strategy):
    def on_book(self, ctx):
        self.fair = ctx.mid()  # FAULT


class UndefinedName(b25.Strategy):
    def on_book(self, ctx):
        ctx.log(1, mid)  # noqa: F821  FAULT


class PlainFunction(b25.Strategy):
    def on_book(self, ctx):
        ctx.log(1, self.fair(ctx))

    def fair(self, ctx):
        return halved(ctx.mid())  # FAULT


class GlobalDict(b25.Strategy):
    def on_book(self, ctx):
        ctx.log(1, float(len(NAMES)))  # FAULT


class DividesByZero(b25.Strategy):
    zero: float = 0.0

    def on_book(self, ctx):
        ctx.log(1, 1.0 / self.zero)  # FAULT


class LeavesTheWindow(b25.Strategy):
    last: b25.window(3) = b25.window(3)

    def on_book(self, ctx):
        self.last[3] = 1.0  # FAULT


class Raises(b25.Strategy):
    def on_book(self, ctx):
        raise ValueError("enough")  # FAULT


class DividesInAWindow(b25.Strategy):
    last: b25.window(3) = b25.window(3)

    def on_book(self, ctx):
        ctx.log(1, 1.0 / self.last[0])  # FAULT
