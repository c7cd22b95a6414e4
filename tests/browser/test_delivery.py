"""What a browser makes of files: their names, parts of them, and those that want to run."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from uuid import uuid4

import pytest
from playwright.sync_api import Error, expect

from chat.tests.media.disguises import PICTURES, PLAIN

MAKE = """
import io, json, uuid, wave
from accounts.models import User
from chat.models import Attachment, Message
from chat.models.files import attachments_folder, previews_folder
from chat.sending.drafts import Draft
from chat.sending.posting import post_messages

sender = User.objects.get(username="{sender}")
for folder in (attachments_folder(), previews_folder()):
    folder.mkdir(exist_ok=True)
sound = io.BytesIO()
with wave.open(sound, "wb") as file:
    file.setparams((1, 2, 44100, 0, "NONE", ""))
    file.writeframes(bytes(44100 * 2 * 60))
contents = dict(
    picture=bytes.fromhex(
        "89504e470d0a1a0a0000000d49484452000000010000000108020000009077"
        "53de0000000c4944415408d763f8cfc0000003010100"
        "18dd8db00000000049454e44ae426082"
    ),
    voice=sound.getvalue(),
    file=b"<!doctype html><script>document.title = 'ran'</script>",
)
addresses = []
for name, kind, mimetype in json.loads({files!r}):
    text, client_id = "x", str(uuid.uuid4())
    [posted] = post_messages([Draft.parse(sender.pk, to="{to}", text=text, client_id=client_id)])
    message = Message.objects.order_by("id").last()
    Message.objects.filter(pk=message.pk).update(text="")
    file = Attachment.objects.create(
        message=message, conversation=message.conversation, file=str(uuid.uuid4()), name=name,
        kind=kind, mimetype=mimetype, sha256=uuid.uuid4().hex * 2, size=len(contents[kind]),
    )
    file.path.write_bytes(contents[kind])
    addresses.append(f"/attachments/{{message.pk}}/")
print(json.dumps(addresses))
"""
# As pages do: in their elements, by the attributes that the templates have.
PLAY = """async (url) => {
  const sound = new Audio(url);
  const met = (kind) => new Promise((resolve, reject) => {
    sound.addEventListener(kind, resolve, { once: true });
    sound.addEventListener("error", () => reject(sound.error), { once: true });
  });
  sound.preload = "metadata";
  await met("loadedmetadata");
  const places = [];
  for (const place of [50, 10, 59]) {
    sound.currentTime = place;
    await met("seeked");
    places.push(Math.round(sound.currentTime));
  }
  return [Math.round(sound.duration), places];
}"""
SHOW = """async (url) => {
  const picture = new Image();
  picture.src = url;
  await picture.decode();
  return picture.naturalWidth;
}"""
SAVE = """(url) => {
  const link = document.createElement("a");
  link.href = url;
  link.download = "";
  document.body.append(link);
  link.click();
}"""
SEND = """async ([to, id, name, kind, content]) => {
  const bytes = Uint8Array.from(atob(content), (each) => each.charCodeAt(0));
  const ask = async (method, path, body, type = "application/json") => {
    const headers = { "Content-Type": type, "X-CSRFToken": document.body.dataset.csrf };
    return (await fetch(`/api/${path}`, { method, body, headers })).json();
  };
  await ask("POST", "uploads/", JSON.stringify({ id, name, kind, size: bytes.length }));
  await ask("PUT", `uploads/${id}/?offset=0`, bytes, "application/octet-stream");
  await ask("POST", `uploads/${id}/finish/`, "{}");
  const message = JSON.stringify({ client_id: crypto.randomUUID?.() ?? id, upload: id });
  return (await ask("POST", `conversations/${to}/messages/`, message)).message.attachment.url;
}"""
# In every element of our page that could run it; returns what has come as that.
TRY = """async (url) => {
  const found = [];
  const elements = [
    ["script", { src: url }],
    ["script", { src: url, type: "module" }],
    ["link", { rel: "stylesheet", href: url }],
    ["link", { rel: "manifest", href: url }],
    ["iframe", { src: url }],
    ["object", { data: url }],
    ["embed", { src: url }],
  ];
  for (const [name, attributes] of elements) {
    const element = Object.assign(document.createElement(name), attributes);
    const over = new Promise((resolve) => {
      element.addEventListener("load", () => resolve("load"));
      element.addEventListener("error", () => resolve("error"));
      setTimeout(resolve, 150, "silence");
    });
    document.body.append(element);
    if ((await over) === "load" && ["script", "link"].includes(name)) found.push(name);
    element.remove();
  }
  await import(url).then(() => found.push("import"), () => {});
  try {
    const worker = new Worker(url);
    await new Promise((resolve) => {
      worker.onmessage = () => found.push("worker");
      worker.onerror = resolve;
      setTimeout(resolve, 150);
    });
    worker.terminate();
  } catch { /* the policy of the page */ }
  if (navigator.serviceWorker) {
    await navigator.serviceWorker.register(url).then(() => found.push("service"), () => {});
  }
  if (globalThis.ran || document.title === "ran") found.push("ran");
  return found;
}"""
RISKS = (
    "html",
    "xhtml",
    "svg",
    "xml with a style",
    "script",
    "style",
    "html after the mark of a PNG",
    "script after the mark of a GIF",
    "script and GIF",
    "html in a JPEG",
)
NAMES = {
    "报告 2025.pdf": "报告 2025.pdf",
    "🌊 海边.zip": "🌊 海边.zip",
    "100%41 + a;b='c'.txt": "100%41 + a;b='c'.txt",
    'say "hi".txt': "say _hi_.txt",  # which no file system of Windows takes
    "photo\u202egnp.exe.txt": "photognp.exe.txt",
    "网页.html": "网页.html",
}


def sent(server, sender, reader, files: list[tuple[str, str, str]]) -> list[str]:
    code = MAKE.format(sender=sender.name, to=reader.name, files=json.dumps(files))
    return json.loads(
        server.manage("shell", "--verbosity", "0", "-c", code).stdout.splitlines()[-1]
    )


def test_files_are_saved_under_the_names_of_their_senders(friends, server):
    sender, reader = friends("送一", "收一")
    addresses = sent(server, sender, reader, [(name, "file", "text/html") for name in NAMES])
    for address, wanted in zip(addresses, NAMES.values(), strict=True):
        with reader.page.expect_download() as saved:
            reader.page.evaluate(SAVE, reader.site + address)
        assert saved.value.suggested_filename == wanted
        assert saved.value.failure() is None
        # Opened without our page it is saved as well, and runs nowhere.
        with reader.page.expect_download():
            reader.page.evaluate("(url) => open(url)", reader.site + address)
    assert all(page.title() != "ran" for page in reader.context.pages)


def test_pictures_and_sounds_are_shown_and_sought_through_in_our_pages(friends, server):
    sender, reader = friends("送二", "收二")
    picture, sound = sent(
        server,
        sender,
        reader,
        [("图.png", "picture", "image/png"), ("话.wav", "voice", "audio/wav")],
    )
    asked = []
    reader.page.on("response", lambda answer: asked.append((answer.url, answer.status)))
    assert reader.page.evaluate(SHOW, reader.site + picture) == 1
    assert reader.page.evaluate(PLAY, reader.site + sound) == [60, [50, 10, 59]]
    statuses = {status for url, status in asked if url.endswith(sound)}
    assert statuses == {206}
    assert reader.complaints == []
    tab = reader.open_tab()
    assert tab.goto(reader.site + picture).status == 200
    assert tab.evaluate("() => self.origin") == "null", "a page without any right"


def test_a_sound_opened_as_a_page_plays_there(friends, server):
    sender, reader = friends("送三", "收三")
    [sound] = sent(server, sender, reader, [("话.wav", "voice", "audio/wav")])
    assert reader.page.goto(reader.site + sound).status in (200, 206)
    expect(reader.page.locator("video")).to_have_js_property("duration", 60)
    assert reader.complaints == []


@pytest.mark.parametrize("gone", ["recalled", "logged out"])
def test_what_is_kept_is_shown_no_more_when_it_is_gone(friends, server, gone):
    sender, reader = friends(f"送{gone[0]}", f"收{gone[0]}")
    [picture] = sent(server, sender, reader, [("图.png", "picture", "image/png")])
    assert reader.page.evaluate(SHOW, reader.site + picture) == 1
    if gone == "recalled":
        sender.post(f"messages/{picture.split('/')[2]}/recall/")
    else:
        reader.context.clear_cookies()
    reader.go("/terms/")
    found = reader.page.evaluate(
        f"(url) => ({SHOW})(url).catch(() => 'broken')", reader.site + picture
    )
    assert found == "broken"


def test_no_file_of_any_kind_runs_in_our_origin(friends, server):
    sender, reader = friends("送险", "收险")
    would_run = reader.page.evaluate(TRY, f"{reader.site}/static/admin/js/cancel.js")
    assert {"script", "import"} <= set(would_run)
    assert "link" in reader.page.evaluate(TRY, f"{reader.site}/static/css/app.css")
    for number, what in enumerate(RISKS):
        content = (PLAIN | PICTURES)[what]
        name = ("x.html", "x.svg", "x.js", "x.png")[number % 4]
        kind = "picture" if what in PICTURES else ("picture", "file")[number % 2]
        given = ["收险", str(uuid4()), name, kind, base64.b64encode(content).decode()]
        url = reader.site + sender.page.evaluate(SEND, given)
        assert reader.page.evaluate(TRY, url) == [], what
        tab = reader.open_tab()
        with suppress(Error):  # it is saved
            tab.goto(url)
        # A picture is shown in a page of its own, without any right.
        here = tab.evaluate("() => [document.title === 'ran', self.origin]")
        assert here[0] is False, what
        assert here[1] == "null" or not tab.url.startswith(reader.site), (what, here)
        tab.close()
