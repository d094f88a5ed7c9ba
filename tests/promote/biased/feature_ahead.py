"""Declares a feature that is the next bar's close."""

import polars as pl

import b25


class FeatureAhead(b25.Strategy):
    """Buys what will have risen."""

    tomorrow: float = b25.feature(pl.col("close").shift(-1), lookback=1)

    def on_bar(self, ctx):
        ctx.target(1.0 if self.tomorrow > ctx.bar().close else -1.0)
