"""A real nginx in front of a real server, with the files of deploy/nginx."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.server import ROOT, free_port, wait_for

NGINX = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
FILES = ROOT / "deploy/nginx"
# The block of the usual recipe, without anything for upgrades.
PLAIN = """
location / {
    proxy_pass http://127.0.0.1:%(port)d;
    proxy_set_header Host $host;
    proxy_set_header X-Real-IP $remote_addr;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_set_header X-Forwarded-Proto $scheme;
}
"""
WHOLE = """
user %(user)s;
pid %(folder)s/pid;
error_log %(folder)s/error.log;
events {}
http {
    include /etc/nginx/mime.types;
    access_log off;
    client_body_temp_path %(folder)s/body;
    proxy_temp_path %(folder)s/proxy;
    fastcgi_temp_path %(folder)s/fastcgi;
    uwsgi_temp_path %(folder)s/uwsgi;
    scgi_temp_path %(folder)s/scgi;
    %(http)s
}
"""


def require_nginx() -> None:
    if NGINX is None:
        message = "nginx is missing: apt-get install nginx"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(message)


def own_site(
    folder: Path,
    *,
    upstream: str,
    static: Path,
    name: str,
    port: int,
    data: Path = Path("/nowhere"),
) -> str:
    """Make the http context of install.sh --nginx own, with a port for https and one for http."""
    certificate, key = make_certificate(folder, name)
    site = (FILES / "redirect.conf").read_text() + (FILES / "site.conf").read_text()
    site = site.replace("/etc/letsencrypt/live/chat.example.com/fullchain.pem", str(certificate))
    site = site.replace("/etc/letsencrypt/live/chat.example.com/privkey.pem", str(key))
    site = site.replace("chat.example.com", name)
    site = re.sub(r"listen \[::\]:.*\n", "", site)
    site = site.replace("listen 80;", f"listen 127.0.0.1:{free_port()};")
    site = site.replace("listen 443", f"listen 127.0.0.1:{port}")
    return http(upstream) + snippets(site, folder, "", static, "own", data)


def beside(
    folder: Path,
    *,
    upstream: str,
    static: Path,
    name: str,
    port: int,
    prefix: str,
    data: Path = Path("/nowhere"),
) -> str:
    """Make an existing site, with the include of install.sh --nginx beside."""
    site = (
        f"server {{ listen 127.0.0.1:{port}; server_name {name};"
        " add_header X-Blog everywhere always;"
        ' location / { default_type text/plain; return 200 "the blog"; }'
        " include snippets/webchat.conf; }"
    )
    return http(upstream) + snippets(site, folder, prefix, static, "beside", data)


def plain(*, port: int, name: str, server_port: int) -> str:
    block = PLAIN % {"port": server_port}
    return f"server {{ listen 127.0.0.1:{port}; server_name {name}; {block} }}"


def http(upstream: str) -> str:
    return (FILES / "http.conf").read_text().replace("unix:/run/webchat.sock", upstream)


def snippets(site: str, folder: Path, prefix: str, static: Path, mode: str, data: Path) -> str:
    """Put the locations as install.sh renders them where the includes look for them."""
    asked = f'home={static.parent}; data_dir={data}; nginx={mode}; scheme=https; prefix="{prefix}"'
    script = f"{asked}; . deploy/site.sh; locations"
    rendered = subprocess.run(
        ["sh", "-eu", "-c", script], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    (folder / "snippets").mkdir(exist_ok=True)
    for name in ("webchat.conf", "webchat-site.conf"):
        (folder / "snippets" / name).write_text(
            rendered.replace("snippets/", f"{folder}/snippets/")
        )
    shutil.copy(FILES / "proxy.conf", folder / "snippets/webchat-proxy.conf")
    return site.replace("snippets/", f"{folder}/snippets/")


def make_certificate(folder: Path, name: str) -> tuple[Path, Path]:
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
            "-subj", f"/CN={name}", "-keyout", str(key), "-out", str(certificate),
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip
    return certificate, key


class Nginx:
    def __init__(self, folder: Path, http: str, port: int, user: str = "root") -> None:
        require_nginx()
        self.port = port
        self.folder = folder
        config = folder / "nginx.conf"
        config.write_text(WHOLE % {"folder": folder, "http": http, "user": user})
        self.command = [str(NGINX), "-p", str(folder), "-c", str(config), "-g", "daemon off;"]

    def __enter__(self) -> Nginx:
        tested = subprocess.run([*self.command, "-t"], capture_output=True, text=True)
        assert tested.returncode == 0, tested.stderr
        self.process = subprocess.Popen(self.command, stderr=subprocess.DEVNULL)
        wait_for(self.port, self.process)
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.process.terminate()
        self.process.wait(10)
