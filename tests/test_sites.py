"""deploy/sites.py: what the files of nginx say of a program behind it."""

from __future__ import annotations

import socket
import sys

import pytest

from .environment import ROOT

sys.path.insert(0, str(ROOT / "deploy"))
from sites import Configuration

BLOG = """
upstream old { server 127.0.0.1:5000 fail_timeout=3; }
server { listen 80; server_name www.example.com; return 301 https://$host$request_uri; }
server {
    listen 443 ssl; listen [::]:443 ssl; server_name www.example.com example.com; # } {
    location ~* \\.(css|js)$ { expires 1d; }
    location /chat/ { if ($arg_a = "b;}") { return 404; } proxy_pass http://old; }
    location /other { proxy_pass http://localhost:5001/; }
}
server {
    listen 8080; server_name lan.example.com;
    location / { proxy_pass http://127.0.0.1:5002; }
}
"""


@pytest.fixture
def folder(tmp_path):
    for name in ("sites-enabled", "snippets"):
        (tmp_path / name).mkdir()
    return tmp_path


def addresses(folder, text: str, port: int = 5000) -> list[str]:
    (folder / "sites-enabled/site").write_text(text)
    return Configuration(folder).addresses(port)


def hands_over(folder, port: int = 5000) -> bool:
    return Configuration(folder).hands_over(port)


def test_nginx_tells_where_people_find_a_program(folder):
    assert addresses(folder, BLOG) == ["https://www.example.com/chat"]
    assert addresses(folder, BLOG, 5001) == ["https://www.example.com/other"]
    assert addresses(folder, BLOG, 5002) == ["http://lan.example.com:8080"]
    assert addresses(folder, BLOG, 500) == []
    assert [port for port in (500, 5000, 5001) if hands_over(folder, port)] == [5000, 5001]


PASSES = "proxy_pass http://127.0.0.1:5000;"


@pytest.mark.parametrize(
    ("server", "url"),
    [
        (f"server_name a.example; location / {{ {PASSES} }}", "http://a.example"),
        (f"listen 80; server_name .a.example; location / {{ {PASSES} }}", "http://a.example"),
        (f"listen 80; server_name _ localhost a.example; location / {{ {PASSES} }}", "http://a.example"),
        (
            "server_name a.example; location /static/ { proxy_pass http://127.0.0.1:5000/s/; }"
            f" location / {{ {PASSES} }}",
            "http://a.example",
        ),
        (
            f"server_name a.example; location / {{ root /www; location /chat/ {{ {PASSES} }} }}",
            "http://a.example/chat",
        ),
        (
            "server_name a.example; set $it http://127.0.0.1:5000; location / { proxy_pass $it; }",
            "http://a.example",
        ),
        (
            "listen 80; listen 443 ssl; server_name a.example; location / {"
            f" limit_except GET {{ {PASSES} }} }}",
            "https://a.example",
        ),
    ],
)  # fmt: skip
def test_the_address_is_the_shortest_that_people_can_type(folder, server, url):
    assert addresses(folder, f"server {{ {server} }}") == [url]


@pytest.mark.parametrize(
    "server",
    [
        f"listen 80 default_server; server_name _; location / {{ {PASSES} }}",
        f"location / {{ {PASSES} }}",
        f"server_name localhost; location / {{ {PASSES} }}",
        f"server_name ~^www; location / {{ {PASSES} }}",
        f"server_name a.example; location ~ ^/chat {{ {PASSES} }}",
    ],
)
def test_a_proxy_is_seen_although_its_address_cannot_be_told(folder, server):
    assert addresses(folder, f"server {{ {server} }}") == []
    assert hands_over(folder)


def test_of_several_addresses_none_is_chosen(folder):
    text = (
        f"server {{ server_name a.example; location /a {{ {PASSES} }} location /b {{ {PASSES} }} }}"
    )
    assert addresses(folder, text) == ["http://a.example/a", "http://a.example/b"]


def test_what_a_block_includes_is_seen(folder):
    (folder / "snippets/chat.conf").write_text(f"location /chat/ {{ {PASSES} }}")
    text = "server { server_name a.example; include snippets/chat.conf; }"
    assert addresses(folder, text) == ["http://a.example/chat"]
    (folder / "snippets/chat.conf").write_text("include snippets/*; include ../*/snippets/*;")
    assert addresses(folder, text) == []


def test_the_address_of_this_machine_in_the_lan_is_this_machine(folder):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing
        except OSError:
            pytest.skip("no network here")
        own = probe.getsockname()[0]
    text = "server {{ server_name a.example; location / {{ proxy_pass http://{}:5000; }} }}"
    assert addresses(folder, text.format(own)) == ["http://a.example"]
    assert addresses(folder, text.format("192.0.2.1")) == []
    assert not hands_over(folder)
