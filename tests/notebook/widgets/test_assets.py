"""The modules: whole, without a door to the outside, and part of what is installed."""

import re

import pytest

from b25.model.errors import Misuse
from b25.notebook.widgets import MODULES
from b25.notebook.widgets.assets import STATIC, module, names, stylesheet

OUTSIDE = re.compile(
    r"https?://|wss?://|@import|url\(|\bfetch\(|XMLHttpRequest|WebSocket|\bimport\(|\beval\(|innerHTML|insertAdjacentHTML"
)
NAMESPACE = "http://www.w3.org/2000/svg"


def test_there_is_a_module_for_each_widget():
    assert set(names()) == set(MODULES.values())


@pytest.mark.parametrize("name", names())
def test_a_module_is_whole_and_asks_for_nothing(name):
    text = module(name)
    assert text.count("export default") == 1
    assert re.findall(r"^(?:import|export (?!default))", text, re.MULTILINE) == []
    assert [found for found in OUTSIDE.findall(text.replace(NAMESPACE, ""))] == []
    assert len(text.encode()) < 60_000


@pytest.mark.parametrize("name", names())
def test_a_file_imports_only_by_names_that_can_be_put_in_front_of_it(name):
    # The parts become one text, in which a name cannot be another there.
    first = (STATIC / f"{name}.js").read_text().split("\n")[1]
    assert " as " not in first
    assert first.startswith("import {")
    assert first.endswith('from "./base.js";')


def test_every_rule_of_the_style_sheet_is_under_a_class_of_ours():
    text = re.sub(r"/\*.*?\*/", "", stylesheet(), flags=re.DOTALL)
    assert OUTSIDE.findall(text) == []
    selectors = re.findall(r"(?:^|\}|\{)\s*([^{}@]+)\{", text)
    assert [one for group in selectors for one in group.split(",") if one.strip() and not one.strip().startswith(".b25-")] == []


def test_an_unknown_module_is_named_with_those_there_are():
    with pytest.raises(Misuse, match="ladder"):
        module("laddder")
    with pytest.raises(Misuse, match="base"):
        module("base")
