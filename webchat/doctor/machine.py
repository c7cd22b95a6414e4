"""Checks of the settings, and of the machine that they are for."""

from __future__ import annotations

import os
import resource
import shutil
import stat
from pathlib import Path

from django.conf import settings
from django.core import checks
from django.utils.translation import gettext as _

from webchat import owner
from webchat.database.folders import LOW_DISK_BYTES
from webchat.database.sizes import size
from webchat.privacy import close_to_others

from . import remedies
from .finding import Finding, advice, ok, wrong

SECRET_LENGTH = 50  # as Django's own check has it
SECRET_LETTERS = 5
ROOM_BYTES = 1024**3
DESCRIPTORS = 1024
PICTURE_FORMATS = ("jpg", "zlib", "webp", "littlecms2")  # which Pillow may lack


def check_settings() -> Finding:
    """Check that the settings go together; they could be read, or this would not run."""
    problems = checks.run_checks(include_deployment_checks=settings.HTTPS)
    serious = [problem for problem in problems if not problem.is_silenced()]
    if serious:
        return wrong(str(serious[0].msg), str(serious[0].hint or serious[0].id or ""))
    if settings.DEBUG and settings.SITE:
        return wrong(
            _("DEBUG is on: strangers see the insides of every error."), _("Set DEBUG=off in .env.")
        )
    if settings.HTTPS and not settings.BEHIND_PROXY:
        return wrong(
            _("SITE_URL is https, but no proxy is trusted, and this server speaks http only."),
            _("Set BEHIND_PROXY=on in .env, and let nginx do https."),
        )
    if settings.DEBUG:
        return advice(_("DEBUG is on."), _("Set DEBUG=off in .env before others use it."))
    return ok(_("The settings can be read and go together"))


def check_env_file() -> Finding:
    path = settings.BASE_DIR / ".env"
    if not path.exists():
        return ok(_("The settings come from the environment, there is no .env"))
    if _mode(path) & 0o077:
        return wrong(_("Others on this machine can read .env."), remedies.close(path.resolve()))
    return ok(_("Only its owner can read .env"))


def check_secret_key() -> Finding:
    key = settings.SECRET_KEY
    if len(key) < SECRET_LENGTH or len(set(key)) < SECRET_LETTERS:
        return wrong(
            _("SECRET_KEY is too short or too simple: sessions could be forged."),
            _("Write a random one of 50 characters into .env; everybody has to log in again."),
        )
    return ok(_("SECRET_KEY is long enough"))


def check_files() -> Finding:
    folder, database = settings.DATA_DIR, settings.DATABASE_FILE
    for path in (folder, database, folder / "attachments"):
        if path.exists() and not os.access(path, os.R_OK | os.W_OK):
            return wrong(_("%(path)s cannot be written to.") % {"path": path}, remedies.give(path))
    for path in (folder, database):
        if path.exists() and path.stat().st_uid != os.geteuid() != 0:
            return wrong(
                _("%(path)s belongs to another account.") % {"path": path},
                _("Run this as the account of the server: %(command)s")
                % {"command": remedies.manage("doctor")},
            )
    if left := owner.left_by_root():
        return wrong(
            _("Root has left what this account may not use: %(path)s") % {"path": left[0]},
            owner.gift(),
        )
    if database.exists() and _mode(database) & 0o007 and _mode(folder) & 0o007:
        return advice(
            _("Everybody on this machine can read the messages."),
            remedies.by_owner(folder, f"chmod -R go-rwx {folder}"),
        )
    if open_doors := close_to_others(only_look=True):
        fix = open_doors[0]
        if fix.startswith("chmod "):
            fix = remedies.by_owner(folder, fix)
        return advice(_("Others on this machine can get at the data."), fix)
    return ok(_("The data belong to this account alone"))


def check_disk() -> Finding:
    free = shutil.disk_usage(settings.DATA_DIR).free
    told = {"free": size(free)}
    fix = _("Delete old backups, or move DATA_DIR to a larger disk.")
    if free < LOW_DISK_BYTES:
        return wrong(_("The disk is full: %(free)s are left.") % told, fix)
    if free < settings.MIN_FREE:
        message = _("No files are taken: %(free)s are left on the disk, less than MIN_FREE.")
        return advice(message % told, fix)
    if free < ROOM_BYTES:
        return advice(_("The disk is nearly full: %(free)s are left.") % told, fix)
    return ok(_("%(free)s free on the disk") % told)


def check_descriptors() -> Finding:
    """Check how many there may be: each open page holds one."""
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= soft < DESCRIPTORS:
        return advice(
            _("Only %(count)s files may be open: enough for about half as many pages.")
            % {"count": soft},
            "ulimit -n 65536",
        )
    return ok(_("Enough files may be open"))


def check_static_files() -> Finding:
    if not (settings.STATIC_ROOT / "staticfiles.json").exists():
        return wrong(_("The static files are not collected."), remedies.collect_static())
    return ok(_("The static files are collected"))


def check_pictures() -> Finding:
    """Check that previews of pictures can be drawn."""
    try:
        from PIL import features  # here, as it may be missing, and no server needs it
    except ImportError:
        missing = "Pillow"
    else:
        lacking = (name for name in PICTURE_FORMATS if not features.check(name))
        missing = ", ".join(lacking)
    if missing:
        return advice(
            _("Pictures are sent as files, without previews: %(missing)s is missing.")
            % {"missing": missing},
            remedies.install_pillow(),
        )
    return ok(_("Previews of pictures can be drawn"))


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)
