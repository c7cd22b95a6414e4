"""Clients that read, send and ask slowly or not at all: others do not notice."""

from __future__ import annotations

import contextlib
import resource
import socket
import sys
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import httpx
import pytest

from tests.live import Person, settle
from tests.server import ROOT, Server
from webchat.base.addresses import lan_addresses
from webchat.serving.connections import OF_ONE_ADDRESS, OF_ONE_PERSON

OPEN_FILES = 1024  # the `ulimit -n` of most systems
NORMAL_SECONDS = 5  # for an answer on a busy machine; usually it is 0.05
REQUEST_THREADS = 8  # of webchat/asgi.py, which begins a server when it is imported
PAUSE_SECONDS = 42  # of a download; by itself, the kernel would end it after 20
WHOLE = 40 * 1024 * 1024

MAKE_FILE = f"""
from chat.models import Attachment, Message
from chat.models.files import attachments_folder
message = Message.objects.last()
attachments_folder().mkdir(exist_ok=True)
file = Attachment.objects.create(
    message=message, conversation=message.conversation, file="long%d" % message.pk, name="long.bin",
    mimetype="application/octet-stream",
)
file.path.write_bytes(bytes({WHOLE}))
print(message.pk)
"""


class LimitedServer(Server):
    """A server that may open 1,024 files, and whose log is kept."""

    def __init__(self, data_dir: Path, **settings: str) -> None:
        super().__init__(data_dir, **settings)
        self.log = data_dir / "log"
        limit = partial(resource.setrlimit, resource.RLIMIT_NOFILE, (OPEN_FILES, OPEN_FILES))
        self.process_options = {"preexec_fn": limit}

    def start(self) -> None:
        with self.log.open("a") as log:
            self.process_options["stderr"] = log
            super().start()

    @property
    def worker(self) -> str:
        parent = self.process.pid
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text()
        return children.split()[0]

    @property
    def threads(self) -> int:
        return len(list(Path(f"/proc/{self.worker}/task").iterdir()))

    @property
    def resident(self) -> int:
        """The resident memory of the worker, in bytes."""
        lines = Path(f"/proc/{self.worker}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) * 1024

    def open_files(self) -> list[str]:
        files = []
        for number in Path(f"/proc/{self.worker}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):  # closed meanwhile
                files.append(str(number.readlink()))
        return files


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LimitedServer]:
    with LimitedServer(tmp_path_factory.mktemp("data"), SEND_RATE="off") as server:
        yield server


@pytest.fixture(scope="module")
def people(server: LimitedServer) -> dict[str, Person]:
    return settle(server, ["anna", "ben", "cleo"], [("anna", "ben")])


@pytest.fixture(scope="module")
def download(server: LimitedServer, people: dict[str, Person]) -> str:
    return make_download(server, people["anna"], "ben")


def make_download(server: LimitedServer, sender: Person, to: str) -> str:
    sender.say(to, "eine Datei")
    printed = server.manage("shell", "--verbosity", "0", "-c", MAKE_FILE).stdout
    return f"/attachments/{printed.strip().splitlines()[-1]}/"


@pytest.fixture
def crowd() -> Iterator[list[socket.socket]]:
    """Sockets that are closed at the end, with a pause for the server to drop them."""
    some: list[socket.socket] = []
    yield some
    for one in some:
        one.close()
    time.sleep(1)


@pytest.fixture(scope="module")
def static_file() -> str:
    """A static file of 325 KB."""
    found = max((ROOT / "staticfiles").rglob("xregexp.*.js"), key=lambda path: path.stat().st_size)
    assert found.stat().st_size > 300_000
    return f"/static/{found.relative_to(ROOT / 'staticfiles')}"


def ask(server: Server, request: str, buffer: int | None = None) -> socket.socket:
    one = socket.socket()
    if buffer is not None:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    one.connect(("127.0.0.1", server.port))
    one.sendall(f"{request} HTTP/1.1\r\nHost: localhost\r\n".encode())
    return one


def get(server: Server, path: str, cookie: str = "", buffer: int | None = None) -> socket.socket:
    one = ask(server, f"GET {path}", buffer)
    one.sendall(f"Cookie: {cookie}\r\n\r\n".encode())
    return one


def held(server: Server, some: list[socket.socket]) -> int:
    """Count those of these sockets that the server still has, according to the kernel."""
    ends = {_as_the_kernel_writes(*one.getsockname()) for one in some}
    found = 0
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        local, remote, state = line.split()[1:4]
        is_ours = int(local.split(":")[1], 16) == server.port and state == "01"
        found += is_ours and remote in ends
    return found


def _as_the_kernel_writes(address: str, port: int) -> str:
    """Format an address and port; sockets of different addresses may share a port."""
    return f"{int.from_bytes(socket.inet_aton(address), sys.byteorder):08X}:{port:04X}"


def take(one: socket.socket, size: int) -> int:
    """Read the available bytes, up to `size`."""
    with contextlib.suppress(BlockingIOError, ConnectionError):
        return len(one.recv(size, socket.MSG_DONTWAIT))
    return 0


def read_to_end(one: socket.socket, length: int) -> int:
    """Count the bytes of the body that arrive, up to `length`."""
    one.settimeout(30)
    head = b""
    while b"\r\n\r\n" not in head:
        head += one.recv(4096)
    read = len(head.partition(b"\r\n\r\n")[2])
    while read < length and (some := one.recv(1 << 20)):
        read += len(some)
    return read


def others_are_served(server: Server, person: Person) -> None:
    for question in (
        partial(httpx.get, f"{server.url}/healthz"),
        partial(httpx.get, f"{server.url}/login/"),
        partial(person.get, "me/"),
        partial(person.say, "ben", "geht"),
    ):
        began = time.monotonic()
        assert question().status_code in (200, 201)
        assert time.monotonic() - began < NORMAL_SECONDS


def answers(some: list[socket.socket]) -> Counter[bytes]:
    """Count the statuses of the answers so far; b"" for none."""
    found: Counter[bytes] = Counter()
    for one in some:
        status = b""
        with contextlib.suppress(OSError):
            status = one.recv(100, socket.MSG_DONTWAIT)[9:12]
        found[status] += 1
    return found


def test_slow_readers_hold_nobody_up_strangers_are_cut_and_ones_own_may_pause(
    server, people, static_file, download, crowd
):
    anna = people["anna"]
    # More of them than the server has threads.
    both = [people[name].cookie for name in ("anna", "ben")]
    own = [get(server, download, cookie) for cookie in both for _one in range(6)]
    slow = [get(server, static_file, buffer=4096) for _one in range(100)]
    patient = get(server, static_file, buffer=16384)
    crowd += [*own, *slow, patient]
    time.sleep(1)
    for _time in range(3):
        others_are_served(server, anna)
    assert sum("/long" in path for path in server.open_files()) == len(own)
    # Six of hers pause: the seventh waits a moment, then it is sent.
    seventh = httpx.get(f"{server.url}{download}", headers={"Cookie": anna.cookie}, timeout=30)
    assert len(seventh.content) == WHOLE
    taken = 0
    for _second in range(PAUSE_SECONDS):
        time.sleep(1)
        taken += take(patient, 3 * 1024)
        for one in slow:
            take(one, 14)
    assert held(server, slow) == 0
    assert held(server, [patient]) == 1
    assert taken > PAUSE_SECONDS * 1024
    assert {read_to_end(one, WHOLE) for one in own} == {WHOLE}
    others_are_served(server, anna)


def test_a_hundred_slow_readers_hold_no_thread_and_one_piece_each(server, people, crowd):
    """Each of four takes 25 parts of a film at once, at 20 KB/s; then one is sought through."""
    pairs = [("dora", "emil"), ("finn", "gina")]
    readers = settle(server, [name for pair in pairs for name in pair], pairs)
    films = [make_download(server, readers[sender], to) for sender, to in pairs]
    films = [film for film in films for _side in range(2)]
    others_are_served(server, people["anna"])

    def begin() -> None:
        for number in range(100):
            who, film = list(readers.values())[number % 4], films[number % 4]
            one = ask(server, f"GET {film}", buffer=16384)
            one.sendall(f"Cookie: {who.cookie}\r\nRange: bytes={number}000-\r\n\r\n".encode())
            crowd.append(one)

    # Once before anything is measured: then all threads have begun, and the heap is as it will be.
    begin()
    others_are_served(server, people["anna"])
    while crowd:
        crowd.pop().close()
    time.sleep(1)
    before, threads = server.resident, server.threads
    begin()
    taken = Counter[int]()
    for _second in range(10):
        time.sleep(1)
        for number, one in enumerate(crowd):
            taken[number] += take(one, 20_000)
        others_are_served(server, people["anna"])
    assert min(taken.values()) > 5 * 16_000, "each goes on"
    assert held(server, crowd) == 100
    assert sum("/long" in path for path in server.open_files()) == 100
    # Those of requests begin when several come at once.
    assert server.threads <= threads + REQUEST_THREADS + 2
    # A piece waits in the transport, and another may be read.
    assert server.resident - before < 100 * 3 * 64 * 1024
    dora = readers["dora"]
    for number in range(30):
        seek = get(server, films[0], f"{dora.cookie}\r\nRange: bytes={number}00000-")
        assert seek.recv(12) == b"HTTP/1.1 206"
        seek.close()


def test_downloads_that_have_ended_or_were_left_make_room_again(server, people, download, crowd):
    headers = {"Cookie": people["anna"].cookie}
    for _round in range(2):
        left = [get(server, download, headers["Cookie"]) for _one in range(6)]
        time.sleep(1)
        for one in left:
            one.close()
        time.sleep(0.5)
    assert len(httpx.get(f"{server.url}{download}", headers=headers).content) == WHOLE


def test_more_idle_connections_than_files_lock_nobody_out(server, people, crowd):
    anna, ben = people["anna"], people["ben"]
    before = server.log.read_text()
    with anna.open() as one, ben.open() as other:
        one.expect("caught_up")
        other.expect("caught_up")
        for _one in range(1100):
            crowd.append(socket.create_connection(("127.0.0.1", server.port), timeout=5))
        for number in range(8):
            one.say("ben", f"{number}")
            one.expect("ack")
            other.expect("message")
            others_are_served(server, anna)
    lines = server.log.read_text()[len(before) :].splitlines()
    assert len(lines) < 30
    assert not any("out of system resource" in line or "unable to open" in line for line in lines)
    assert 700 < held(server, crowd) < OPEN_FILES - 100


def test_a_hundred_half_sent_megabytes_hold_a_quarter_and_small_ones_pass(server, people, crowd):
    others_are_served(server, people["anna"])
    before = server.resident
    for _one in range(100):
        one = ask(server, "POST /login/")
        one.sendall(
            b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 1048576\r\n\r\n"
        )
        one.setblocking(False)
        crowd.append(one)
    rest = dict.fromkeys(crowd, 1048576 - 100)
    deadline = time.monotonic() + 10
    while any(rest.values()) and time.monotonic() < deadline:
        for one in crowd:
            try:
                rest[one] -= one.send(bytes(min(65536, rest[one]))) if rest[one] else 0
            except BlockingIOError:
                pass
            except OSError:
                rest[one] = 0
    time.sleep(1)
    assert server.resident - before < 64 * 1024 * 1024
    others_are_served(server, people["anna"])
    found = answers(crowd)
    assert found[b"503"] > 50
    assert found[b"503"] + found[b""] == 100


def test_headers_and_bodies_that_trickle_are_ended(server, people, crowd):
    headers = [ask(server, "GET /healthz") for _one in range(20)]
    bodies = [ask(server, "POST /login/") for _one in range(20)]
    chunks = [ask(server, "POST /login/") for _one in range(5)]
    silent = [ask(server, "POST /login/") for _one in range(5)]
    crowd += [*headers, *bodies, *chunks, *silent]
    for one in (*bodies, *silent):
        one.sendall(b"Content-Length: 60\r\n\r\n")
    for one in chunks:
        one.sendall(b"Transfer-Encoding: chunked\r\n\r\n")
    for second in range(36):
        time.sleep(1)
        for one in (*headers, *bodies):
            with contextlib.suppress(OSError):
                one.send(b"x")
        for one in chunks:
            with contextlib.suppress(OSError):
                one.send(b"1;" + b"x" * 4000 + b"\r\nx\r\n")
        if second % 10 == 0:
            others_are_served(server, people["anna"])
    assert answers(headers) == answers(bodies) | Counter({b"408": 20})
    assert answers(chunks) == answers(silent) == Counter({b"408": 5})


def test_endless_headers_are_refused_and_a_long_pipeline_is_answered(server, crowd):
    endless = ask(server, "GET /healthz")
    pipeline = socket.create_connection(("127.0.0.1", server.port), timeout=20)
    crowd += [endless, pipeline]
    with contextlib.suppress(OSError):
        for number in range(100):
            endless.sendall(b"x-%d: " % number + b"x" * 8000 + b"\r\n")
    assert answers([endless]) <= Counter({b"431": 1, b"": 1})
    pipeline.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n" * 200)
    found = b""
    while found.count(b"HTTP/1.1 200") < 200:
        found += pipeline.recv(65536)


def test_a_class_behind_one_address_and_its_thousand_sockets_are_untouched(tmp_path):
    names = [f"nr{number}" for number in range(100)]
    with Server(tmp_path, SEND_RATE="off") as server:
        people = settle(server, names, [])
        school = []
        lives = []
        try:
            for person in people.values():
                lives += [person.open() for _socket in range(10)]
            school += [get(server, "/login/") for _one in range(60 * 3 * 6)]
            for one in school:
                one.settimeout(60)
                assert one.recv(4096).startswith(b"HTTP/1.1 200")
            assert held(server, school) == len(school)
            for live in lives:
                live.send({"type": "ping"})
            for live in lives:
                live.expect("pong")
        finally:
            for one in school:
                one.close()
            for live in lives:
                live.socket.socket.close()


def test_an_address_of_its_own_is_limited_and_one_person_too(tmp_path):
    [address, *_others] = [*lan_addresses(), ""]
    if not address:
        pytest.skip("this machine has no address but its own")
    with Server(tmp_path, SEND_RATE="off") as server:
        anna = settle(server, ["anna"], [])["anna"]
        strangers: list[socket.socket] = []
        own: list[socket.socket] = []
        try:
            for _one in range(OF_ONE_ADDRESS + 300):
                strangers += [socket.create_connection((address, server.port), timeout=5)]
            for _one in range(300):
                own += [get(server, "/api/me/", anna.cookie)]
                assert own[-1].recv(4096).startswith(b"HTTP/1.1 200")
            assert OF_ONE_ADDRESS - 300 < held(server, strangers) <= OF_ONE_ADDRESS
            assert 10 < held(server, own) <= OF_ONE_PERSON
            assert anna.get("me/").status_code == 200
        finally:
            for one in (*strangers, *own):
                one.close()
