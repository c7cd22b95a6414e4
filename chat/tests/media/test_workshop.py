"""Files that people send are processed beside the server, and cost no more than one process."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import select
import struct
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from chat.media import work, workshop
from chat.media.orders import Kind
from tests.server import ROOT

from .outcomes import content_of, is_a_clean_file, is_left_as_a_file
from .samples import SAMPLES, film, ogg, photo, png, secrets, wav, webm

in_both_ways = pytest.mark.parametrize("on_loop", [False, True], ids=["in a thread", "on the loop"])


def process(order, on_loop):
    if on_loop:
        return asyncio.run(workshop.process_on_loop(order))
    return workshop.process(order)


def children():
    return Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text().split()


@pytest.mark.parametrize("name", SAMPLES)
def test_a_file_that_shall_be_one_is_clean_where_its_kind_is_known(order, asked, name):
    sample = SAMPLES[name]
    given = order(sample.data, Kind.FILE)
    assert is_a_clean_file(workshop.process(given), given, sample.mimetype, why="")
    assert all(part in Path(given.target).read_bytes() for part in sample.media)
    assert len(asked) == 1


@pytest.mark.parametrize("content", [b"hello", b"%PDF-1.7", b"PK\3\4"])
def test_another_file_stays_as_it_is(order, asked, content):
    given = order(content, Kind.FILE)
    assert is_left_as_a_file(workshop.process(given), given, why="")
    assert len(asked) == 1


def test_a_film_has_a_size_and_a_duration(order):
    given = order(film(), Kind.VIDEO)
    found = workshop.process(given)
    assert (found.kind, found.mimetype, found.why) == (Kind.VIDEO, "video/quicktime", "")
    assert (found.width, found.height, found.duration, found.has_preview) == (240, 320, 2.5, False)
    assert not any(word in content_of(found, given) for word in secrets())
    assert found.stored(given) == given.target


def test_a_voice_has_a_duration(order):
    given = order(ogg(), Kind.VOICE)
    found = workshop.process(given)
    assert (found.kind, found.mimetype, found.duration) == (Kind.VOICE, "audio/ogg", 2.0)
    assert not any(word in content_of(found, given) for word in secrets())


def endless_film():
    """Say one second in each unit, and nearly as many units as there are numbers."""
    data = film()
    at = data.index(b"mvhd") + 16
    return data[:at] + struct.pack(">II", 1, 2**32 - 2) + data[at + 8 :]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        pytest.param(webm(scale=b"\xff" * 8, duration=1.7e308), Kind.VIDEO, id="infinite"),
        pytest.param(
            webm(sound_only=True, scale=b"\xff" * 8, duration=1.7e308), Kind.VOICE, id="voice"
        ),
        pytest.param(webm(duration=1e300), Kind.VIDEO, id="of 299 digits"),
        pytest.param(endless_film(), Kind.VIDEO, id="film"),
        pytest.param(ogg(granules=2**63), Kind.VOICE, id="ogg"),
        pytest.param(wav(rate=1, samples=302_401), Kind.VOICE, id="wav"),
    ],
)
def test_a_duration_that_no_file_has_is_not_known(order, content, kind):
    *_, found = work.work(order(content, kind))
    assert (found.kind, found.duration) == (kind, None)


@pytest.mark.parametrize(
    ("content", "kind", "mimetype"),
    [
        (png(), Kind.VIDEO, "image/png"),
        (film(), Kind.PICTURE, "video/quicktime"),
        (ogg(), Kind.FACE, "audio/ogg"),
        (film(), Kind.VOICE, "video/quicktime"),
    ],
)
def test_a_file_of_another_kind_is_a_clean_file(order, content, kind, mimetype):
    given = order(content, kind)
    assert is_a_clean_file(workshop.process(given), given, mimetype)


def test_a_film_that_cannot_be_cleaned_is_left_as_a_file(order):
    given = order(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", Kind.VIDEO)
    assert is_left_as_a_file(workshop.process(given), given)


WITHOUT_PILLOW = """
import sys
sys.modules["PIL"] = None
from chat.media import work
work.main()
"""


def test_without_pillow_pictures_are_clean_files(order, standing_in, asked):
    standing_in(WITHOUT_PILLOW)
    given = order(photo())
    assert is_a_clean_file(workshop.process(given), given, "image/jpeg")
    assert len(asked) == 1


# A process that fails when it comes to what is named: to draw, to clean, to begin.
FAILING = """
import os, sys, time
from fcntl import F_SETPIPE_SZ, fcntl
from chat.media import work

do = work.{place}

def fail(order, *rest):
    if order.kind in {spared}:
        return do(order, *rest)
    for path in (order.target, order.preview)[{place!r} == "_draw":]:
        if path:
            open(path, "wb").write(b"half")
    {fails}

work.{place} = fail
work.main()
"""
FAILURES = {
    "killed": "os.kill(os.getpid(), 9)",
    "of another mind": "print('[1]'); sys.exit()",
    # More at once than a stream holds for its reader.
    "talking on": "fcntl(1, F_SETPIPE_SZ, 2**20); sys.stdout.write('x' * 2**23); sys.exit()",
    "silent": "sys.exit(3)",
    "slow": "time.sleep(600)",
}


@pytest.fixture
def failing(standing_in, monkeypatch):
    def replace(how, place, *, spared=(), seconds=2):
        standing_in(FAILING.format(fails=FAILURES[how], place=place, spared=spared))
        if how == "slow":
            monkeypatch.setattr(workshop, "PICTURE_SECONDS", seconds)

    return replace


@in_both_ways
@pytest.mark.parametrize("how", FAILURES)
def test_a_picture_whose_drawing_ends_its_process_is_clean(order, failing, caplog, how, on_loop):
    failing(how, "_draw")
    given = order(photo())
    assert is_a_clean_file(process(given, on_loop), given, "image/jpeg")
    assert caplog.text
    assert given.source not in caplog.text
    assert children() == []


def test_such_a_picture_costs_one_process(order, failing, asked):
    failing("killed", "_draw")
    workshop.process(order(photo()))
    assert len(asked) == 1


@in_both_ways
@pytest.mark.parametrize("how", FAILURES)
def test_a_file_whose_process_has_failed_is_cleaned_by_a_second(
    order, failing, asked, caplog, how, on_loop
):
    failing(how, "_clean", spared=["file"])
    given = order(photo())
    assert is_a_clean_file(process(given, on_loop), given, "image/jpeg")
    assert [each.kind for each in asked] == [Kind.PICTURE, Kind.FILE]
    assert "failed" in caplog.text
    assert given.source not in caplog.text
    assert children() == []


@in_both_ways
@pytest.mark.parametrize("kind", [Kind.PICTURE, Kind.VIDEO, Kind.FACE])
def test_a_file_whose_cleaning_fails_is_left_as_it_came(order, failing, asked, kind, on_loop):
    failing("killed", "_clean")
    given = order(photo(), kind)
    assert is_left_as_a_file(process(given, on_loop), given)
    assert [bool(each.target) for each in asked] == [True, True, False]


@in_both_ways
def test_when_no_process_answers_all_is_as_before(order, failing, asked, on_loop):
    failing("killed", "work")
    given = order(photo())
    with pytest.raises(workshop.UnansweredError):
        process(given, on_loop)
    assert len(asked) == 3
    assert Path(given.source).read_bytes() == photo()
    assert not Path(given.target).exists()
    assert not Path(given.preview).exists()
    assert children() == []


def test_what_is_no_answer_is_not_believed(order, standing_in):
    given = order(photo(), Kind.VIDEO)
    answer = work.Processed(Kind.VIDEO, "video/mp4", 5, "", is_clean=True)._asdict()
    for nonsense in (
        answer | {"kind": "picture"},
        answer | {"kind": "other"},
        answer | {"why": "other"},
        answer | {"more": 1},
        answer | {"size": float("nan")},
        answer | {"width": 2**70},
        answer | {"height": -1},
        answer | {"duration": float("inf")},
        answer | {"duration": 1e300},
        {"kind": "video"},
        {"errno": "x"},
        [],
    ):
        standing_in(f"print({json.dumps(nonsense)!r}); print()")
        with pytest.raises(workshop.UnansweredError):
            workshop.process(given)
    standing_in(f"print({json.dumps(answer)!r}); print()")
    assert workshop.process(given).size == 5
    # A clean file where it was asked for none is nowhere.
    only_measured = 'import sys\nif \'"target": ""\' not in sys.stdin.readline(): sys.exit()\n'
    file = answer | {"kind": "file"}
    standing_in(f"{only_measured}print({json.dumps(file)!r}); print()")
    with pytest.raises(workshop.UnansweredError):
        workshop.process(given)
    standing_in(f"{only_measured}print({json.dumps(file | {'is_clean': False})!r}); print()")
    assert workshop.process(given).stored(given) == given.source


@in_both_ways
def test_a_full_disk_is_no_matter_of_the_file(order, standing_in, on_loop):
    standing_in(f"print({json.dumps({'errno': errno.ENOSPC})!r})")
    given = order(b"hello")
    Path(given.target).write_bytes(b"half")
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)) as told:
        process(given, on_loop)
    assert told.value.errno == errno.ENOSPC
    assert not Path(given.target).exists()


@pytest.mark.parametrize("place", ["target", "preview"])
def test_a_disk_that_refuses_is_told(order, place):
    pytest.importorskip("PIL")
    given = order(photo())._replace(**{place: "/proc/nowhere"})
    with pytest.raises(FileNotFoundError):
        workshop.process(given)


@pytest.mark.parametrize("step", ["clean", "_make_preview"])
def test_a_disk_that_is_full_within_a_step_is_told(order, monkeypatch, step):
    """In this process, whose disk is not full."""

    def fail(*given):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(work, step, fail)
    with pytest.raises(OSError, match="full"):
        list(work.work(order(photo())))


def test_a_file_that_is_not_there_is_told(order):
    given = order(b"")
    Path(given.source).unlink()
    with pytest.raises(FileNotFoundError):
        workshop.process(given)


def test_what_has_been_said_is_on_the_disk(order, monkeypatch):
    """In this process, to see what is synced."""
    pytest.importorskip("PIL")
    synced = []
    sync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda file: (synced.append(os.fstat(file)), sync(file)))

    def synced_as_it_is(path):
        now = os.stat(path)
        return any((each.st_ino, each.st_size) == (now.st_ino, now.st_size) for each in synced)

    for kind, made in (
        (Kind.PICTURE, ["target", "preview"]),
        (Kind.FACE, ["target"]),
        (Kind.FILE, ["target"]),
    ):
        synced.clear()
        given = order(photo(), kind)
        for said in work.work(given):
            assert said.is_clean
            assert synced_as_it_is(given.target)
        assert all(synced_as_it_is(getattr(given, each)) for each in made)
    given = order(b"hello", Kind.FILE)
    assert [said.is_clean for said in work.work(given)] == [False]
    assert synced_as_it_is(given.source)


def test_a_call_that_is_cancelled_leaves_nothing(order, failing):
    failing("slow", "_draw", seconds=60)
    given = order(photo())

    async def cancel():
        call = asyncio.create_task(workshop.process_on_loop(given))
        while not Path(given.preview).exists():  # noqa: ASYNC110, ASYNC240
            await asyncio.sleep(0.01)
        assert len(children()) == 1
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

    asyncio.run(cancel())
    assert children() == []
    assert not Path(given.target).exists()
    assert not Path(given.preview).exists()


def test_a_process_with_too_much_to_say_holds_no_place(order, failing):
    failing("talking on", "work")

    async def twice():
        for _ in range(2):
            with pytest.raises(workshop.UnansweredError):
                await asyncio.wait_for(workshop.process_on_loop(order(photo())), 60)

    asyncio.run(twice())
    assert children() == []


def test_two_run_at_a_time(order, standing_in, monkeypatch):
    monkeypatch.setattr(workshop, "PATIENCE_SECONDS", 0.2)
    given = order(b"hello", Kind.FILE)
    with workshop._place():
        assert workshop.process(given).size == 5
        with workshop._take_place(), pytest.raises(workshop.BusyError):  # as another worker's
            workshop.process(given)
    assert workshop.process(given).size == 5


def test_those_on_the_loop_wait_for_their_turn(order):
    given = order(b"hello", Kind.FILE)

    async def wait():
        with workshop._take_place(), workshop._take_place():
            calls = [asyncio.create_task(workshop.process_on_loop(given)) for _ in range(4)]
            await asyncio.sleep(0.2)
            assert not any(call.done() for call in calls)
        return await asyncio.gather(*calls)

    assert [found.size for found in asyncio.run(wait())] == [5] * 4


TELLING = """
import json, os, sys
from resource import RLIMIT_AS, RLIMIT_CORE, RLIMIT_CPU, getrlimit
from chat.media import work
line = json.loads(sys.stdin.readline())
work._bound(line["seconds"], 5, line["parent"])
told = {{
    "environ": dict(os.environ),
    "cwd": os.getcwd(),
    "nice": os.nice(0),
    "open": os.listdir("/proc/self/fd"),
    "limits": [getrlimit(each)[1] for each in (RLIMIT_AS, RLIMIT_CORE, RLIMIT_CPU)],
    "modules": [name for name in sys.modules if name.startswith("django")],
}}
open({path!r}, "w").write(json.dumps(told))
"""


def test_a_process_knows_nothing_and_may_do_little(order, standing_in, folder, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "secret")
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    standing_in(TELLING.format(path=str(folder / "told")))
    with open(os.devnull) as open_file:
        os.set_inheritable(open_file.fileno(), True)
        with pytest.raises(workshop.UnansweredError):
            workshop.process(order(b"hello", Kind.FILE))
    told = json.loads((folder / "told").read_text())
    assert set(told["environ"]) <= {"LANG", "LC_CTYPE"}
    nice = min(os.nice(0) + work.NICENESS, 19)
    assert (told["cwd"], told["nice"], told["modules"]) == ("/", nice, [])
    assert len(told["open"]) == 4  # the usual three, and the list
    assert told["limits"] == [work.MEMORY_BYTES, 0, workshop.OTHER_SECONDS]


CHILD = """
import os, time
from chat.media import work
work._bound(20, 5, os.getppid())
print(os.getpid(), flush=True)
time.sleep(60)
"""
PARENT = f"""
import subprocess, sys
subprocess.run([sys.executable, "-c", {CHILD!r}])
"""


def test_a_process_dies_with_its_parent():
    command = [sys.executable, "-c", PARENT]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as parent:
        descriptor = os.pidfd_open(int(parent.stdout.readline()))
        assert not select.select([descriptor], [], [], 0.1)[0]
        parent.kill()
        assert select.select([descriptor], [], [], 20)[0]
        os.close(descriptor)
