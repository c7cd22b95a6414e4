import re

import pytest

from webchat.storage import StaticStorage
from webchat.styles import Styles

FILES = {
    "js/app.js": 'import { send } from "./send.js";\nsend();\n',
    "js/send.js": "export function send() {}\n",
    "css/app.css": '@import "first.css";\nbody { background: url("../img/dot.svg"); }\n'
    + "b {}\n" * 100,
    "css/first.css": "/* Colours. */\n:root {\n  --quiet: grey;\n}\n",
    "img/dot.svg": "<svg/>",
}


@pytest.fixture
def collected(tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    storage = StaticStorage(location=tmp_path)
    for _name, _hashed, processed in storage.post_process({n: (storage, n) for n in FILES}):
        assert not isinstance(processed, Exception)
    return tmp_path


def test_names_carry_a_hash_also_in_urls(collected):
    storage = StaticStorage(location=collected)
    for name in ("js/app.js", "css/app.css", "img/dot.svg"):
        stem, suffix = name.rsplit(".", 1)
        assert re.fullmatch(rf"{stem}\.[0-9a-f]{{12}}\.{suffix}", storage.stored_name(name))
    style = (collected / storage.stored_name("css/app.css")).read_text()
    assert storage.stored_name("img/dot.svg").removeprefix("img/") in style


def test_the_script_brings_its_modules_along(collected):
    script = (collected / StaticStorage(location=collected).stored_name("js/app.js")).read_text()
    assert re.search(r"^function send\(\){}$", script, re.M)
    assert not re.search("^(import|export (?!const \\$modules))", script, re.M)
    assert StaticStorage(location=collected).stored_name("js/send.js") == "js/send.js"
    assert [path.name for path in (collected / "js").glob("send.*")] == ["send.js"]


def test_the_style_brings_its_sheets_along(collected):
    style = (collected / StaticStorage(location=collected).stored_name("css/app.css")).read_text()
    assert style.startswith(":root {\n--quiet: grey;\n}\nbody {")
    assert StaticStorage(location=collected).stored_name("css/first.css") == "css/first.css"


@pytest.mark.parametrize(
    "line", ['@import url("b.css");', '@import "../b.css";', '@import "b.css" print;']
)
def test_a_sheet_that_cannot_be_joined_is_named(line):
    with pytest.raises(ValueError, match=r"css/app.css has an @import"):
        Styles({"css/app.css": f"{line}\n", "css/b.css": "b {}\n"}.__getitem__).join("css/app.css")


def test_what_gets_smaller_is_there_compressed(collected):
    storage = StaticStorage(location=collected)
    assert (collected / f"{storage.stored_name('css/app.css')}.gz").exists()


def test_without_a_manifest_and_for_newer_files_plain_names_serve(collected, tmp_path_factory):
    assert StaticStorage(location=collected).stored_name("js/new.js") == "js/new.js"
    empty = StaticStorage(location=tmp_path_factory.mktemp("empty"))
    assert empty.stored_name("js/app.js") == "js/app.js"


def test_the_address_of_a_file_follows_the_manifest_and_the_prefix(monkeypatch):
    storage = StaticStorage(location="/nowhere", base_url="/static/")
    monkeypatch.setattr(storage, "hashed_files", {"js/app.js": "js/app.1234.js"})
    names = ("js/app.js", "img/a b.svg", "js/app.js#x", "css/")
    plain = super(StaticStorage, storage).url
    for _ in range(2):
        assert [storage.url(name) for name in names] == [plain(name) for name in names]
    assert storage.url("js/app.js") == "/static/js/app.1234.js"
    storage.hashed_files = {"js/app.js": "js/app.5678.js"}
    assert storage.url("js/app.js") == "/static/js/app.5678.js"
    storage.base_url = "/chat/static/"
    assert storage.url("js/app.js") == "/chat/static/js/app.5678.js"


def test_a_bounded_number_of_addresses_is_remembered(monkeypatch):
    monkeypatch.setattr("webchat.storage.URLS_AT_MOST", 2)
    storage = StaticStorage(location="/nowhere", base_url="/static/")
    for name in "abcab":
        assert storage.url(name) == f"/static/{name}"
        assert len(storage._urls) <= 2
