"""Indicators, number by number, against batch formulas written with numpy; in plain Python and in machine code."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import b25
from b25.model.errors import Misuse
from tests.engine.runs import ETH, book, depth, run, track_of, trade

PRICES = st.lists(st.integers(1, 10**6).map(lambda ticks: ticks / 100), min_size=1, max_size=80)


def made(part):
    """One indicator by itself."""
    cls = type("Holder", (b25.Strategy,), {"__module__": __name__, "__annotations__": {"part": object}, "part": part})
    return cls().part


def streamed(part, *series):
    indicator = made(part)
    return np.array([indicator.update(*values) for values in zip(*series, strict=True)])


def same(found, expected, rel=1e-9):
    np.testing.assert_allclose(found, expected, rtol=rel, atol=1e-7)


@given(PRICES, st.integers(1, 20))
def test_ema(prices, span):
    alpha, expected = 2 / (span + 1), [prices[0]]
    for x in prices[1:]:
        expected.append(alpha * x + (1 - alpha) * expected[-1])
    same(streamed(b25.ema(span=span), prices), expected)
    same(streamed(b25.ema(alpha=alpha), prices), expected)


@given(PRICES, st.integers(1, 20))
def test_sma_and_rolling_std(prices, n):
    windows = [prices[max(0, k - n + 1) : k + 1] for k in range(len(prices))]
    full = [len(w) == n for w in windows]
    same(streamed(b25.sma(n), prices), [np.mean(w) if f else np.nan for w, f in zip(windows, full, strict=True)])
    same(streamed(b25.rolling_std(n), prices), [np.std(w) if f else np.nan for w, f in zip(windows, full, strict=True)])


@given(PRICES, st.integers(1, 14))
def test_rsi_by_wilder(prices, n):
    changes = np.diff(prices)
    gains, losses = np.maximum(changes, 0), np.maximum(-changes, 0)
    expected = [np.nan] * min(n, len(prices))
    if len(changes) >= n:
        gain, loss = gains[:n].mean(), losses[:n].mean()
        for k in range(n, len(prices)):
            if k > n:
                gain, loss = (gain * (n - 1) + gains[k - 1]) / n, (loss * (n - 1) + losses[k - 1]) / n
            expected.append(100 - 100 / (1 + gain / loss) if loss > 0 else 100.0 if gain > 0 else 50.0)
    found = streamed(b25.rsi(n), prices)
    assert len(found) == len(expected)
    np.testing.assert_allclose(found, expected, atol=1e-4)


@given(st.lists(st.tuples(*[st.integers(1, 10**5)] * 3), min_size=1, max_size=60), st.integers(1, 14))
def test_atr_by_wilder(bars, n):
    high, low, close = (np.array(x, float) for x in zip(*[(max(b), min(b), b[2]) for b in bars], strict=True))
    ranges = np.maximum(high[1:] - low[1:], np.maximum(abs(high[1:] - close[:-1]), abs(low[1:] - close[:-1])))
    expected = [np.nan] * min(n, len(bars))
    for k in range(n, len(bars)):
        expected.append(ranges[:n].mean() if k == n else (expected[-1] * (n - 1) + ranges[k - 1]) / n)
    same(streamed(b25.atr(n), high, low, close), expected)


@given(PRICES, st.integers(1, 9), st.integers(0, 2**32))
def test_vwap(prices, n, seed):
    volumes = np.random.default_rng(seed).integers(0, 5, len(prices)) / 10
    expected, last = [], math.nan
    for k in range(len(prices)):
        p, v = np.array(prices[max(0, k - n + 1) : k + 1]), volumes[max(0, k - n + 1) : k + 1]
        last = (p * v).sum() / v.sum() if v.sum() > 0 else last
        expected.append(last)
    same(streamed(b25.vwap(n), prices, volumes.tolist()), expected)


def test_an_error_does_not_grow_with_the_length_of_the_history():
    # A large number passes through the window; the running sum must forget it.
    found = streamed(b25.sma(3), [1e16, 1.0, 1.0, *[0.1] * 9])
    assert found[-1] == pytest.approx(0.1, rel=1e-15)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: b25.ema(),
        lambda: b25.ema(span=3, alpha=0.5),
        lambda: b25.ema(alpha=0.0),
        lambda: b25.ema(alpha=math.nan),
        lambda: b25.ema(span=0),
        lambda: b25.sma(0),
        lambda: b25.rolling_std(2.5),
        lambda: b25.rsi(True),
        lambda: b25.atr(-1),
        lambda: b25.vwap(0),
    ],
)
def test_an_indicator_without_a_length_is_refused(wrong):
    with pytest.raises(Misuse):
        wrong()


class Watch(b25.Strategy):
    ema: b25.Ema = b25.ema(span=4)
    sma: b25.Sma = b25.sma(4)
    std: b25.RollingStd = b25.rolling_std(4)
    rsi: b25.Rsi = b25.rsi(4)
    atr: b25.Atr = b25.atr(4)
    vwap: b25.Vwap = b25.vwap(4)

    def on_trade(self, ctx):
        x = ctx.last_trade()
        ctx.log(1, self.ema.update(x))
        ctx.log(2, self.sma.update(x))
        ctx.log(3, self.std.update(x))
        ctx.log(4, self.rsi.update(x))
        ctx.log(5, self.atr.update(x + 0.03, x - 0.02, x))
        ctx.log(6, self.vwap.update(x, ctx.last_trade_quantity()))


def test_machine_code_gives_the_same_bytes():
    dice = np.random.default_rng(25)
    prints = [trade(10 + k, b25.BUY, int(t), int(q)) for k, (t, q) in enumerate(dice.integers(1, 500, (300, 2)))]
    track = track_of([*book(1, {90: 5}, {600: 5}), *prints, depth(900, b25.BUY, 90, 6)], ETH)
    compiled, plain = (run(Watch, track, compiled=how) for how in (True, False))
    assert compiled.notes.tobytes() == plain.notes.tobytes()
    assert compiled.strategy.tobytes() == plain.strategy.tobytes()
    assert compiled.notes.size == 1_800
