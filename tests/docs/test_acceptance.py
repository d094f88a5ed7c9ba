"""The table of items is that of the tests, and no test bears a number that nobody gave."""

from tests.docs.acceptance import PAGE, marks, page
from tests.docs.acceptance_items import ITEMS


def test_the_table_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == page(), "run: .venv/bin/python -m tests.docs.acceptance"


def test_every_mark_is_an_item():
    chapters = tuple(f"{chapter}-" for chapter in ITEMS if chapter != "S")
    known = {item for items in ITEMS.values() for item in items}
    ours = {item for item in marks() if item.startswith(chapters) and not item.startswith("SYS-")}
    assert ours <= known
