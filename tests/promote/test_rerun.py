"""A notebook is run again without network and keys; what it shows otherwise, and what keeps it from ending, is told by cell."""

import os
import socket
import threading
import time
from pathlib import Path

import pytest

from b25.promote.rerun import Beside, rerun
from b25.promote.wish import Refused
from b25.research.run_record import MIME
from tests.promote.books import notebook

SHOW = "from IPython.display import display\nfrom helper import LEVEL\n"
STREAM = {"schema": 1, "strategy": {"name": "Mine", "source_sha256": "a"}, "effects": 3000, "records_a_link": 1000}
SHOWS = SHOW + f"display({{'{MIME}': {STREAM!r} | {{'chain': ['a', LEVEL, 'c'], 'stream_sha256': LEVEL}}}}, raw=True)"


def again(path, seconds_max=60.0):
    return rerun(path, "Mine", Path("strategy.py"), seconds_max)


def refused(path, seconds_max=60.0):
    with pytest.raises(Refused) as refusal:
        again(path, seconds_max)
    return str(refusal.value)


@pytest.fixture
def book(tmp_path):
    def written(*cells, **more):
        folder = tmp_path / "place" / "books"
        folder.mkdir(parents=True, exist_ok=True)
        return notebook(folder / "x.ipynb", *cells, **more)

    return written


ENDS = {
    "a cell that raises": ([("a", "1"), ("bad", "1 / 0")], ["cell bad raises ZeroDivisionError: division by zero"]),
    "a network": (
        [("bad", "import socket\nsocket.create_connection(('127.0.0.1', 9), 1)")],
        ["cell bad", "the re-run has no network"],
    ),
    "a network whose refusal is swallowed": (
        [
            ("a", "import socket\ntry:\n    socket.getaddrinfo('example.org', 80)\nexcept OSError:\n    found = None"),
            ("bad", "found[0]"),
        ],
        ["cell bad raises TypeError", "before that something was refused: the re-run has no network: getaddrinfo example.org"],
    ),
    "a secret": (
        [("bad", "import os\nkey = os.environ['B25_API_SECRET']")],
        ["cell bad needs B25_API_SECRET, which a re-run does not have", "needs no secret"],
    ),
    "a secret that is asked for softly": (
        [("bad", "import os\nkey = os.getenv('EXCHANGE_KEY')\nkey.split()")],
        ["cell bad needs EXCHANGE_KEY"],
    ),
    "a file of a neighbour": (
        [("bad", "open('../near.txt', 'a')")],
        ["cell bad: PermissionError: the re-run has no right to write"],
    ),
    "a kernel that dies": ([("bad", "import os\nos._exit(3)")], ["cell bad ended the kernel"]),
}


@pytest.mark.parametrize("what", ENDS)
def test_what_a_notebook_must_do_without_is_told_with_its_cell(book, monkeypatch, what):
    monkeypatch.setenv("B25_API_SECRET", "canary-1f9c")
    cells, told = ENDS[what]
    path = book(*cells)
    (path.parent.parent / "near.txt").write_text("as it was")
    said = refused(path)
    assert all(one in said for one in told), said
    assert "canary" not in said
    assert (path.parent.parent / "near.txt").read_text() == "as it was"


TRIED = """
import os, pathlib, shutil, socket, subprocess, sys, urllib.request
tried = [
    lambda: urllib.request.urlopen('http://example.org'),
    lambda: subprocess.run(['true']),
    lambda: os.system('true'),
    lambda: os.execv('/bin/true', ['true']),
    lambda: pathlib.Path('/opt/b25-left').write_text('x'),
    lambda: os.open('/opt/b25-left', os.O_CREAT | os.O_WRONLY),
    lambda: shutil.rmtree(os.path.realpath('../beside')),
    lambda: os.rename('../beside/kept.txt', 'kept.txt'),
    lambda: pathlib.Path('../beside/made').mkdir(),
    lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 9)),
]
let = []
for number, one in enumerate(tried):
    try:
        one()
        let.append(number)
    except Exception as fault:
        if 'the re-run has no' not in str(fault):
            let.append((number, repr(fault)))
child = 'import socket; socket.create_connection(("127.0.0.1", 9), 1)'
assert b'the re-run has no network' in subprocess.run([sys.executable, '-c', child], capture_output=True).stderr
assert not let, let
"""


def test_there_is_no_way_out_that_is_left_open_by_mistake(book):
    path = book(("a", TRIED))
    (path.parent.parent / "beside").mkdir()
    (path.parent.parent / "beside" / "kept.txt").write_text("kept")
    assert again(path).cells == 1
    assert (path.parent.parent / "beside" / "kept.txt").exists()
    assert not Path("/opt/b25-left").exists()


def test_a_notebook_that_never_ends_is_ended_with_the_cell_named(book):
    begun = time.monotonic()
    said = refused(book(("a", "x = 1"), ("loop", "while True:\n    x += 1")), seconds_max=6.0)
    assert "cell loop had not ended 6 s after the re-run began" in said
    assert time.monotonic() - begun < 30


def test_100_mb_of_print_end_with_a_clear_message(book):
    said = refused(book(("flood", "line = 'x' * 1000\nfor _ in range(100_000):\n    print(line)")))
    assert "cell flood shows more than 20 MB; the kernel was ended" in said


def test_a_folder_is_left_as_it_was_and_its_neighbours_can_be_read(book, monkeypatch):
    monkeypatch.setenv("B25_API_SECRET", "canary-1f9c")
    monkeypatch.setenv("PLAIN", "canary-1f9c")
    code = """
import os, pathlib, tempfile
assert 'canary-1f9c' not in ''.join(os.environ.values())
assert (os.environ['TZ'], os.environ['PYTHONHASHSEED'], os.environ['OMP_NUM_THREADS']) == ('UTC', '0', '1')
assert pathlib.Path('../near.txt').read_text() == 'near' and pathlib.Path('../../far.txt').read_text() == 'far'
pathlib.Path('made.txt').write_text('new')
pathlib.Path('own.txt').write_text('changed')
pathlib.Path('own.txt').unlink()
tempfile.NamedTemporaryFile().close()
assert str(pathlib.Path.home()) != os.path.expanduser('~root')
"""
    path = book(("a", code))
    place = path.parent.parent
    (path.parent / "own.txt").write_text("own")
    (place / "near.txt").write_text("near")
    (place.parent / "far.txt").write_text("far")
    before = {one: one.read_bytes() for one in place.parent.rglob("*") if one.is_file()}
    found = again(path)
    assert {one: one.read_bytes() for one in place.parent.rglob("*") if one.is_file()} == before
    assert found.words == (
        "1 cells ran again; A not stored: no result of the class is in the file; "
        "C not applicable: the notebook holds no backtest of it"
    )
    assert found.as_dict()["A"]["state"] == "not stored"


def test_a_helper_that_changed_after_the_run_is_seen_with_the_records(book):
    stored = STREAM | {"chain": ["a", "b", "c"], "stream_sha256": "b"}
    path = book(("show", SHOWS), shown={"show": [{MIME: stored}]})
    (path.parent / "helper.py").write_text("LEVEL = 'b'")
    assert again(path).as_dict()["B"] == {"state": "equal to A", "streams": ["b"]}
    (path.parent / "helper.py").write_text("LEVEL = 'd'")
    assert "A and B differ: cell show, result 1 (Mine), effects 1,000 to 1,999" in refused(path)


def test_output_that_is_another_now_is_seen_and_what_may_differ_is_not(book):
    fine = book(("a", "print('took 3 ms at 0x7f3c')\n'same'"), outputs={"a": ["took 12 ms at 0x1234\n'same'"]})
    assert again(fine).cells == 1
    path = book(("a", "print('one')\nprint('three')"), outputs={"a": ["one\ntwo"]})
    assert "cell a shows something else: line 2 is stored as 'two', and is now 'three'" in refused(path)
    path = book(("a", "print('other')"), outputs={"a": ["one"]}, tags={"a": ["nbval-ignore-output"]})
    assert again(path).cells == 1


def test_a_re_run_that_is_not_waited_for_leaves_no_kernel(book):
    path = book(("loop", "import time\nwhile True:\n    time.sleep(0.1)"))
    with Beside(path, "Mine", Path("strategy.py")):
        time.sleep(3)
    assert not [one for one in threading.enumerate() if one.name == "b25-rerun"]
    assert not children()


def children():
    """Processes of ours that still run: of kernels there is none."""
    found = []
    for one in Path("/proc").iterdir():
        if one.name.isdigit():
            try:
                told = (one / "stat").read_text().rpartition(")")[2].split()
                words = (one / "cmdline").read_bytes()
            except OSError:
                continue
            if int(told[1]) == os.getpid() and told[0] != "Z" and b"ipykernel" in words:
                found.append(one.name)
    return found


def test_the_guard_knows_what_is_its_own(tmp_path, monkeypatch):
    from b25.promote import rerun_guard

    monkeypatch.setattr(rerun_guard, "FOLDERS", (str(tmp_path),))
    (tmp_path / "link").symlink_to("/etc")
    rerun_guard.guard("open", (str(tmp_path / "new.txt"), "w", 0o101))
    rerun_guard.guard("open", ("/etc/hosts", "r", 0))
    with socket.socket(socket.AF_UNIX) as near:
        rerun_guard.guard("socket.connect", (near, "/run/x"))
    for event, args in [
        ("open", ("/etc/hosts", "a", 0)),
        ("open", (str(tmp_path / "link" / "hosts"), "w", 0)),
        ("open", (str(tmp_path) + "-near", None, os.O_WRONLY)),
        ("os.remove", ("/etc/hosts", -1)),
        ("os.rename", (str(tmp_path / "new.txt"), "/etc/new.txt", -1, -1)),
        ("socket.getaddrinfo", ("example.org", 80, 0, 0, 0)),
        ("subprocess.Popen", ("/bin/true", ["/bin/true"], None, None)),
    ]:
        with pytest.raises(PermissionError, match="the re-run has no"):
            rerun_guard.guard(event, args)
