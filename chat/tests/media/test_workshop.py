"""Files that people send are processed beside the server, and cost no more than one process."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import io
import json
import os
import select
import struct
import subprocess
import sys
import threading
import zlib
from pathlib import Path

import pytest

from chat.media import work, workshop
from chat.media.orders import Box, Kind, Order
from tests.server import ROOT

Image = pytest.importorskip("PIL.Image", reason="pictures need Pillow, which is not here")

# A child that tells, after its answer, how much memory it has taken.
MEASURED = """
from chat.media import work
work.main()
print(*[line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")])
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, settings):
    settings.DATA_DIR = tmp_path / "data"
    settings.DATA_DIR.mkdir()
    return tmp_path


@pytest.fixture
def order(folder):
    def make(content, kind=Kind.PICTURE, box=None):
        source = folder / "source"
        source.write_bytes(content)
        return Order(kind, str(source), str(folder / "target"), str(folder / "preview"), box)

    return make


@pytest.fixture
def standing_in(monkeypatch):
    def replace(script):
        monkeypatch.setattr(workshop, "COMMAND", (sys.executable, "-c", script))

    return replace


def saved(picture, form, **how):
    file = io.BytesIO()
    picture.save(file, form, **how)
    return file.getvalue()


def plain(size, color=(200, 30, 30), mode="RGB"):
    return Image.new(mode, size, color)


def png_of(width, height):
    """A picture of any size in few bytes, which tells nothing but its size."""

    def chunk(name, data):
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(bytes(1000)))
        + chunk(b"IEND", b"")
    )


def preview_of(order):
    with Image.open(order.preview) as preview:
        preview.load()
        return preview


def is_left_as_a_file(found, order):
    content = Path(order.source).read_bytes()
    return (
        (found.kind, found.mimetype) == (Kind.FILE, "application/octet-stream")
        and (found.size, found.sha256) == (len(content), hashlib.sha256(content).hexdigest())
        and not found.has_preview
        and found.stored(order) == order.source
        and not Path(order.target).exists()
        and not Path(order.preview).exists()
    )


def children():
    return Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text().split()


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "WEBP"])
def test_a_picture_is_measured_and_has_a_preview(order, form):
    given = order(saved(plain((1200, 800)), form))
    found = workshop.process(given)
    assert (found.kind, found.mimetype) == (Kind.PICTURE, f"image/{form.lower()}")
    assert (found.width, found.height, found.has_preview) == (1200, 800, True)
    stored = Path(found.stored(given)).read_bytes()
    assert found.stored(given) == given.target
    assert (found.size, found.sha256) == (len(stored), hashlib.sha256(stored).hexdigest())
    preview = preview_of(given)
    assert (preview.format, preview.size) == ("WEBP", (480, 320))
    assert all(
        abs(a - b) < 9 for a, b in zip(preview.getpixel((9, 9)), (200, 30, 30), strict=False)
    )
    assert children() == []


def test_a_small_picture_is_not_enlarged(order):
    given = order(saved(plain((3, 2)), "PNG"))
    assert workshop.process(given).has_preview
    assert preview_of(given).size == (3, 2)


@pytest.mark.parametrize(("orientation", "corner"), [(1, (5, 5)), (3, (474, 314)), (6, (314, 5))])
def test_a_preview_is_upright(order, orientation, corner):
    picture = plain((1200, 800), (255, 255, 255))
    picture.paste(
        (0, 0, 0), (0, 0, 100, 100)
    )  # where a phone that is held straight has its top left
    exif = Image.Exif()
    exif[0x0112] = orientation
    given = order(saved(picture, "JPEG", exif=exif))
    found = workshop.process(given)
    shown = (800, 1200) if orientation == 6 else (1200, 800)
    assert (found.width, found.height) == shown
    assert preview_of(given).convert("L").getpixel(corner) < 60


def test_a_preview_keeps_what_is_transparent(order):
    given = order(saved(plain((900, 900), (0, 0, 255, 0), "RGBA"), "PNG"))
    workshop.process(given)
    assert preview_of(given).getpixel((9, 9))[3] == 0


def test_a_colour_that_stands_for_nothing_is_transparent(order):
    given = order(saved(plain((900, 900), 3, "P"), "PNG", transparency=3))
    workshop.process(given)
    assert preview_of(given).getpixel((9, 9))[3] == 0


def test_sixteen_bits_of_grey_are_not_cut_off(order):
    given = order(saved(plain((900, 900), 32768, "I;16"), "PNG"))
    workshop.process(given)
    assert 120 < preview_of(given).convert("L").getpixel((9, 9)) < 136


def test_an_animation_is_shown_by_its_first_frame(order):
    frames = [plain((600, 600), (200, 30, 30)), plain((600, 600), (0, 0, 250))]
    given = order(saved(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    workshop.process(given)
    preview = preview_of(given)
    assert getattr(preview, "n_frames", 1) == 1
    assert preview.convert("RGB").getpixel((9, 9))[0] > 180


def test_a_preview_tells_nothing_but_the_picture(order):
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    given = order(saved(plain((900, 600)), "JPEG", icc_profile=profile, comment=b"at home"))
    workshop.process(given)
    assert not {"icc_profile", "exif", "xmp", "comment"} & set(preview_of(given).info)


def test_a_face_is_the_square_that_was_chosen(order):
    picture = plain((1000, 600), (255, 255, 255))
    picture.paste((0, 0, 0), (600, 200, 900, 500))
    given = order(saved(picture, "JPEG"), Kind.FACE, Box(600, 200, 300))
    found = workshop.process(given)
    assert (found.kind, found.mimetype, found.width) == (Kind.FACE, "image/webp", 256)
    with Image.open(given.target) as face:
        assert face.size == (256, 256)
        assert max(face.convert("L").resize((8, 8)).tobytes()) < 40
    assert found.size == Path(given.target).stat().st_size


@pytest.mark.parametrize("box", [None, Box(-50, 900, 5000), Box(0, 0, 0)])
def test_a_face_is_inside_of_its_picture(order, box):
    given = order(saved(plain((300, 200)), "PNG"), Kind.FACE, box)
    assert workshop.process(given).kind is Kind.FACE
    with Image.open(given.target) as face:
        assert face.size == (256, 256)


def test_sixty_megapixels_take_less_than_350_megabytes(order):
    given = order(saved(plain((8000, 7500), (9, 9, 9, 200), "RGBA"), "PNG", compress_level=1))
    line = workshop._line(given, 20)
    command = [sys.executable, "-c", MEASURED]
    told = subprocess.run(command, input=line, capture_output=True, cwd=ROOT, check=True).stdout
    answer, kilobytes = told.splitlines()
    assert json.loads(answer)["kind"] == "picture"
    assert 8000 * 7500 * 4 // 1024 < int(kilobytes) < 350 * 1024


@pytest.mark.parametrize(
    "content",
    [
        b"hello",
        b"",
        png_of(30_000, 30_000),
        png_of(30_000, 20),
        saved(plain((900, 600)), "PNG")[:-60],
        saved(plain((900, 600)), "JPEG")[:-1500],
    ],
    ids=["text", "nothing", "a bomb", "too few rows", "half a PNG", "half a JPEG"],
)
def test_what_is_no_picture_is_a_file(order, content):
    given = order(content)
    assert is_left_as_a_file(workshop.process(given), given)


def test_a_picture_that_should_be_a_film_is_a_file(order):
    given = order(saved(plain((9, 9)), "PNG"), Kind.VIDEO)
    assert is_left_as_a_file(workshop.process(given), given)


def test_a_picture_that_should_be_a_file_stays_as_it_is(order):
    given = order(saved(plain((9, 9)), "PNG"), Kind.FILE)
    assert is_left_as_a_file(workshop.process(given), given)


WITHOUT_PILLOW = """
import sys
sys.modules["PIL"] = None
from chat.media import work
work.main()
"""


def test_without_pillow_pictures_are_files(order, standing_in):
    standing_in(WITHOUT_PILLOW)
    given = order(saved(plain((9, 9)), "PNG"))
    assert is_left_as_a_file(workshop.process(given), given)


FAILING = """
import json, os, sys, time
line = sys.stdin.readline()
order = json.loads(line)["order"]
if order["kind"] != "file":
    for path in (order["target"], order["preview"]):
        open(path, "wb").write(b"half")
    {fails}
from chat.media import work
import io
sys.stdin = io.StringIO(line)
work.main()
"""
FAILURES = {
    "killed": "os.kill(os.getpid(), 9)",
    "of another mind": "print('[1]'); sys.exit()",
    "talking on": "sys.stdout.write('x' * 10_000_000); sys.exit()",
    "silent": "sys.exit(3)",
    "slow": "time.sleep(60)",
}


@pytest.mark.parametrize("on_loop", [False, True], ids=["in a thread", "on the loop"])
@pytest.mark.parametrize("how", FAILURES)
def test_a_process_that_fails_makes_a_file(order, standing_in, monkeypatch, caplog, how, on_loop):
    standing_in(FAILING.format(fails=FAILURES[how]))
    monkeypatch.setattr(workshop, "PICTURE_SECONDS", 1 if how == "slow" else 20)
    given = order(saved(plain((9, 9)), "PNG"))
    if on_loop:
        found = asyncio.run(workshop.process_on_loop(given))
    else:
        found = workshop.process(given)
    assert is_left_as_a_file(found, given)
    assert "goes as a file" in caplog.text
    assert given.source not in caplog.text
    assert children() == []


@pytest.mark.parametrize("on_loop", [False, True], ids=["in a thread", "on the loop"])
def test_a_full_disk_is_no_matter_of_the_file(order, standing_in, on_loop):
    standing_in(f"print({json.dumps({'errno': errno.ENOSPC})!r})")
    given = order(b"hello")
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)) as told:
        if on_loop:
            asyncio.run(workshop.process_on_loop(given))
        else:
            workshop.process(given)
    assert told.value.errno == errno.ENOSPC


def test_a_call_that_is_cancelled_leaves_nothing(order, standing_in):
    standing_in(FAILING.format(fails=FAILURES["slow"]))
    given = order(b"hello")

    async def cancel():
        call = asyncio.create_task(workshop.process_on_loop(given))
        while not Path(given.preview).exists():
            await asyncio.sleep(0.01)
        assert len(children()) == 1
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

    asyncio.run(cancel())
    assert children() == []
    assert not Path(given.target).exists()
    assert not Path(given.preview).exists()


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
import json, os, resource, sys
from chat.media import work
line = json.loads(sys.stdin.readline())
work._bound(line["seconds"], 5, line["parent"])
told = {{
    "environ": dict(os.environ), "cwd": os.getcwd(), "nice": os.nice(0), "open": os.listdir("/proc/self/fd"),
    "limits": [resource.getrlimit(each)[1] for each in (resource.RLIMIT_AS, resource.RLIMIT_CORE, resource.RLIMIT_CPU)],
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
    assert (told["cwd"], told["nice"], told["modules"]) == ("/", os.nice(0) + work.NICENESS, [])
    assert len(told["open"]) == 4  # the usual three, and the list
    assert told["limits"] == [work.MEMORY_BYTES, 0, workshop.OTHER_SECONDS]


def test_a_process_dies_with_its_parent(order, folder):
    script = "import sys,time;from chat.media import work;import os;work._bound(20,5,os.getppid());print(1,flush=True);time.sleep(60)"
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import subprocess,sys;p=subprocess.Popen([sys.executable,'-c',sys.argv[1]],stdout=subprocess.PIPE);"
            "p.stdout.readline();print(p.pid,flush=True);import time;time.sleep(60)",
            script,
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )
    child = int(parent.stdout.readline())
    assert Path(f"/proc/{child}").exists()
    descriptor = os.pidfd_open(child)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert select.select([descriptor], [], [], 20)[0]
    os.close(descriptor)
