"""Pictures, videos, files and voices between two people, on a host that is not localhost."""

from __future__ import annotations

import io

import pytest
from PIL import Image
from playwright.sync_api import expect

from chat.tests.media.cast import MAKER, photo

MESSAGES = "#messages .message"
THEIRS = f"{MESSAGES}.theirs .attachment"
NATURAL = "image => image.decode().then(() => [image.naturalWidth, image.naturalHeight])"
FETCH = "url => fetch(url).then((r) => r.arrayBuffer()).then((b) => [...new Uint8Array(b)])"
IS_LATE = "performance.getEntriesByType('resource').some(({ name }) => name.includes('/late.'))"
DROP = """([target, name, type, size]) => {
  const data = new DataTransfer();
  data.items.add(new File([new Uint8Array(size)], name, { type }));
  for (const kind of ["dragenter", "dragover", "drop"]) {
    document.querySelector(target).dispatchEvent(
      new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer: data }));
  }
}"""
PASTE = """([types, name]) => {
  const data = new DataTransfer();
  for (const [type, words] of Object.entries(types)) data.setData(type, words);
  if (name) data.items.add(new File([new Uint8Array(9)], name, { type: "image/png" }));
  document.getElementById("composer-text").dispatchEvent(
    new ClipboardEvent("paste", { bubbles: true, cancelable: true, clipboardData: data }));
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


def fetched(person, url) -> bytes:
    return bytes(person.page.evaluate(FETCH, url))


@pytest.fixture
def pair(friends):
    def make(first, second):
        one, other = friends(first, second)
        one.go(f"/chat/{other.name}/")
        other.go(f"/chat/{one.name}/")
        for each in (one, other):
            expect(each.page.locator("#attach-button")).to_be_visible()
            while not each.page.evaluate(IS_LATE):  # the site forbids `wait_for_function`
                each.page.wait_for_timeout(50)
            each.page.wait_for_timeout(200)  # the second script begins
        return one, other

    return make


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


def test_pictures_arrive_in_order_upright_and_without_their_place(pair):
    one, other = pair("发图", "收图")
    large = photo((2400, 1600), orientation=6)
    choose(one, file("海边.jpg", large, "image/jpeg"), file("截图.png", png(), "image/png"))
    expect(one.page.locator("#files-chosen canvas")).to_have_count(2)
    one.page.click("#files [type=submit]")
    expect(other.page.locator(f"{THEIRS}.picture img")).to_have_count(2)
    names = other.page.locator(f"{THEIRS}.picture").evaluate_all(
        "all => all.map((e) => e.dataset.name)"
    )
    assert names == ["海边.jpg", "截图.png"]
    width, height = other.page.locator(f"{THEIRS}.picture img").first.evaluate(NATURAL)
    assert width < height, "upright"
    expect(one.page.locator(f"{MESSAGES}.mine .state").last).to_have_text("✓")
    # Smaller than it was, as 原图 was not ticked.
    url = other.page.locator(f"{THEIRS}.picture").first.get_attribute("href")
    kept = fetched(other, url)
    assert MAKER.encode() in large
    assert MAKER.encode() not in kept
    assert max(Image.open(io.BytesIO(kept)).size) == 2048
    assert one.complaints == other.complaints == []


def test_a_picture_as_it_is_keeps_its_pixels_and_loses_its_place(pair):
    one, other = pair("发原图", "收原图")
    large = photo((2400, 1600))
    choose(one, file("海边.jpg", large, "image/jpeg"))
    one.page.check("#files-original input")
    one.page.click("#files [type=submit]")
    picture = other.page.locator(f"{THEIRS}.picture")
    expect(picture).to_have_count(1)
    kept = fetched(other, picture.get_attribute("href"))
    assert Image.open(io.BytesIO(kept)).size == (2400, 1600)
    assert MAKER.encode() not in kept


def test_the_window_over_all_pictures(pair):
    one, other = pair("看图一", "看图二")
    send(
        one, *(file(f"{number}.png", png((300 + number, 200)), "image/png") for number in range(3))
    )
    expect(other.page.locator(f"{THEIRS}.picture img")).to_have_count(3)
    page = other.page
    page.locator(f"{THEIRS}.picture").nth(1).click()
    name = page.locator(".lightbox-name")
    expect(name).to_have_text("1.png")
    page.keyboard.press("ArrowRight")
    expect(name).to_have_text("2.png")
    expect(page.locator(".lightbox-next")).to_be_disabled()
    page.keyboard.press("ArrowLeft")
    page.click(".lightbox-previous")
    expect(name).to_have_text("0.png")
    assert page.locator(".lightbox-save").get_attribute("download") == "0.png"
    page.keyboard.press("Escape")
    expect(page.locator("#lightbox")).to_be_hidden()
    assert other.complaints == []


def test_files_are_dropped_and_too_large_ones_are_refused_in_words(pair):
    one, other = pair("拖一", "拖二")
    one.page.evaluate(DROP, ["#conversation", "第三章 报告.pdf", "application/pdf", 700_000])
    expect(one.page.locator("#files .file-name")).to_have_text("第三章 报告.pdf")
    expect(one.page.locator("#files-places")).to_have_text("可能含有拍摄地点。")
    expect(one.page.locator("#files [type=submit]")).to_be_enabled()
    one.page.click("#files [type=submit]")
    expect(other.page.locator(f"{THEIRS}.file .file-name")).to_have_text("第三章 报告.pdf")
    expect(other.page.locator(f"{THEIRS}.file .file-size")).to_contain_text("683.6")
    with other.page.expect_download() as download:
        other.page.click(f"{THEIRS}.file")
    assert download.value.suggested_filename == "第三章 报告.pdf"
    one.page.evaluate("document.getElementById('attach-button').dataset.limit = '1000'")
    one.go(f"/chat/{other.name}/")
    expect(one.page.locator("#attach-button")).to_be_visible()
    assert one.complaints == other.complaints == []


def test_a_picture_is_pasted_and_cells_stay_text(pair):
    one, _other = pair("贴一", "贴二")
    one.page.evaluate(PASTE, [{"text/plain": "1\t2", "text/html": "<table>"}, "image.png"])
    expect(one.page.locator("#files")).to_be_hidden()
    one.page.evaluate(PASTE, [{"text/html": "<img>"}, "image.png"])
    expect(one.page.locator("#files .file-name")).to_contain_text("粘贴2")
    one.page.click("#files-cancel")
    expect(one.page.locator("#files")).to_be_hidden()


def test_an_upload_is_given_up_and_another_goes_on_after_a_reload(pair):
    one, other = pair("停一", "停二")
    one.page.route("**/api/uploads/*/?offset=*", lambda route: route.abort())
    send(one, file("大.bin", bytes(600_000), "application/octet-stream"), what="文件")
    expect(one.page.locator(f"{MESSAGES}.mine progress")).to_be_visible()
    one.page.click(f"{MESSAGES}.mine .state .discard")
    expect(one.page.locator(MESSAGES)).to_have_count(0)
    send(one, file("二.bin", bytes(600_000), "application/octet-stream"), what="文件")
    expect(one.page.locator(f"{MESSAGES}.mine progress")).to_be_visible()
    one.page.unroute("**/api/uploads/*/?offset=*")
    one.page.on("dialog", lambda dialog: dialog.accept())
    one.page.reload()
    with one.page.expect_file_chooser() as chooser:
        one.page.click("text=重新选择文件")
    chooser.value.set_files([file("二.bin", bytes(600_000), "application/octet-stream")])
    expect(other.page.locator(f"{THEIRS}.file .file-name")).to_have_text("二.bin")


def test_a_file_is_quoted_forwarded_and_listed(pair):
    one, other = pair("转一", "转二")
    send(one, file("海边.png", png(), "image/png"))
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
    one.go(f"/chat/{other.name}/files/")
    expect(one.page.locator("#gallery .attachment.picture img")).to_have_count(2)
    one.page.wait_for_timeout(2_500)  # the second script comes a second after the page is live
    one.page.locator("#gallery .attachment.picture").first.click()
    expect(one.page.locator("#lightbox")).to_be_visible()
    assert one.complaints == other.complaints == []
