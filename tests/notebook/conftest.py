"""A shell with the extension, which is taken away again."""

import pytest
from IPython.core.interactiveshell import InteractiveShell

import b25


@pytest.fixture
def shell(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("B25_CATALOG", str(tmp_path / "catalog"))
    InteractiveShell.clear_instance()
    made = InteractiveShell.instance()
    b25.load_ipython_extension(made)
    yield made
    b25.unload_ipython_extension(made)
    InteractiveShell.clear_instance()
