"""Reading the settings from the environment: each reader returns a clean value or refuses.

A refusal is an ImproperlyConfigured whose text is one sentence that names the variable, so
that whoever typed the nonsense into `.env` can find it. An empty value means the default.
"""

from __future__ import annotations

import ipaddress
import os
import re
import stat
from pathlib import Path
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import environ
from django.core.exceptions import ImproperlyConfigured

from . import routes
from .base import running
from .base.places import Site, is_of_the_system, parse_site
from .database import connecting

ROOT = Path(__file__).resolve().parent.parent
YES = ("1", "true", "yes", "on")
NO = ("0", "false", "no", "off")
MAIL_TIMEOUT_SECONDS = 10
_RATE = re.compile(r"([1-9][0-9]{0,5})/([1-9][0-9]{0,4})([smh]?)")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600}
_BYTES = re.compile(r"([0-9]{1,9}) ?([KMGT]?)B?", re.IGNORECASE)
_UNITS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}
_LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?"
_MAIL_HOST = re.compile(rf"{_LABEL}(\.{_LABEL})*")
# No setting can hold a line break or half a character: it would end up in headers and logs.
_UNUSABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
VALUE_LENGTH = 4096  # characters, of any one setting
SECRET_LENGTH = 32  # characters: 128 bits in the plainest of alphabets, hexadecimal
RATE_COUNT = 10_000  # messages: that many rows are read for each one that is sent
RATE_SECONDS = 24 * 3600
# The fewest bits that say which network a proxy is in: 10.0.0.0/8 is the widest there is.
NETWORK_BITS = {4: 8, 6: 16}
# Files beside the zones, which Python reads as zones: this machine's own, and some of no place.
ONLY_OF_THE_SYSTEM = ("localtime", "posixrules", "Factory")


class _EnvFile(environ.Env):
    ENVIRON: ClassVar[dict[str, str]] = {}


def load_env_file(path: Path) -> None:
    """Take over the variables of `path` that the real environment does not set.

    In UTF-8, like the file, whatever the language of the system is.
    """
    if not path.exists():
        return
    try:
        content = path.read_text(encoding="utf-8-sig")
    except OSError:
        raise ImproperlyConfigured(f"{path} cannot be read: check its permissions.") from None
    except UnicodeDecodeError:
        content = "\0"
    if "\0" in content:  # as in UTF-16, which may pass for UTF-8
        raise ImproperlyConfigured(f"{path} is not UTF-8 text: save it as UTF-8.")
    for number, line in enumerate(content.splitlines(), start=1):
        # django-environ would skip such a line in silence.
        if line.strip() and not re.match(r"\s*#|(export )?[A-Za-z_0-9]+=", line):
            raise ImproperlyConfigured(f"{path}, line {number}: expected NAME=value.")
    _EnvFile.ENVIRON.clear()
    _EnvFile.read_env(path, encoding="utf-8-sig")
    for name, value in _EnvFile.ENVIRON.items():
        os.environb.setdefault(name.encode(), value.encode())


def text(name: str, default: str = "") -> str:
    value = _decoded(os.environb.get(name.encode(), b"")).strip()
    if len(value) > VALUE_LENGTH or _UNUSABLE.search(value):
        # The value may be a password, or may not be printable at all.
        raise ImproperlyConfigured(
            f"{name} must be one line of at most {VALUE_LENGTH} characters, without any that"
            " cannot be shown."
        )
    return value or default


def _decoded(value: bytes) -> str:
    """Decode a value: UTF-8, or what the language of the system makes of it."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return os.fsdecode(value)


def _place(value: str) -> Path:
    """Return the path of a name in UTF-8: the same folder, whatever the language of the system."""
    return Path(os.fsdecode(value.encode()))


def required(name: str, why: str) -> str:
    value = text(name)
    if not value:
        raise ImproperlyConfigured(f"{name} is missing: {why}.")
    return value


def hard_to_guess(name: str, value: str) -> str:
    """Return a key that nobody can find by trying; a refusal does not reveal it."""
    if len(value) < SECRET_LENGTH:
        raise ImproperlyConfigured(
            f"{name} must be at least {SECRET_LENGTH} random characters, like what"
            " `openssl rand -hex 32` prints; after a change everybody has to log in again."
        )
    return value


def boolean(name: str, default: bool) -> bool:
    value = text(name).lower()
    if value in YES + NO:
        return value in YES
    if value:
        raise ImproperlyConfigured(f"{name} must be on or off, not “{value}”.")
    return default


def integer(name: str, default: int, *, low: int, high: int) -> int:
    value = text(name, str(default))
    if not value.isascii() or not value.isdigit() or not low <= int(value) <= high:
        raise ImproperlyConfigured(f"{name} must be a number from {low} to {high}, not “{value}”.")
    return int(value)


def choice(name: str, default: str, choices: tuple[str, ...]) -> str:
    value = text(name, default)
    for option in choices:
        if value.lower() == option.lower():
            return option
    raise ImproperlyConfigured(f"{name} must be one of {', '.join(choices)}, not “{value}”.")


def site_url(name: str) -> Site | None:
    """Parse SITE_URL; None means that none is set: LAN mode."""
    value = text(name)
    return parse_site_url(value, name) if value else None


def parse_site_url(value: str, name: str = "SITE_URL") -> Site:
    try:
        return parse_site(value)
    except ValueError:  # UnicodeError is one
        raise ImproperlyConfigured(
            f"{name} must look like http://192.168.1.10:8000 or https://www.example.com/chat,"
            f" not “{value}”."
        ) from None


def send_rate(name: str, default: str) -> tuple[int, int] | None:
    """Parse `30/10s` (also `/1m`, `/1h`) into (30, 10 seconds); `off` is None."""
    value = text(name, default).lower()
    if value == "off":
        return None
    match = _RATE.fullmatch(value)
    if not match:
        raise ImproperlyConfigured(f"{name} must look like 30/10s or be off, not “{value}”.")
    count, seconds = int(match[1]), int(match[2]) * _SECONDS[match[3]]
    if count > RATE_COUNT or seconds > RATE_SECONDS:
        raise ImproperlyConfigured(
            f"{name} may be at most {RATE_COUNT} messages and at most 24h, not “{value}”;"
            " off means no limit."
        )
    return count, seconds


def size(name: str, default: str, *, low: str = "0", high: str = "1000T") -> int:
    """Parse `100M` (also K, G and T, 1,024 times as much each) into bytes."""
    value = text(name, default)
    found = _bytes(value)
    if found is None or not (_bytes(low) or 0) <= found <= (_bytes(high) or 0):
        raise ImproperlyConfigured(
            f"{name} must be a size from {low} to {high}, like {default}, not “{value}”."
        )
    return found


def _bytes(value: str) -> int | None:
    match = _BYTES.fullmatch(value)
    return int(match[1]) * _UNITS[match[2].upper()] if match else None


def admin_path(name: str, default: str) -> str:
    """Return the path of the admin with one slash at its end and none before it."""
    value = text(name, default).strip("/")
    if not re.fullmatch(r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*", value):
        raise ImproperlyConfigured(
            f"{name} must be of letters, digits, “-” and “_”, like admin/, not “{value}”."
        )
    if value.split("/")[0] in routes.first_parts(ROOT):
        raise ImproperlyConfigured(f"{name} must not be “{value}”: the chat itself uses that.")
    return value + "/"


def time_zone(name: str, default: str) -> str:
    """Return the name of a zone that browsers know, too: pages show times in it."""
    value = text(name, default)
    try:
        if value in ONLY_OF_THE_SYSTEM or value.startswith(("posix/", "right/")):
            raise ValueError
        ZoneInfo(value)
    except (ValueError, OSError, KeyError):  # KeyError: ZoneInfoNotFoundError is one
        raise ImproperlyConfigured(
            f"{name} must be a zone like Asia/Shanghai, not “{value}”."
        ) from None
    return value


def directory(name: str, default: Path) -> Path:
    """Return the folder, made if it is missing; a relative one is beside manage.py.

    It will be closed to everybody else, so one that others need is refused.
    """
    base = default.parent
    value = text(name)
    path = base / _place(value) if value else default
    where = Path(os.path.realpath(path))
    if is_of_the_system(where) or base.is_relative_to(where):
        raise ImproperlyConfigured(
            f"{name} must be a folder of its own, not {path}, which others need."
        )
    _refuse_shared(name, where)
    _refuse_served(name, where, base)
    try:
        running.make_folder(path)
    except OSError as error:
        raise ImproperlyConfigured(
            f"{name}: the folder {path} cannot be made ({error.strerror})."
        ) from None
    return path.resolve()


def _refuse_shared(name: str, folder: Path) -> None:
    """Refuse a folder that everybody may write into, like /tmp: it cannot be closed to others.

    Except a disk of one's own, which may be like that when it is new: that is closed.
    """
    if not os.path.isdir(folder):
        return
    found = folder.stat()
    is_own_disk = os.path.ismount(folder) and found.st_uid == os.geteuid()
    if found.st_mode & stat.S_ISVTX and not is_own_disk:
        raise ImproperlyConfigured(f"{name} must not be {folder}: everybody may write there.")


def _refuse_served(name: str, folder: Path, base: Path) -> None:
    for served in (base / "static", base / "staticfiles"):
        if folder.is_relative_to(served):
            raise ImproperlyConfigured(f"{name} must not lie in {served}: everybody may read that.")


def networks(name: str) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    """Parse addresses and networks separated by commas: `10.0.0.2, 172.16.0.0/12`."""
    parts = [part.strip() for part in text(name).split(",") if part.strip()]
    try:
        found = [ipaddress.ip_network(part) for part in parts]
    except ValueError:
        raise ImproperlyConfigured(
            f"{name} must be addresses or networks like 10.0.0.2 or 10.0.0.0/8, not “{text(name)}”."
        ) from None
    for network in _joined(found):
        # Those for private use may be as wide as they are: fc00::/7.
        if network.prefixlen < NETWORK_BITS[network.version] and not network.is_private:
            raise ImproperlyConfigured(
                f"{name} would believe half the world: {network} must be narrowed to the proxy."
            )
    return found


def _joined(
    found: list[ipaddress.IPv4Network | ipaddress.IPv6Network],
) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    """Join them into as few networks as can be: two halves of the world are the world."""
    old = (each for each in found if isinstance(each, ipaddress.IPv4Network))
    new = (each for each in found if isinstance(each, ipaddress.IPv6Network))
    return [*ipaddress.collapse_addresses(old), *ipaddress.collapse_addresses(new)]


def database_file(name: str, default: Path, base: Path) -> Path:
    value = text(name)
    if not value:
        return default
    file = connecting.file_of(value)
    if not file or _UNUSABLE.search(file):
        raise ImproperlyConfigured(
            f"{name} must be a SQLite file like {connecting.URL_EXAMPLE}, with “#” as %23 and “?”"
            " as %3F."
        )
    path = base / _place(file)
    _refuse_served(name, Path(os.path.realpath(path.parent)), base)
    return path


def mail_settings(mode: str) -> dict[str, Any]:
    """Return Django's mail settings for MAIL_MODE; whatever the mode needs must be there."""
    backends = "django.core.mail.backends."
    if mode == "qq":
        address = required("QQ_EMAIL", "MAIL_MODE=qq sends from that address")
        if not re.fullmatch(r"[^@\s]+@[^@\s]+", address):
            raise ImproperlyConfigured("QQ_EMAIL must be a mail address like 10001@qq.com.")
        password = required("QQ_MAIL_PASSWORD", "MAIL_MODE=qq needs the code that QQ mail gives")
        return {
            "EMAIL_BACKEND": backends + "smtp.EmailBackend",
            "EMAIL_HOST": "smtp.qq.com",
            "EMAIL_PORT": 465,
            "EMAIL_USE_SSL": True,
            "EMAIL_HOST_USER": address,
            "EMAIL_HOST_PASSWORD": password,
            "EMAIL_TIMEOUT": MAIL_TIMEOUT_SECONDS,
            "DEFAULT_FROM_EMAIL": address,
            "SERVER_EMAIL": address,
        }
    if mode == "smtp":
        return _smtp_settings(required("EMAIL_URL", "MAIL_MODE=smtp sends through that server"))
    return {
        "EMAIL_BACKEND": backends + {"off": "dummy", "console": "console"}[mode] + ".EmailBackend"
    }


def _smtp_settings(url: str) -> dict[str, Any]:
    # The URL holds a password, so the refusal does not repeat it.
    refusal = ImproperlyConfigured(
        "EMAIL_URL must look like smtp+tls://user%40example.com:password@smtp.example.com:587."
    )
    try:
        config: dict[str, Any] = environ.Env.email_url_config(url)
    except (ValueError, ImproperlyConfigured):
        raise refusal from None
    is_smtp = config["EMAIL_BACKEND"].endswith("smtp.EmailBackend")
    if not is_smtp or not _is_mail_host(config["EMAIL_HOST"] or ""):
        raise refusal
    config.pop("EMAIL_FILE_PATH", None)
    config.pop("OPTIONS", None)
    config["EMAIL_PORT"] = config["EMAIL_PORT"] or (
        465 if config.get("EMAIL_USE_SSL") else 587 if config.get("EMAIL_USE_TLS") else 25
    )
    config["EMAIL_HOST_USER"] = config["EMAIL_HOST_USER"] or ""
    config["EMAIL_HOST_PASSWORD"] = config["EMAIL_HOST_PASSWORD"] or ""
    user = config["EMAIL_HOST_USER"]
    sender = user if "@" in user else f"webchat@{config['EMAIL_HOST']}"
    return config | {
        "EMAIL_TIMEOUT": MAIL_TIMEOUT_SECONDS,
        "DEFAULT_FROM_EMAIL": sender,
        "SERVER_EMAIL": sender,
    }


def _is_mail_host(host: str) -> bool:
    try:
        return bool(ipaddress.ip_address(host))
    except ValueError:
        return len(host) <= 253 and bool(_MAIL_HOST.fullmatch(host.lower()))
