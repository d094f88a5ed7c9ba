"""The closing line of `make test` counts what happened, and a skip that hides something fails in CI."""

import os

import pytest

from tests import run

SUITE = """
import pytest
def test_good(): pass
def test_bad(): assert False
def test_without_data(): pytest.skip("needs the folder ../shared")
@pytest.fixture
def broken(): raise OSError("no")
def test_in_error(broken): pass
"""


@pytest.fixture
def suite(tmp_path, monkeypatch):
    """Let `make test` be the tests of one small file."""

    def write(text):
        (tmp_path / "test_small.py").write_text(text)
        words = [str(tmp_path), "-p", "no:cacheprovider", "--rootdir", str(tmp_path), "-c", os.devnull]
        phase = run.Phase("small", words, {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"})
        monkeypatch.setattr(run, "phases", lambda words: [phase])

    monkeypatch.delenv("CI", raising=False)
    return write


def closing_line(capfd) -> str:
    return capfd.readouterr().out.splitlines()[-1]


def test_the_closing_line_counts_each_kind(suite, capfd):
    suite(SUITE)
    assert run.main([]) == 1
    assert closing_line(capfd).startswith("b25: 1 passed, 2 failed, 1 skipped · Python 3.")


def test_in_ci_a_test_skipped_for_want_of_shared_has_failed(suite, capfd, monkeypatch):
    monkeypatch.setenv("CI", "true")
    suite("import pytest\ndef test_good(): pass\ndef test_without_data(): pytest.skip('x: needs ../shared: y')\n")
    assert run.main([]) == 1
    assert closing_line(capfd).startswith("b25: 1 passed, 1 failed, 0 skipped")


def test_in_ci_a_test_skipped_for_want_of_a_package_has_failed(suite, capfd, monkeypatch):
    monkeypatch.setenv("CI", "true")
    suite("import pytest\ndef test_good(): pass\ndef test_bound(): pytest.importorskip('no_such_module')\n")
    assert run.main([]) == 1
    assert closing_line(capfd).startswith("b25: 1 passed, 1 failed, 0 skipped")


def test_elsewhere_it_is_listed_with_its_reason(suite, capfd):
    suite("import pytest\ndef test_good(): pass\ndef test_without_data(): pytest.skip('needs ../shared')\n")
    assert run.main([]) == 0
    assert "skipped: small: test_small.test_without_data: needs ../shared" in capfd.readouterr().out


def test_a_file_that_cannot_be_imported_is_a_failure(suite, capfd):
    suite("import no_such_module\n")
    assert run.main([]) == 1
    assert closing_line(capfd).startswith("b25: 0 passed, 1 failed, 0 skipped")


def test_no_test_at_all_is_not_a_success(suite):
    suite("")
    assert run.main([]) != 0


def test_the_kernels_run_three_times(root):
    flags = [phase.environment for phase in run.phases([]) if "kernels" in " ".join(phase.words)]
    assert [set(environment) - {"B25_HYPOTHESIS"} for environment in flags] == [{"NUMBA_BOUNDSCHECK"}, {"NUMBA_DISABLE_JIT"}]
