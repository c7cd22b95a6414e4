"""Profile pictures: chosen and cut by one, and seen by a friend without a reload."""

from __future__ import annotations

import io

import pytest
from PIL import Image
from playwright.sync_api import expect

from .conftest import DESKTOP, PHONE, befriend
from .test_access import grave_faults
from .test_class import ROWS, USERS, WIDER, office  # noqa: F401

FACE = "img.face"
# What the middle and the corners of a shown face are: r, g or b.
COLOURS = """image => image.decode().then(() => {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  const at = (x, y) => {
    const colour = [...context.getImageData(x * canvas.width, y * canvas.height, 1, 1).data];
    return "rgb"[colour.indexOf(Math.max(...colour.slice(0, 3)))];
  };
  return [canvas.width, canvas.height, at(0.05, 0.5), at(0.5, 0.5), at(0.95, 0.5)].join(" ");
})"""
# A picture is decoded when the test says so.
HOLD = """() => {
  const decode = window.createImageBitmap;
  window.createImageBitmap = (file) =>
    new Promise((resolve) => (window.decodeNow = async () => resolve(await decode(file))));
}"""
SHOWN = """() => [...document.querySelectorAll(".avatar")].map((avatar) => {
  const { width, height } = avatar.getBoundingClientRect();
  return `${width} ${height}`;
})"""


def stripes() -> bytes:
    """Make a wide picture: red, green in its middle square, blue."""
    picture = Image.new("RGB", (900, 300), "#c00")
    picture.paste("#0c0", (300, 0, 600, 300))
    picture.paste("#00c", (600, 0, 900, 300))
    made = io.BytesIO()
    picture.save(made, "PNG")
    return made.getvalue()


def choose(person, content: bytes, name="我.png", mimetype="image/png"):
    """Open the dialog and choose a picture, to be cut."""
    person.page.click("#face-button")
    expect(person.page.locator("#face")).to_be_visible()
    with person.page.expect_file_chooser() as chooser:
        person.page.click("#face-choose")
    chooser.value.set_files([{"name": name, "mimeType": mimetype, "buffer": content}])


def drag(page, across: float) -> None:
    """Move the picture by a part of its width."""
    box = page.locator("#face-stage").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + across * box["width"], y, steps=4)
    page.mouse.up()


@pytest.mark.parametrize("device", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_a_face_is_cut_and_a_friend_sees_it_live(people, device):
    mine = people(f"换头像{len(device)}", device, color_scheme="dark")
    friend = people(f"看头像{len(device)}", DESKTOP if device is PHONE else PHONE)
    befriend(mine, friend)
    mine.go(f"/chat/{friend.name}/")
    mine.say("你好")
    expect(mine.page.locator("#messages .message .state")).to_have_text("✓")
    friend.go(f"/chat/{mine.name}/")
    expect(friend.page.locator("#messages .message")).to_have_count(1)
    before = friend.page.evaluate(SHOWN)
    second = mine.open_tab()
    second.goto(f"{mine.site}/chat/{friend.name}/")
    expect(second.locator(FACE)).to_have_count(0)

    mine.go("/me/")
    choose(mine, stripes())
    submit = mine.page.locator("#face [type=submit]")
    expect(submit).to_be_enabled()
    expect(submit).to_have_css("opacity", "1")
    assert grave_faults(mine.page) == []
    # The middle square is green; dragged to the right, what is left of it comes in.
    drag(mine.page, 0.3)
    submit.click()
    expect(mine.page.locator("#face")).to_be_hidden()

    shown = friend.page.locator(f"#messages .theirs {FACE}")
    expect(shown).to_have_count(1)
    assert shown.evaluate(COLOURS) == "256 256 r g g"
    expect(friend.page.locator(f"#chats {FACE}")).to_have_count(1)
    assert friend.page.evaluate(SHOWN) == before, "nothing moves"
    expect(mine.page.locator(f".card-of-mine {FACE}")).to_have_count(1)
    expect(second.locator(f"#messages .mine {FACE}")).to_have_count(1)
    friend.go("/contacts/")
    expect(friend.page.locator(f"#friends {FACE}")).to_have_count(1)

    # Nearer by keys: only the left half of it, red.
    choose(mine, stripes())
    expect(submit).to_be_enabled()
    mine.page.focus("#face-stage")
    for _time in range(8):
        mine.page.keyboard.press("+")
    for _time in range(60):
        mine.page.keyboard.press("ArrowLeft")
    submit.click()
    expect(mine.page.locator("#face")).to_be_hidden()
    friend.go(f"/chat/{mine.name}/")
    shown = friend.page.locator(f"#messages .theirs {FACE}")
    assert shown.evaluate(COLOURS) == "256 256 r r r"

    # And away again, for both, without a reload.
    mine.page.click("#face-remove button")
    expect(mine.page.locator(FACE)).to_have_count(0)
    expect(friend.page.locator(FACE)).to_have_count(0)
    expect(friend.page.locator("#messages .theirs .avatar")).to_have_text("换")
    assert mine.complaints == friend.complaints == []


def test_mistakes_are_said_in_the_dialog_and_it_can_be_left(people):
    mine = people("选错头像", DESKTOP)
    mine.go("/me/")
    choose(mine, b"no picture", "坏.jpg", "image/jpeg")
    status = mine.page.locator("#face-status")
    expect(status).to_have_text("这张图片无法识别，请换一张。")
    expect(mine.page.locator("#face [type=submit]")).to_be_disabled()
    with mine.page.expect_file_chooser() as chooser:
        mine.page.click("#face-choose")
    chooser.value.set_files([{"name": "我.png", "mimeType": "image/png", "buffer": stripes()}])
    expect(status).to_be_hidden()
    mine.page.route("**/api/me/avatar/", lambda route: route.fulfill(
        status=429, json={"error": {"code": "rate_limited", "message": "太频繁"}},
    ))  # fmt: skip
    mine.page.click("#face [type=submit]")
    expect(status).to_have_text("太频繁")
    mine.page.keyboard.press("Escape")
    expect(mine.page.locator("#face")).to_be_hidden()
    expect(mine.page.locator("#face-button")).to_be_focused()
    expect(mine.page.locator(FACE)).to_have_count(0)


def test_a_step_back_closes_the_dialog_and_not_the_page(people):
    mine = people("退一步", PHONE)
    mine.go("/discover/")
    mine.page.click("[href='/me/']:not(.tabs-me)")
    choose(mine, stripes())
    expect(mine.page.locator("#face-cutting")).to_be_visible()
    mine.page.go_back()
    expect(mine.page.locator("#face")).to_be_hidden()
    mine.page.click("#face-button")
    expect(mine.page.locator("#face")).to_be_visible()
    expect(mine.page.locator("#face-cutting")).to_be_hidden()
    mine.page.keyboard.press("Escape")
    mine.page.go_back()
    expect(mine.page.locator("#face-button")).to_have_count(0)
    assert mine.complaints == []


def test_a_picture_that_is_decoded_too_late_is_in_no_later_dialog(people):
    mine = people("来晚了", DESKTOP)
    mine.go("/me/")
    mine.page.evaluate(HOLD)
    choose(mine, stripes())
    mine.page.keyboard.press("Escape")
    expect(mine.page.locator("#face")).to_be_hidden()
    mine.page.evaluate("decodeNow()")
    mine.page.click("#face-button")
    expect(mine.page.locator("#face-choose")).to_be_visible()
    expect(mine.page.locator("#face-cutting")).to_be_hidden()
    expect(mine.page.locator("#face [type=submit]")).to_be_disabled()


def test_a_face_that_does_not_come_leaves_the_letter(friends):
    one, other = friends("丢图", "等图")
    one.go("/me/")
    choose(one, stripes())
    one.page.click("#face [type=submit]")
    expect(one.page.locator(f".card-of-mine {FACE}")).to_have_count(1)
    other.page.route("**/avatars/**", lambda route: route.fulfill(status=404))
    other.go(f"/contacts/{one.name}/")
    expect(other.page.locator(FACE)).to_have_count(0)
    expect(other.page.locator("#contact .avatar")).to_have_text("丢")


def test_without_scripts_a_form_takes_the_middle(people):
    mine = people("无脚本", DESKTOP, java_script_enabled=False)
    mine.go("/me/")
    mine.page.set_input_files(
        "#face-file", [{"name": "我.png", "mimeType": "image/png", "buffer": stripes()}]
    )
    mine.page.click("noscript button, form:has(#face-file) button")
    expect(mine.page.locator(f".card-of-mine {FACE}")).to_have_count(1)
    mine.page.click("#face-remove button")
    expect(mine.page.locator(FACE)).to_have_count(0)


@pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_an_administrator_gives_a_class_its_pictures(office, people, device):  # noqa: F811
    tag = "d" if device is DESKTOP else "p"
    boss, pupil = office(f"chef{tag}", device), people(f"schueler{tag}", PHONE)
    befriend(boss, pupil)
    boss.go(USERS)
    boss.page.click("#content-main >> text=头像")
    photos = [
        {"name": f"{pupil.name.upper()}.png", "mimeType": "image/png", "buffer": stripes()},
        {"name": "nobody.jpg", "mimeType": "image/jpeg", "buffer": stripes()},
        {"name": f"chef{tag}.jpg", "mimeType": "image/jpeg", "buffer": b"no picture"},
    ]
    boss.page.set_input_files("#pictures-file", photos)
    expect(boss.page.locator(f"{ROWS}.is-wrong")).to_have_text(["nobody.jpg没有这个用户名"])
    assert not boss.page.evaluate(WIDER)
    boss.page.click("#pictures [type=submit]")
    expect(boss.page.locator("#pictures-status")).to_have_text("✓ 1 / 2")
    expect(boss.page.locator(f"{ROWS}.is-wrong")).to_have_count(2)
    pupil.go("/me/")
    shown = pupil.page.locator(f".card-of-mine {FACE}")
    assert shown.evaluate(COLOURS) == "256 256 g g g"
    assert boss.complaints == pupil.complaints == []


def test_what_was_not_sent_of_a_class_is_sent_again(office, people):  # noqa: F811
    boss, *pupils = office("chefw", DESKTOP), people("wieder", PHONE), people("nochmal", PHONE)
    boss.go(USERS)
    boss.page.click("#content-main >> text=头像")
    boss.page.set_input_files(
        "#pictures-file",
        [
            {"name": f"{pupil.name}.png", "mimeType": "image/png", "buffer": stripes()}
            for pupil in pupils
        ],
    )
    submit = boss.page.locator("#pictures [type=submit]")
    status = boss.page.locator("#pictures-status")
    expect(submit).to_be_enabled()
    sent = []

    def lose_the_second(route):
        sent.append(route)
        (route.abort if len(sent) == 2 else route.continue_)()

    boss.page.route("**/pictures/", lose_the_second)
    submit.click()
    expect(status).to_have_text("操作失败，请重试。")
    submit.click()
    expect(status).to_have_text("✓ 1 / 1")
    expect(submit).to_be_disabled()
    assert len(sent) == 3
    expect(boss.page.locator(f"{ROWS}:has-text('✓')")).to_have_count(2)
