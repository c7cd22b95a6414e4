from __future__ import annotations

import errno
import hashlib
import inspect
import socket
import sys
import tempfile
from typing import Any

import segno
from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.base import CommandError, CommandParser
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from webchat import owner, scripts, shortening, storage, styles
from webchat.base import commands
from webchat.base.addresses import lan_addresses
from webchat.database import backup, locks, trouble
from webchat.privacy import close_to_others

EXAMPLE = gettext_lazy("""\
Example, beside a server that runs:
  manage.py prepare --no-port
""")


class Command(commands.Command):
    """All that must be done before a start, in one short process, and only what is needed."""

    help = gettext_lazy(
        "Makes the database and the static files ready, and says where the chat will be."
    )
    example = EXAMPLE
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--no-port", action="store_true", help=_("do not look whether the port is free")
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self._check_data_dir()
        for line in close_to_others():
            self.stdout.write(line)
        for path in backup.clear_left():
            self.stdout.write(f"已清理中断命令的残留 / Cleared what a killed command left: {path}")
        if left := owner.left_by_root():
            self.stdout.write(
                f"root 留下了 {len(left)} 个文件，请交还给数据的主人 / Root has left files here,"
                f" {len(left)} in all, as {left[0]}. Give them to the owner:\n  {owner.gift()}"
            )
        if not options["no_port"]:
            self._check_port()
        self._migrate()
        self._collect_static()
        self._show_addresses()

    def _check_data_dir(self) -> None:
        folder = settings.DATABASE_FILE.parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
            # A real write: permissions tell nothing of root, or of a read-only disk.
            with tempfile.NamedTemporaryFile(dir=folder, prefix=".writable-"):
                pass
        except OSError as error:
            raise CommandError(
                f"数据目录不可写：{folder}。\n"
                f"The data folder {folder} cannot be written to ({error.strerror});"
                " set DATA_DIR to another one."
            ) from None

    def _check_port(self) -> None:
        host = "127.0.0.1" if settings.BEHIND_PROXY else ""
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, settings.PORT))
            except OSError as error:
                raise CommandError(_port_refusal(error)) from None

    def _migrate(self) -> None:
        try:
            locks.reach_database(settings.DATABASE_FILE, to_write=True)
            executor = MigrationExecutor(connection)
            if not executor.migration_plan(executor.loader.graph.leaf_nodes()):
                return
            self.stdout.write("正在更新数据库… / Updating the database…")
            call_command("migrate", verbosity=0, interactive=False)
        except locks.HeldError as error:
            raise CommandError(str(error)) from None
        except (DatabaseError, trouble.DriverError) as error:
            raise CommandError(
                f"无法打开或更新数据库 {settings.DATABASE_FILE}。\n"
                f"The database {settings.DATABASE_FILE} cannot be opened or updated: {error}."
            ) from None

    def _collect_static(self) -> None:
        stamp = settings.STATIC_ROOT / ".stamp"
        digest = _static_digest()
        try:
            # Beside the folder, which is served. Of two starts at once the second has nothing to
            # do, unless the first is not done in time.
            with locks.take(settings.STATIC_ROOT.with_name("staticfiles.lock")):
                if stamp.exists() and stamp.read_text() == digest:
                    return
                self.stdout.write("正在整理静态文件… / Collecting static files…")
                call_command("collectstatic", verbosity=0, interactive=False)
                stamp.write_text(digest)
        except locks.HeldError as error:
            raise CommandError(str(error)) from None
        except ValueError as error:
            raise CommandError(f"脚本无法合并。\nThe scripts cannot be joined: {error}") from None
        except OSError as error:
            raise CommandError(
                f"目录不可写：{settings.STATIC_ROOT}。\n"
                f"The folder {settings.STATIC_ROOT} cannot be written to ({error.strerror})."
            ) from None

    def _show_addresses(self) -> None:
        if settings.SITE:
            addresses = [settings.SITE.url]
        else:
            hosts = ["localhost", *([] if settings.BEHIND_PROXY else lan_addresses())]
            addresses = [f"http://{host}:{settings.PORT}/" for host in hosts]
        self.stdout.write("\n网址 / Addresses:")
        for address in addresses:
            self.stdout.write(f"  {address}")
        if self.stdout.isatty() and (settings.SITE or len(addresses) > 1):
            # The one that phones can reach; the line of `localhost` is for this machine only.
            code = segno.make(addresses[0 if settings.SITE else 1], micro=False)
            code.terminal(sys.stdout, border=2, compact=True)
        self.stdout.write(
            "新建管理员 / Make an administrator:  .venv/bin/python manage.py createsuperuser\n"
            "停止 / Stop:  Ctrl+C\n"
        )


def _port_refusal(error: OSError) -> str:
    port = settings.PORT
    if error.errno == errno.EADDRINUSE:
        return (
            f"端口 {port} 已被占用：请停掉另一个程序，或在 .env 里改 PORT。\n"
            f"Port {port} is in use: stop the other program, or set PORT in .env."
        )
    if error.errno == errno.EACCES:
        return (
            f"没有权限使用端口 {port}：请在 .env 里把 PORT 改为 1024 以上。\n"
            f"Port {port} needs root: set PORT in .env to one above 1023."
        )
    return f"端口 {port} 不可用。\nPort {port} cannot be used ({error.strerror})."


def _static_digest() -> str:
    """Return a digest that changes with every static file, and with the code that joins them."""
    digest = hashlib.sha256()
    for module in (scripts, shortening, storage, styles):
        digest.update(inspect.getsource(module).encode())
    for finder in get_finders():
        for path, folder in sorted(finder.list([]), key=lambda found: found[0]):
            digest.update(path.encode() + b"\0")
            with folder.open(path) as file:
                digest.update(hashlib.sha256(file.read()).digest())
    return digest.hexdigest()
