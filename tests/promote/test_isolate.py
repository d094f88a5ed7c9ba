"""A promoted file is imported where there is nothing else, and may do nothing but define."""

import pytest

from b25.model.errors import Misuse
from b25.promote.isolate import isolate

HEAD = "import b25\n"
CLASS = "class Mine(b25.Strategy):\n    n: int = b25.param(3, ge=1)\n    def on_book(self, ctx):\n        pass\n"


def test_what_it_is_made_of_is_told():
    told = isolate(HEAD + CLASS, "Mine")
    assert told["parameters"] == {"n": 3}
    assert told["callbacks"] == ["on_book"]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("import socket\nsocket.create_connection(('127.0.0.1', 9))\n", r"socket\.connect"),
        ("import subprocess\nsubprocess.run(['true'])\n", "subprocess.Popen"),
        ("open('left.txt', 'w')\n", "opened for writing"),
        ("import os\nos.system('true')\n", r"os\.system"),
        ("raise ValueError('no')\n", "ValueError: no"),
        ("import no_such_module\n", "no_such_module"),
        ("import sys\nsys.exit(0)\n", "SystemExit"),
        ("import os\nos._exit(0)\n", "ended the interpreter"),
    ],
)
def test_what_does_more_is_refused(more, told):
    with pytest.raises(Misuse, match=told):
        isolate(HEAD + more + CLASS, "Mine")


def test_what_swallows_the_refusal_is_refused_all_the_same():
    text = HEAD + "import os\ntry:\n    os.system('true')\nexcept Exception:\n    pass\n" + CLASS
    with pytest.raises(Misuse, match=r"os\.system"):
        isolate(text, "Mine")


def test_what_is_no_strategy_is_refused():
    with pytest.raises(Misuse, match="is no strategy"):
        isolate("class Mine:\n    pass\n", "Mine")


def test_no_secret_of_the_environment_reaches_it(monkeypatch):
    monkeypatch.setenv("B25_API_SECRET", "canary-1f9c")
    text = HEAD + "import os\nassert 'canary-1f9c' not in ''.join(os.environ.values())\n" + CLASS
    assert isolate(text, "Mine")["ok"]
