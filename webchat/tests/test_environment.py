import re
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.urls import URLPattern, get_resolver

from webchat import environment, routes
from webchat.environment import Site, parse_site_url


@pytest.fixture
def given(monkeypatch):
    def give(value):
        monkeypatch.setenv("NAME", value)
        return "NAME"

    return give


@pytest.mark.parametrize(
    ("url", "site"),
    [
        ("http://192.168.1.10:8000", Site("http", "192.168.1.10", 8000, "")),
        ("https://www.example.com/chat", Site("https", "www.example.com", None, "/chat")),
        ("https://www.example.com/chat/", Site("https", "www.example.com", None, "/chat")),
        ("https://example.com:443/", Site("https", "example.com", None, "")),
        ("http://[fd00::1]:8000/a/b", Site("http", "[fd00::1]", 8000, "/a/b")),
        ("HTTP://Chat.Example.COM", Site("http", "chat.example.com", None, "")),
        ("https://聊天.example", Site("https", "xn--rss932g.example", None, "")),
    ],
)
def test_a_site_url_is_taken_apart(url, site):
    assert parse_site_url(url) == site


@pytest.mark.parametrize(
    "url",
    [
        "www.example.com",
        "ftp://example.com",
        "http://",
        "http://user:pw@example.com",
        "http://example.com:99999",
        "http://example.com:0",
        "http://example.com/a?b=c",
        "http://example.com/#x",
        "http://example.com/a b",
        "http://example.com/../x",
        "http://example.com//x",
        "http://exa mple.com",
        "http://[::1",
        "http://*",
    ],
)
def test_a_site_url_that_is_none_is_refused_by_name(url):
    with pytest.raises(ImproperlyConfigured, match="SITE_URL must look like"):
        parse_site_url(url)


def test_a_site_writes_its_own_address():
    site = parse_site_url("https://www.example.com:8443/chat")
    assert site.origin == "https://www.example.com:8443"
    assert site.url == "https://www.example.com:8443/chat/"


@pytest.mark.parametrize(
    ("value", "rate"),
    [
        ("", (30, 10)),
        ("30/10s", (30, 10)),
        ("5/1", (5, 1)),
        ("100/1m", (100, 60)),
        ("9/2H", (9, 7200)),
        ("off", None),
        ("OFF", None),
    ],
)
def test_a_rate_is_a_count_and_seconds(given, value, rate):
    assert environment.send_rate(given(value), "30/10s") == rate


@pytest.mark.parametrize("value", ["0/10s", "30", "30/0s", "-1/10s", "30/10d", "30 / 10s", "on"])
def test_a_rate_that_is_none_is_refused(given, value):
    with pytest.raises(ImproperlyConfigured, match="NAME must look like 30/10s"):
        environment.send_rate(given(value), "30/10s")


@pytest.mark.parametrize(
    ("value", "result"), [("on", True), ("0", False), ("Yes", True), ("", True)]
)
def test_a_switch_knows_the_usual_words(given, value, result):
    assert environment.boolean(given(value), True) is result


@pytest.mark.parametrize("value", ["maybe", "2", "ture"])
def test_a_switch_refuses_other_words(given, value):
    with pytest.raises(ImproperlyConfigured, match="NAME must be on or off"):
        environment.boolean(given(value), False)


@pytest.mark.parametrize("value", ["0", "65536", "-1", "8000.0", "８０００", "abc"])
def test_a_number_must_be_one_in_range(given, value):
    with pytest.raises(ImproperlyConfigured, match="NAME must be a number from 1 to 65535"):
        environment.integer(given(value), 8000, low=1, high=65535)


@pytest.mark.parametrize("value", ["chat", "static/x", "api/", "login", "a b", "../x", "/", "管理"])
def test_the_admin_does_not_take_a_path_of_ours(given, value):
    with pytest.raises(ImproperlyConfigured, match="NAME must"):
        environment.admin_path(given(value), "admin/")


def own_routes(resolver):
    """Yield every route of the urlconf but those of the admin."""
    for pattern in resolver.url_patterns:
        route = str(pattern.pattern).removeprefix("^")
        if isinstance(pattern, URLPattern):
            yield route
        elif pattern.app_name != "admin":
            yield from (route + rest for rest in own_routes(pattern))


def test_the_admin_shadows_none_of_our_addresses_and_no_address_shadows_it(given):
    found = {re.match(r"[\w-]*", route)[0] for route in own_routes(get_resolver("webchat.urls"))}
    taken = (found - {"", "favicon"}) | {"live", "static"}
    assert {"search", "chat", "contacts", "readyz", "export"} <= taken
    for part in taken:
        with pytest.raises(ImproperlyConfigured, match="the chat itself uses that"):
            environment.admin_path(given(f"{part}/"), "admin/")
    for part in ("messages", "search-engine", "accept", "meadow"):
        assert environment.admin_path(given(part), "admin/") == f"{part}/"


@pytest.mark.parametrize(
    ("patterns", "refusal"),
    [
        ('[path(f"{name}/", view)]', "this route is not written out"),
        ('[path("", include(apps))]', "this route is not written out"),
        ('[path("a/", view)] + more', "urlpatterns of an urlconf is not written out"),
        ("[*more]", "more of an urlconf is not written out"),
    ],
)
def test_a_route_that_cannot_be_read_is_no_free_place(tmp_path, patterns, refusal):
    (tmp_path / "webchat").mkdir()
    (tmp_path / "webchat/urls.py").write_text(f"urlpatterns = {patterns}")
    with pytest.raises(ImproperlyConfigured, match=refusal):
        routes.first_parts(tmp_path)


@pytest.mark.parametrize(
    ("value", "path"), [("", "admin/"), ("/office", "office/"), ("a/b/", "a/b/")]
)
def test_the_admin_path_has_one_slash_at_its_end(given, value, path):
    assert environment.admin_path(given(value), "admin/") == path


def test_a_zone_must_exist(given):
    assert environment.time_zone(given("Europe/Berlin"), "Asia/Shanghai") == "Europe/Berlin"
    for value in (
        *("Mars/Base", "../etc/passwd", "/etc/localtime"),
        # Python takes these; browsers do not.
        *("localtime", "posixrules", "Factory", "posix/Asia/Shanghai", "right/Europe/Berlin"),
    ):
        with pytest.raises(ImproperlyConfigured, match="NAME must be a zone"):
            environment.time_zone(given(value), "Asia/Shanghai")


def test_a_database_is_a_sqlite_file(given):
    base, default = Path("/base"), Path("/base/data/db.sqlite3")
    read = environment.database_file
    assert read(given(""), default, base) == default
    assert read(given("sqlite:////srv/chat.db"), default, base) == Path("/srv/chat.db")
    assert read(given("sqlite:///data/chat.db"), default, base) == Path("/base/data/chat.db")
    assert read(given("sqlite:////srv/a%23b+c%25/x.db"), default, base) == Path("/srv/a#b+c%/x.db")
    for value in (
        "postgres://u:p@h/db",
        "sqlite://:memory:",
        "sqlite:///:memory:",
        "sqlite://",
        "sqlite:///",
        "sqlite:////srv/a#b/chat.db",
        "sqlite:////srv/chat.db?mode=memory",
        "sqlite:////srv/a%00b/chat.db",
        "x",
    ):
        with pytest.raises(ImproperlyConfigured, match="NAME must be a SQLite file"):
            read(given(value), default, base)


def test_proxies_are_addresses_and_networks(given):
    found = environment.networks(given("10.0.0.2, 172.16.0.0/12,fd00::/8"))
    assert [str(network) for network in found] == ["10.0.0.2/32", "172.16.0.0/12", "fd00::/8"]
    assert environment.networks(given("")) == []
    with pytest.raises(ImproperlyConfigured, match="NAME must be addresses"):
        environment.networks(given("nginx"))


@pytest.mark.parametrize(
    "value",
    ["0.0.0.0/0", "::/0", "0.0.0.0/1,128.0.0.0/1", "10.0.0.2,2000::/3", "8.0.0.0/8,9.0.0.0/8"],
)
def test_half_the_world_is_no_proxy(given, value):
    with pytest.raises(ImproperlyConfigured, match="NAME would believe half the world"):
        environment.networks(given(value))
    assert environment.networks(given("10.0.0.0/8,fc00::/7,2001:db8::/32,8.0.0.0/8"))


@pytest.mark.parametrize("value", ["", "x" * 31, "字" * 31])
def test_a_key_that_can_be_guessed_is_refused_and_not_repeated(value):
    with pytest.raises(ImproperlyConfigured, match="NAME must be at least 32 random") as refusal:
        environment.hard_to_guess("NAME", value)
    assert not value or value not in str(refusal.value)
    assert environment.hard_to_guess("NAME", "0123456789abcdef" * 2)


@pytest.mark.parametrize("value", ["a\nb", "a\x1b[2J", "a\u2028b", "half\udc80", "x" * 5000])
def test_a_value_is_one_line_that_can_be_shown(given, value):
    with pytest.raises(ImproperlyConfigured, match="NAME must be one line") as refusal:
        environment.text(given(value))
    assert value not in str(refusal.value)


@pytest.mark.parametrize("value", ["10001/1s", "999999/1s", "30/25h", "30/86401"])
def test_an_absurd_rate_is_refused(given, value):
    with pytest.raises(ImproperlyConfigured, match="NAME may be at most 10000 messages"):
        environment.send_rate(given(value), "30/10s")
    assert environment.send_rate(given("10000/24h"), "30/10s") == (10000, 86400)


def make_link(path, target):
    path.symlink_to(target)
    return path


def test_the_data_have_a_folder_of_their_own(given, tmp_path):
    base = tmp_path / "lab/webchat"
    (base / "static").mkdir(parents=True)
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    link = make_link(tmp_path / "link", shared)
    refused = ["/", "/etc", "/var/lib", "/tmp/", "/dev/shm", "/home/../usr", ".", "..", "../.."]
    refused += [str(path) for path in (base, base.parent, shared, link)]
    refused += ["static", "./static/data", "staticfiles", "data/../static/x"]
    for value in refused:
        with pytest.raises(ImproperlyConfigured, match="NAME must "):
            environment.directory(given(value), base / "data")
    assert environment.directory(given(""), base / "data") == base / "data"
    assert environment.directory(given("../data"), base / "data") == base.parent / "data"
    assert environment.directory(given(f"{link}/mine"), base / "data") == shared / "mine"
    for value in ("sqlite:///staticfiles/chat.db", "sqlite:///static/chat.db"):
        with pytest.raises(ImproperlyConfigured, match="NAME must not lie in"):
            environment.database_file(given(value), base / "data/db.sqlite3", base)


def test_a_folder_that_leads_nowhere_is_one_sentence(given, tmp_path):
    loop = make_link(tmp_path / "loop", tmp_path / "loop")
    for value in (str(loop), "/proc/nowhere", "x" * 300, f"{__file__}/data"):
        with pytest.raises(ImproperlyConfigured, match="cannot be made"):
            environment.directory(given(value), tmp_path / "webchat/data")


def test_qq_mail_sends_from_its_own_address_over_ssl(monkeypatch):
    monkeypatch.setenv("QQ_EMAIL", "10001@qq.com")
    monkeypatch.setenv("QQ_MAIL_PASSWORD", "abcdefgh")
    mail = environment.mail_settings("qq")
    assert (mail["EMAIL_HOST"], mail["EMAIL_PORT"], mail["EMAIL_USE_SSL"]) == (
        "smtp.qq.com",
        465,
        True,
    )
    assert mail["DEFAULT_FROM_EMAIL"] == mail["EMAIL_HOST_USER"] == "10001@qq.com"
    assert mail["EMAIL_TIMEOUT"] == 10


@pytest.mark.parametrize("missing", ["QQ_EMAIL", "QQ_MAIL_PASSWORD"])
def test_qq_mail_is_refused_without_its_account(monkeypatch, missing):
    monkeypatch.setenv("QQ_EMAIL", "10001@qq.com")
    monkeypatch.setenv("QQ_MAIL_PASSWORD", "abcdefgh")
    monkeypatch.setenv(missing, "")
    with pytest.raises(ImproperlyConfigured, match=f"{missing} is missing"):
        environment.mail_settings("qq")


def test_smtp_takes_one_url(monkeypatch):
    monkeypatch.setenv("EMAIL_URL", "smtp+tls://chat%40example.com:p%40ss@smtp.example.com")
    mail = environment.mail_settings("smtp")
    assert mail["EMAIL_BACKEND"] == "django.core.mail.backends.smtp.EmailBackend"
    assert (mail["EMAIL_HOST"], mail["EMAIL_PORT"]) == ("smtp.example.com", 587)
    assert mail["EMAIL_HOST_PASSWORD"] == "p@ss"
    assert mail["DEFAULT_FROM_EMAIL"] == "chat@example.com"


@pytest.mark.parametrize(
    "url",
    [
        *("", "smtp.example.com", "http://x", "smtp://u:secret@h:99999", "smtp://"),
        *("smtp://u:secret@a..b", "smtp://u:secret@-x", "smtp://u:secret@a b", "smtp://u:secret@*"),
        *("smtp://u:secret@h\nRCPT", "smtp://u:secret@" + "a." * 200 + "b"),
    ],
)
def test_smtp_without_a_server_is_refused_and_the_password_not_repeated(monkeypatch, url):
    monkeypatch.setenv("EMAIL_URL", url)
    with pytest.raises(ImproperlyConfigured, match="EMAIL_URL") as refusal:
        environment.mail_settings("smtp")
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "mail_server", "SMTP.qq.com", "localhost"])
def test_a_mail_server_may_be_any_host(monkeypatch, host):
    monkeypatch.setenv("EMAIL_URL", f"smtp://u:secret@{host}")
    assert environment.mail_settings("smtp")["EMAIL_PORT"] == 25


def test_the_env_file_gives_way_to_the_real_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("FROM_BOTH", "real")
    monkeypatch.setenv("FROM_FILE", "")
    monkeypatch.delenv("FROM_FILE")
    file = tmp_path / ".env"
    file.write_text("\ufeffFROM_BOTH=file\r\n# 注释\r\nFROM_FILE='a $b #c'\r\n", encoding="utf-8")
    environment.load_env_file(file)
    assert environment.text("FROM_BOTH") == "real"
    assert environment.text("FROM_FILE") == "a $b #c"


@pytest.mark.parametrize("line", ["PORT = 8000", "PORT: 8000", "set PORT=8000"])
def test_a_line_that_would_be_skipped_is_refused_with_its_number(tmp_path, line):
    file = tmp_path / ".env"
    file.write_text(f"A_OF_TEST=1\n{line}\n")
    with pytest.raises(ImproperlyConfigured, match="line 2: expected NAME=value"):
        environment.load_env_file(file)


def test_an_env_file_of_another_encoding_is_refused(tmp_path):
    file = tmp_path / ".env"
    file.write_bytes("# 注释".encode("gb18030"))
    with pytest.raises(ImproperlyConfigured, match="not UTF-8"):
        environment.load_env_file(file)
