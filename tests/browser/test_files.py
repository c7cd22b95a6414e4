"""Pictures, videos, files and voices between two people, on a host that is not localhost."""

from __future__ import annotations

import base64
import io
import re

import pytest
from PIL import ExifTags, Image
from playwright.sync_api import expect

from chat.tests.media import films, pictures, samples

from .conftest import DESKTOP, befriend
from .test_access import grave_faults
from .test_unread import SAY

MESSAGES = "#messages .message"
THEIRS = f"{MESSAGES}.theirs .attachment"
NATURAL = "image => image.decode().then(() => [image.naturalWidth, image.naturalHeight])"
FETCH = """async (url) => {
  const blob = await (await fetch(url)).blob();
  const reader = new FileReader();
  const isRead = new Promise((resolve) => reader.onload = resolve);
  reader.readAsDataURL(blob);
  await isRead;
  return reader.result.split(",")[1];
}"""
FIRST = "async (url) => (await (await fetch(url)).json()).messages[0].id"
IS_LATE = "performance.getEntriesByType('resource').some(({ name }) => name.includes('/late.'))"
DROP = """([target, name, type, size]) => {
  const data = new DataTransfer();
  for (const each of name.split("|")) {
    data.items.add(new File([new Uint8Array(size)], each, { type }));
  }
  for (const kind of ["dragenter", "dragover", "drop"]) {
    document.querySelector(target).dispatchEvent(
      new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer: data }));
  }
}"""
PASTE = """([types, name]) => {
  const data = new DataTransfer();
  for (const [type, words] of Object.entries(types)) data.setData(type, words);
  if (name) data.items.add(new File([new Uint8Array(9)], name, { type: "image/png" }));
  const field = document.getElementById("composer-text");
  field.focus();
  const event = new ClipboardEvent("paste", {
    bubbles: true, cancelable: true, clipboardData: data,
  });
  if (field.dispatchEvent(event)) document.execCommand("insertText", false, types["text/plain"]);
}"""


def png(size=(300, 200)) -> bytes:
    made = io.BytesIO()
    Image.linear_gradient("L").resize(size).save(made, "PNG")
    return made.getvalue()


def file(name, content, mimetype):
    return {"name": name, "mimeType": mimetype, "buffer": content}


def choose(person, *files, what="图片和视频"):
    """Choose files by the button, and wait until they can be sent."""
    person.page.click("#attach-button")
    with person.page.expect_file_chooser() as chooser:
        person.page.click(f".popup-menu >> text={what}")
    chooser.value.set_files(list(files))
    expect(person.page.locator("#files [type=submit]")).to_be_enabled()


def send(person, *files, **how):
    choose(person, *files, **how)
    person.page.click("#files [type=submit]")


def fetched(person, shown) -> bytes:
    """Download what a person sees in the chat."""
    return base64.b64decode(person.page.evaluate(FETCH, shown.get_attribute("href")))


def photo() -> bytes:
    """Make a photo of a phone: turned, with its place in EXIF and XMP, larger than is sent."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.Make] = pictures.MAKER.decode()
    exif.get_ifd(ExifTags.IFD.GPSInfo).update({1: "N", 2: (31.0, 13.0, 49.5), 3: "E"})
    made = io.BytesIO()
    seen = Image.effect_noise((800, 500), 60).resize((2400, 1500)).convert("RGB")
    seen.save(made, "JPEG", exif=exif, xmp=pictures.xmp(pictures.GPS), quality=90)
    return made.getvalue()


def no_place_in(content: bytes) -> bool:
    return not any(each in content for each in samples.secrets())


@pytest.fixture
def pair(friends):
    def make(first, second):
        one, other = friends(first, second)
        one.go(f"/chat/{other.name}/")
        other.go(f"/chat/{one.name}/")
        for each in (one, other):
            # Playwright begins to wait for choosers in its own time, and a key may be quicker.
            each.page.on("filechooser", lambda chooser: None)
            expect(each.page.locator("#attach-button")).to_be_visible()
            while not each.page.evaluate(IS_LATE):  # the site forbids `wait_for_function`
                each.page.wait_for_timeout(50)
            each.page.wait_for_timeout(200)  # the second script begins
        return one, other

    return make


IN_THE_MIDDLE = """(element) => {
  const { left, right, top, bottom } = element.getBoundingClientRect();
  return Math.abs(left + right - innerWidth) < 2 && Math.abs(top + bottom - innerHeight) < 2;
}"""
HOLD = """() => {
  const decode = window.createImageBitmap;
  window.decoded = [];
  window.createImageBitmap = (file) => {
    window.decoded.push(file.name);
    return file.name === "slow.png" ? new Promise(() => {}) : decode(file);
  };
}"""
WHILE_IT_COMES = """(image) => {
  const area = document.querySelector(".thread-area");
  const behind = [];
  while (area.nextSibling) behind.push(area.nextSibling), area.nextSibling.remove();
  const meanwhile = getComputedStyle(image).display;
  area.after(...behind);
  return [meanwhile, getComputedStyle(image).display];
}"""


def test_a_page_that_is_still_coming_loads_none_of_its_pictures(pair):
    """The first of its messages are at the end of the thread then, as if they were in view."""
    one, other = pair("先到", "后到")
    send(one, file("a.png", png(), "image/png"))
    image = other.page.locator(f"{THEIRS} img")
    expect(image).to_be_visible()
    meanwhile, later = image.evaluate(WHILE_IT_COMES)
    assert meanwhile == "none"
    assert later != "none"


def test_what_arrives_is_upright_in_order_and_without_its_place(pair):
    one, other = pair("发图", "收图")
    large = photo()
    assert pictures.MAKER in large
    assert b"GPSLatitude" in large
    choose(one, file("海边.jpg", large, "image/jpeg"), file("截图.png", png(), "image/png"))
    expect(one.page.locator("#files-chosen canvas")).to_have_count(2)
    one.page.click("#files [type=submit]")
    shown = other.page.locator(f"{THEIRS}.picture")
    expect(shown.locator("img")).to_have_count(2)
    names = shown.evaluate_all("all => all.map((each) => each.dataset.name)")
    assert names == ["海边.jpg", "截图.png"]
    width, height = shown.locator("img").first.evaluate(NATURAL)
    assert width < height, "upright"
    expect(one.page.locator(f"{MESSAGES}.mine .state").last).to_have_text("✓")
    # Smaller than it was, as 原图 was not ticked.
    assert max(Image.open(io.BytesIO(fetched(other, shown.first))).size) == 2048

    choose(one, file("原图.jpg", large, "image/jpeg"))
    one.page.check("#files-original input")
    one.page.click("#files [type=submit]")
    expect(shown).to_have_count(3)
    kept = fetched(other, shown.last)
    picture = Image.open(io.BytesIO(kept))
    assert picture.size == (2400, 1500)
    assert picture.getexif()[ExifTags.Base.Orientation] == 6
    assert picture.getexif().get_ifd(ExifTags.IFD.GPSInfo) == {}
    assert no_place_in(kept)

    # From the other side, as films, and as a file that nobody is to see.
    for name, what in (("旅行.mp4", "图片和视频"), ("旅行.mov", "文件")):
        made = films.film(brand=b"isom" if what != "文件" else b"qt  ", first=False)
        assert not no_place_in(made)
        send(other, file(name, made, "video/mp4"), what=what)
        kind = "file" if what == "文件" else "video"
        got = one.page.locator(f"{THEIRS}.{kind}")
        expect(got).to_have_count(1)
        assert no_place_in(fetched(one, got))
    # It has no pictures: why nothing is seen stands over the window.
    one.page.locator(f"{THEIRS}.video").click()
    status = one.page.locator("#lightbox .lightbox-status")
    expect(status).to_have_text("这个浏览器无法播放，可以保存文件。")
    assert grave_faults(one.page) == []
    assert one.complaints == other.complaints == []


def test_the_window_over_all_pictures(pair):
    one, other = pair("看图一", "看图二")
    send(
        one, *(file(f"{number}.png", png((300 + number, 200)), "image/png") for number in range(3))
    )
    expect(other.page.locator(f"{THEIRS}.picture img")).to_have_count(3)
    page = other.page
    page.locator(f"{THEIRS}.picture").nth(1).click()
    name, picture = page.locator(".lightbox-name"), page.locator(".lightbox-stage img")
    expect(name).to_have_text("1.png")
    picture.click()
    expect(page.locator("#lightbox")).to_be_visible()
    assert grave_faults(page) == []
    page.keyboard.press("+")
    expect(picture).to_have_attribute("style", re.compile(r"scale\(1\.25\)"))
    page.keyboard.press("0")
    page.keyboard.press("ArrowRight")
    expect(name).to_have_text("2.png")
    expect(page.locator(".lightbox-next")).to_be_disabled()
    page.keyboard.press("ArrowLeft")
    page.click(".lightbox-previous")
    expect(name).to_have_text("0.png")
    # The button has gone out, and the keys work on.
    page.keyboard.press("ArrowRight")
    expect(name).to_have_text("1.png")
    assert page.locator(".lightbox-save").get_attribute("download") == "1.png"
    shown = page.locator(f"{THEIRS}.picture").nth(1).get_attribute("href")
    one.post(f"messages/{shown.split('/')[-2]}/recall/")
    expect(name).to_have_text("2.png")
    # Over the picture: what the page says is hidden behind it.
    expect(page.locator("#lightbox .lightbox-status")).to_have_text("内容已不存在。")
    page.keyboard.press("Escape")
    expect(page.locator("#lightbox")).to_be_hidden()
    # A step back closes the picture, not the chat.
    page.goto(f"{other.site}/")
    page.click(f".row-link >> text={one.name}")
    page.locator(f"{THEIRS}.picture").first.click()
    expect(page.locator("#lightbox")).to_be_visible()
    page.go_back()
    expect(page.locator("#lightbox")).to_be_hidden()
    expect(page.locator("#composer")).to_be_visible()
    assert one.complaints == other.complaints == []


def test_a_picture_larger_than_the_window_is_shown_whole(pair):
    one, other = pair("大一", "大二")
    send(one, file("高.png", png((900, 2000)), "image/png"))
    shown = other.page.locator(f"{THEIRS}.picture img")
    shown.click()
    picture = other.page.locator(".lightbox-stage img")
    assert picture.evaluate(NATURAL) == [900, 2000]
    assert picture.evaluate(IN_THE_MIDDLE)
    box, window = picture.bounding_box(), other.page.viewport_size
    assert (round(box["y"]), round(box["height"])) == (0, window["height"])


def test_what_is_dropped_and_what_is_refused_in_words(pair):
    one, other = pair("拖一", "拖二")
    page = one.page
    page.evaluate(DROP, ["#conversation", "第三章 报告.pdf", "application/pdf", 700_000])
    expect(page.locator("#files .file-name")).to_have_text("第三章 报告.pdf")
    expect(page.locator("#files-places")).to_have_text("可能含有拍摄地点。")
    expect(page.locator("#files [type=submit]")).to_be_enabled()
    page.click("#files [type=submit]")
    expect(other.page.locator(f"{THEIRS}.file .file-name")).to_have_text("第三章 报告.pdf")
    expect(other.page.locator(f"{THEIRS}.file .file-size")).to_contain_text("683.6")
    with other.page.expect_download() as download:
        other.page.click(f"{THEIRS}.file")
    assert download.value.suggested_filename == "第三章 报告.pdf"

    page.evaluate(DROP, ["#conversation", "大.bin", "", 101 * 1024 * 1024])
    expect(page.locator("#files-status")).to_have_text("“大.bin”：文件太大（最多 100 MB）。")
    page.click("#files-cancel")
    many = "|".join(f"{number}.txt" for number in range(12))
    page.evaluate(DROP, ["#conversation", many, "text/plain", 9])
    expect(page.locator("#files .files-row")).to_have_count(9)
    expect(page.locator("#files-status")).to_have_text("一次最多 9 个。")
    assert grave_faults(page) == []
    page.click("#files-cancel")
    # Beside the chat it leads nowhere.
    page.evaluate(DROP, ["#list", "旁.txt", "text/plain", 9])
    expect(page.locator("#files")).to_be_hidden()

    page.evaluate(DROP, ["#conversation", "坏.png", "image/png", 9])
    expect(page.locator("#files [type=submit]")).to_be_enabled()
    page.click("#files [type=submit]")
    expect(page.locator(".file-notice")).to_have_text("这张图片无法识别，已按文件发送。")
    expect(other.page.locator(f"{THEIRS}.file .file-name").last).to_have_text("坏.png")
    assert grave_faults(page) == grave_faults(other.page) == []
    assert one.complaints == other.complaints == []


def test_a_choice_that_was_closed_holds_up_no_other(pair):
    one, other = pair("改一", "改二")
    page = one.page
    page.evaluate(HOLD)
    page.click("#attach-button")
    with page.expect_file_chooser() as chooser:
        page.click(".popup-menu >> text=图片和视频")
    names = ("slow.png", "after.png", "quick.png")
    slow, after, quick = (file(name, png(), "image/png") for name in names)
    chooser.value.set_files([slow, after])
    expect(page.locator("#files .files-row")).to_have_count(2)
    expect(page.locator("#files [type=submit]")).to_be_disabled()
    assert page.locator("#files").evaluate(IN_THE_MIDDLE)
    page.click("#files-cancel")
    send(one, quick)
    expect(other.page.locator(f"{THEIRS}.picture")).to_have_count(1)
    assert page.evaluate("decoded") == ["slow.png", "quick.png"]
    assert one.complaints == other.complaints == []


def test_a_picture_is_pasted_and_cells_stay_text(pair):
    one, _other = pair("贴一", "贴二")
    page = one.page
    page.evaluate(PASTE, [{"text/plain": "1\t2", "text/html": "<table>"}, "image.png"])
    expect(page.locator("#composer-text")).to_have_value("1\t2")
    expect(page.locator("#files")).to_be_hidden()
    page.click("text=粘贴为图片")
    expect(page.locator("#composer-text")).to_have_value("")
    expect(page.locator("#files .file-name")).to_contain_text("粘贴2")
    page.click("#files-cancel")
    page.evaluate(PASTE, [{"text/html": "<img>"}, "image.png"])
    expect(page.locator("#files .file-name")).to_contain_text("粘贴2")
    page.click("#files-cancel")
    expect(page.locator("#files")).to_be_hidden()
    expect(page.locator("#paste-offer")).to_be_hidden()


def test_an_upload_is_given_up_and_others_go_on_after_a_reload(pair):
    one, other = pair("停一", "停二")
    page = one.page
    page.route("**/api/uploads/*/?offset=*", lambda route: route.abort())
    send(one, file("大.bin", bytes(600_000), "application/octet-stream"), what="文件")
    expect(page.locator(f"{MESSAGES}.mine progress")).to_be_visible()
    page.click(f"{MESSAGES}.mine .state .discard")
    expect(page.locator(MESSAGES)).to_have_count(0)
    # The second one is made smaller, each time in the same way.
    chosen = [
        file("二.bin", bytes(600_000), "application/octet-stream"),
        file("三.jpg", photo(), "image/jpeg"),
    ]
    for each, what in zip(chosen, ("文件", "图片和视频"), strict=True):
        send(one, each, what=what)
    expect(page.locator(f"{MESSAGES}.mine progress")).to_have_count(2)
    page.unroute("**/api/uploads/*/?offset=*")
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    expect(page.locator("text=重新选择文件")).to_have_count(2)
    for each in chosen:
        with page.expect_file_chooser() as chooser:
            page.locator("text=重新选择文件").first.click()
        chooser.value.set_files([each])
        expect(other.page.locator(THEIRS)).to_have_count(1 + chosen.index(each))
    expect(other.page.locator(f"{THEIRS}.file .file-name")).to_have_text("二.bin")
    expect(other.page.locator(f"{THEIRS}.picture")).to_have_count(1)


def test_a_file_that_is_sent_far_above_leads_to_the_end(pair, server):
    one, other = pair("远一", "远二")
    server.manage("shell", "-c", SAY.format(sender=other.name, to=one.name, first=0, last=120))
    page = one.page
    first = page.evaluate(FIRST, f"{one.site}/api/conversations/{other.name}/messages/?after=0")
    one.go(f"/chat/{other.name}/?at={first}")
    expect(page.locator(f"{MESSAGES} .bubble").first).to_have_text("第0条")
    expect(page.locator("text=第119条")).to_have_count(1)  # in the list of chats alone
    send(one, file("远.png", png(), "image/png"))
    mine = page.locator(f"{MESSAGES}.mine")
    expect(mine.locator(".state")).to_have_text("✓")
    expect(mine).to_be_in_viewport()
    expect(page.locator(f"{MESSAGES}:has(+ .mine) .bubble")).to_have_text("第119条")
    assert one.complaints == other.complaints == []


def test_a_file_is_quoted_forwarded_found_and_listed(pair):
    one, other = pair("转一", "转二")
    # By keys alone.
    one.page.locator("#attach-button").press("Enter")
    expect(one.page.locator(".popup-menu >> text=图片和视频")).to_be_focused()
    with one.page.expect_file_chooser() as chooser:
        one.page.keyboard.press("Enter")
    chooser.value.set_files([file("海边.png", png(), "image/png")])
    expect(one.page.locator("#files [type=submit]")).to_be_focused()
    one.page.keyboard.press("Enter")
    expect(other.page.locator(f"{THEIRS}.picture img")).to_have_count(1)
    page = other.page
    page.locator(f"{MESSAGES} .message-more").first.evaluate("button => button.click()")
    page.click(".popup-menu >> text=引用")
    expect(page.locator("#quote-bar .quote-words")).to_contain_text("[图片]")
    other.say("真美")
    expect(one.page.locator(f"{MESSAGES}.theirs .quote img")).to_have_count(1)
    page.locator(f"{MESSAGES} .message-more").first.evaluate("button => button.click()")
    page.click(".popup-menu >> text=转发")
    page.locator("#forward-friends input").first.check()
    page.click("#forward [type=submit]")
    expect(one.page.locator(f"{THEIRS}.picture img")).to_have_count(1)
    one.page.fill("#chat-filter", "海边")
    expect(one.page.locator("#found-messages .row-preview")).to_have_text("相关记录 2 条")
    one.go(f"/chat/{other.name}/files/")
    one.page.fill("#files-words", "海边")
    one.page.keyboard.press("Enter")
    one.page.wait_for_url("**q=*")
    expect(one.page.locator("#gallery .attachment.picture img")).to_have_count(2)
    assert grave_faults(one.page) == []
    expect(one.page.locator("#gallery .attachment.picture img")).to_have_count(2)
    one.page.wait_for_timeout(2_500)  # the second script comes a second after the page is live
    one.page.locator("#gallery .attachment.picture").first.click()
    expect(one.page.locator("#lightbox")).to_be_visible()
    assert one.complaints == other.complaints == []


def test_a_form_without_scripts_sends_a_file_and_saves_one(people, server):
    one, other = people("无脚本", DESKTOP, java_script_enabled=False), people("有脚本", DESKTOP)
    befriend(one, other)
    one.go(f"/chat/{other.name}/")
    one.page.set_input_files("#file", [file("坏.png", b"no picture", "image/png")])
    one.page.click(".file-form button")
    expect(one.page.locator(".notice")).to_have_text("这张图片无法识别，已按文件发送。")
    with one.page.expect_download() as download:
        one.page.click(f"{MESSAGES} .attachment.file")
    assert download.value.suggested_filename == "坏.png"
    assert one.complaints == []
