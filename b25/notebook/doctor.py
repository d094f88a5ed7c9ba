"""What `b25 doctor` finds, as a list that shows itself: from a kernel, whose loop runs, it looks in a thread of its own."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any, Final

from b25.analytics.card import BAD, GOOD, PLAIN, WARN, Card, Table

TONES: Final = {"good": GOOD, "warning": WARN, "bad": BAD, "unknown": WARN}


class Findings(list[Any]):
    """What was found, one `Finding` each."""

    def card(self) -> Card:
        """What is shown of them."""
        states = [str(one.health) for one in self]
        rows = [(str(one.health), one.name, one.what, one.remedy or "") for one in self]
        badges = tuple((f"{states.count(word)} {word}", TONES.get(word, PLAIN)) for word in dict.fromkeys(states))
        return Card(title="Doctor", badges=badges, tables=(Table(heads=("health", "of", "what", "remedy"), rows=rows),))

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        card = self.card()
        return {"text/plain": card.text(), "text/html": card.html()}

    def __repr__(self) -> str:
        return self.card().text()


def examined(folder: Path | None = None, plan: Path | None = None) -> Findings:
    """Look once at everything that `b25 doctor` looks at.

    Parameters
    ----------
    folder : Path, optional
        The run folder; left out: as the settings say.
    plan : Path, optional
        Whose accounts are tried; left out: ``up.toml``, if it is here.
    """
    from b25.config.settings import read_settings
    from b25.runner.doctor import checks_of, examine

    here = Path("up.toml")
    used = plan if plan is not None else here if here.exists() else None
    run_folder = folder or read_settings().run_folder
    found: list[Any] = []
    looking = threading.Thread(target=lambda: found.extend(examine(checks_of(run_folder, used))), name="b25-doctor")
    looking.start()
    looking.join()
    return Findings(found)
