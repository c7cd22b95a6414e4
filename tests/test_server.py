"""gunicorn as it runs in production."""

import signal
import socket
import time

import httpx
import pytest

from tests.server import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("data")) as server:
        yield server


def raw(port, request):
    """Send bytes and return everything that comes until the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_it_is_healthy_and_ready(server):
    assert httpx.get(f"{server.url}/healthz").status_code == 200
    assert httpx.get(f"{server.url}/readyz").json()["status"] == "ok"


def test_a_plain_get_of_the_live_address_is_told_to_upgrade(server):
    response = httpx.get(f"{server.url}/live/")
    assert response.status_code == 426
    assert response.headers["upgrade"] == "websocket"
    assert response.json()["error"]["code"] == "upgrade_required"


def test_an_unknown_socket_is_refused_at_the_handshake(server):
    handshake = (
        b"GET /elsewhere/ HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    assert raw(server.port, handshake).startswith(b"HTTP/1.1 403 ")


def test_static_files_have_lasting_names_and_are_compressed(server):
    response = httpx.get(f"{server.url}/admin/login/", follow_redirects=True)
    css = f"{server.url}/static/admin/css/base.css"
    assert response.status_code == 200
    assert httpx.get(css, headers={"accept-encoding": "gzip"}).headers["content-encoding"] == "gzip"


def test_head_carries_the_length_and_no_body(server):
    answer = raw(
        server.port, b"HEAD /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    )
    head, _blank, body = answer.partition(b"\r\n\r\n")
    assert b"content-length: 16" in head.lower()
    assert body == b""


def test_a_chunked_body_arrives(server):
    answer = httpx.post(f"{server.url}/no/such/page/", content=iter([b"a", b"b"]))
    assert answer.status_code in (403, 404)


def test_a_foreign_host_is_refused_by_the_whole_stack(server):
    assert httpx.get(f"{server.url}/healthz", headers={"host": "evil.example"}).status_code == 400


def test_a_forged_proxy_header_counts_for_nothing(server):
    """The peer is loopback, which gunicorn itself would trust."""
    headers = {"x-forwarded-proto": "https"}
    response = httpx.get(f"{server.url}/", headers=headers, follow_redirects=False)
    assert not response.headers.get("location", "").startswith("https:")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_takes_seconds_although_browsers_keep_connections(tmp_path, number):
    with Server(tmp_path) as server:
        idle = socket.create_connection(("127.0.0.1", server.port))
        idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"200 OK" in idle.recv(4096)
        silent = socket.create_connection(("127.0.0.1", server.port))
        time.sleep(0.3)
        assert server.stop(number) < 3
        assert idle.recv(1) == silent.recv(1) == b""


def test_a_prefix_is_answered_with_and_without_and_written_always(tmp_path):
    with Server(tmp_path, SITE_URL="http://localhost/chat") as server:
        for path in ("/contacts/", "/chat/contacts/"):
            response = httpx.get(server.url + path)
            assert response.headers["location"] == "/chat/login/?next=/chat/contacts/"
        for path in ("/live/", "/chat/live/"):
            assert httpx.get(server.url + path).status_code == 426
        for path in ("/healthz", "/chat/healthz", "/chat/static/admin/css/base.css"):
            assert httpx.get(server.url + path).status_code == 200
        assert '"/chat/static/admin/' in httpx.get(f"{server.url}/admin/login/").text


def test_two_workers_serve_too(tmp_path):
    with Server(tmp_path, WEB_CONCURRENCY="2") as server:
        for _attempt in range(10):
            assert httpx.get(f"{server.url}/readyz").status_code == 200


def test_two_chats_on_ports_of_one_host_leave_each_other_alone(tmp_path):
    """A browser sends the cookies of one port to all ports of the host."""
    with (
        Server(tmp_path / "one") as one,
        Server(tmp_path / "other") as other,
        httpx.Client() as jar,
    ):
        for server in (one, other):
            make = "from accounts.models import User; User.objects.create_user('eva', password='x')"
            server.manage("shell", "-c", make)
            log_in(jar, server)
        for server in (one, other):
            assert jar.get(f"{server.url}/api/me/").status_code == 200
            one_or_other = jar.post(
                f"{server.url}/logout/", data={"csrfmiddlewaretoken": token_of(jar, server)}
            )
            assert one_or_other.headers["location"] == "/login/"


def log_in(jar, server):
    jar.get(f"{server.url}/login/")
    typed = {"username": "eva", "password": "x", "csrfmiddlewaretoken": token_of(jar, server)}
    assert jar.post(f"{server.url}/login/", data=typed).headers["location"] == "/"


def token_of(jar, server):
    return jar.cookies[f"webchat_{server.port}_csrftoken"]
