"""The house colours, light and dark, told apart by people who do not see red and green as others do."""

from dataclasses import dataclass
from typing import Final, Literal

Theme = Literal["light", "dark"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """Colours by what they stand for."""

    paper: str
    panel: str
    ink: str
    muted: str
    grid: str
    equity: str
    drawdown: str
    position: str
    mid: str
    buy: str
    sell: str
    accent: str


# Blue against orange, after Okabe and Ito (2008); each passes 3:1 on its own paper.
LIGHT: Final = Palette(
    paper="#ffffff", panel="#f6f8fa", ink="#17202b", muted="#5c6878", grid="#e3e7ed", equity="#0067a8", drawdown="#c2481a",
    position="#00795c", mid="#8793a3", buy="#0072b2", sell="#d55e00", accent="#8a5a9e",
)  # fmt: skip
DARK: Final = Palette(
    paper="#12161d", panel="#1a2029", ink="#e4e9f0", muted="#98a4b5", grid="#2a323e", equity="#5fb4f2", drawdown="#f4925f",
    position="#45c9a5", mid="#76839a", buy="#66b8f5", sell="#f79a4d", accent="#c79bd8",
)  # fmt: skip
PALETTES: Final[dict[Theme, Palette]] = {"light": LIGHT, "dark": DARK}


def blend(colour: str, paper: str, share: float) -> str:
    """Colour of so large a share over another one; what an opacity would look like."""
    parts = []
    for i in (1, 3, 5):
        over, under = int(colour[i : i + 2], 16), int(paper[i : i + 2], 16)
        parts.append(round(over * share + under * (1.0 - share)))
    return "#" + "".join(f"{part:02x}" for part in parts)
