"""Text of which nothing can be seen is no text, wherever somebody has to write one."""

from __future__ import annotations

import re
import unicodedata
from uuid import uuid4

import pytest

from chat.models import Message
from tests.cast import Api, error_of, make_user
from webchat.base import text as gate

UNSEEN = [
    *("\u200b", "\ufeff", "\u200d", "\u2060", "\u00ad", "\u034f", "\u061c", "\u180e", "\u202e"),
    *("\u115f", "\u3164", "\uffa0", "\ufe0f", "\u2800", "\ufff9", "\U000e0041", "\U0001d173"),
    *("\U00013430", "\U0001343f", "\U0001d159", "\U00016fe4"),
    *("\u200b \u200b", "\u3000\u200d\n\u00a0\ufe0f", "\u2028\ufeff", "\u200b" * 40),
]
SEEN = [
    *("👩\u200d👩\u200d👧", "❤\ufe0f", "1\ufe0f\u20e3", "a\u00adb", "\u200ba", "\u202eשלום"),
    *(
        ".",
        "\u3164a",
        "\u0301",
        "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        "⠁",
        "\U00013000\U00013430\U00013001",
        "\U0001342f",
    ),
]


def test_what_unicode_calls_a_format_shows_nothing_or_is_known():
    shown = {"Arabic", "Syriac", "Kaithi"}  # signs above or around what follows
    unseen = re.compile(f"[{gate.IGNORABLE}{gate.BLANK}]")
    others = [
        unicodedata.name(chr(code))
        for code in range(0x110000)
        if unicodedata.category(chr(code)) == "Cf" and not unseen.match(chr(code))
    ]
    assert {name.split()[0].title() for name in others} <= shown


@pytest.mark.parametrize("text", UNSEEN, ids=ascii)
def test_nothing_to_be_seen_is_nothing(text):
    assert gate.clean_text(text, most=4000) == ""
    assert gate.mend_text(text)[0] == ""


@pytest.mark.parametrize("text", SEEN, ids=ascii)
def test_beside_something_visible_it_stays(text):
    assert gate.clean_text(text, most=4000) == text
    assert gate.mend_text(text) == (text, 0)


@pytest.mark.parametrize("text", ["\u200b", "\ufeff", "\u200d", "\u2800\u3164"])
def test_no_message_report_remark_or_note_is_empty_to_the_eye(alice, bob, text):
    api = Api(alice)
    sent = api.post("conversations/bob/messages/", text=text, client_id=str(uuid4()))
    assert error_of(sent) == (400, "invalid")
    assert "消息不能为空" in sent.json()["error"]["message"]
    page = api.client.post("/chat/bob/", {"text": text, "client_id": str(uuid4())})
    assert "消息不能为空" in page.content.decode()
    assert not Message.objects.exists()
    assert error_of(api.post("friends/bob/report/", reason=text)) == (400, "invalid")
    assert api.post("friends/bob/remark/", remark=text).json()["friend"]["remark"] == ""
    assert api.get("search/", q=text).json()["messages"] == []
    make_user("dora")
    asked = api.post("friends/requests/", username="dora", note=text)
    assert asked.json()["request"]["note"] == ""
