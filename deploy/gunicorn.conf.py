"""Settings of gunicorn; those that people may change are in .env (see .env.example)."""

import gc
import importlib
import logging
import os
import signal
import socket
import sys
import sysconfig
import time
from pathlib import Path
from types import ModuleType

from gunicorn.glogging import Logger

ROOT = Path(__file__).resolve().parent.parent


def _enter(release: Path) -> None:
    """Make imports from now on come from this release and its own packages.

    A reload (HUP) reads this file again, perhaps in the next release, and the workers that are
    forked then must find nothing of the one before.
    """
    packages = Path(sysconfig.get_path("purelib"))
    own_packages = release / ".venv" / packages.relative_to(sys.prefix)
    if own_packages.is_dir():
        other = f"/.venv/{packages.relative_to(sys.prefix)}"
        sys.path[:] = [path for path in sys.path if not path.endswith(other)]
        sys.path.insert(0, str(own_packages))
    sys.path[:] = [path for path in sys.path if not (Path(path) / "manage.py").exists()]
    sys.path.insert(0, str(release))


def _read(*names: str) -> list[ModuleType]:
    """Import modules of ours, of which the workers, forked from here, find nothing.

    They import them again, with all that these import: so that is little.
    """
    modules, environ = set(sys.modules), dict(os.environ)
    try:
        return [importlib.import_module(name) for name in names]
    except Exception as error:
        if type(error).__name__ != "ImproperlyConfigured":
            raise
        sys.exit(f"设置有误 / Wrong setting: {error}")
    finally:
        for name in set(sys.modules) - modules:
            if (getattr(sys.modules[name], "__file__", None) or "").startswith(str(ROOT)):
                del sys.modules[name]
        os.environ.clear()
        os.environ.update(environ)


_enter(ROOT)
settings, logs, owner = _read("webchat.settings", "webchat.logs", "webchat.owner")
# As root over the data of somebody else, the server becomes that person.
owner.leave_root(settings.DATA_DIR)
user, group = os.geteuid(), os.getegid()  # gunicorn has taken down those of the start

os.environ["TZ"] = settings.TIME_ZONE
time.tzset()

wsgi_app = "webchat.asgi:application"
chdir = str(ROOT)
worker_class = "asgi"
asgi_loop = "asyncio"
asgi_lifespan = "on"
# Each worker holds its own sockets, and one serves a class; see WEB_CONCURRENCY in .env.example.
workers = settings.WEB_CONCURRENCY
# `--bind` on the command line or in GUNICORN_CMD_ARGS wins over this.
host = "127.0.0.1" if settings.BEHIND_PROXY else "0.0.0.0"  # noqa: S104  (a LAN is what it is for)
wanted = [f"{host}:{settings.PORT}"]
# At a reload (HUP), which is when a master has set its handler, the address stays: gunicorn would
# close its sockets, also one of systemd's, before it knows whether there can be others.
master = getattr(signal.getsignal(signal.SIGHUP), "__self__", None)
bind = master.cfg.settings["bind"].get() if master else wanted
# Not loaded before the fork: a reload (HUP) would keep running the old code.
preload_app = False

timeout = 30  # seconds without a sign of life from the loop, which no view can block
graceful_timeout = 10  # for requests under way at a stop; the lock is waited for 5 at most
UNREAD_SECONDS = 20  # for data that the peer's machine does not acknowledge
# Held by the kernel for one reader, which doubles it; by itself it would take 4 MB. Enough for
# 5 MB/s to somebody who is 50 ms away.
SEND_BYTES = 128 * 1024
keepalive = 75  # above nginx's 60, so that we never close a connection under a request of nginx
# The sign of life is a file that is touched: in memory, a slow disk cannot make it late.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108

websocket_max_message_size = 32 * 1024  # bytes; the API takes no more in one request either

# Only webchat.middleware decides who is believed about addresses and schemes.
forwarded_allow_ips = ""
secure_scheme_headers: dict[str, str] = {}
control_socket_disable = True

loglevel = settings.LIBRARY_LOG_LEVEL.lower()
# Without the query string, which may hold what people search for.
access_log_format = "%(h)s %(m)s %(U)s %(s)s %(B)s bytes %(M)s ms"
accesslog = "-" if settings.LOG_LEVEL == "DEBUG" else None


class logger_class(Logger):  # noqa: N801  (the name of the setting)
    """gunicorn's own logger, writing our lines, which nobody can forge by an address."""

    def setup(self, cfg) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
        super().setup(cfg)
        for handler in self.error_log.handlers + self.access_log.handlers:
            handler.setFormatter(logs.LineFormatter())


def on_reload(server) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    gc.unfreeze()  # so that `pre_fork` clears away what the last reading of the settings has left
    # A master of an earlier release has not kept what it wanted at its start.
    if not server.systemd and getattr(server, "wanted", wanted) != wanted:
        server.log.warning(
            "PORT 或 BEHIND_PROXY 的改动（%s）重启后才生效，现在仍用原来的地址。"
            " / The change of address to %s waits for a restart; until then it stays as it was.",
            *wanted * 2,
        )


def pre_fork(server, worker) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    # What the master has loaded stays. Going through it, the collector of a worker would write to
    # the pages that the two share, and each would have its own copy.
    gc.collect()
    gc.freeze()


def when_ready(server) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    server.wanted = wanted
    # Accepted connections inherit it. A reader that takes nothing for that long is cut off:
    # neither a close frame nor a FIN would ever reach it.
    for listener in server.LISTENERS:
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BYTES)
        if listener.sock.family in (socket.AF_INET, socket.AF_INET6):
            listener.sock.setsockopt(
                socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_SECONDS * 1000
            )


def post_worker_init(worker) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    from webchat import (
        asgi,  # gunicorn has loaded it by now
        logs,
    )
    from webchat.serving.worker import prepare

    logs.quieten(logging.getLogger("gunicorn.error"))
    prepare(worker, asgi.end_sockets)
