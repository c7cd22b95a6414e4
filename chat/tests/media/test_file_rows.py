"""Files as pages show them: their room, their length and their size."""

from __future__ import annotations

import pytest
from django.utils.translation import override

from chat.file_rows import (
    extension_of,
    fit,
    in_minutes,
    line_of,
    seconds_of,
    short_name,
    show_file,
)
from chat.presentation import AttachmentView
from tests.cast import Api

from .cast import ready, send


def view(kind="file", name="报告.pdf", **facts):
    return AttachmentView("/attachments/7/", name, "x/y", kind, **({"size": 2_481_520} | facts))


@pytest.mark.parametrize(
    ("size", "box"),
    [
        ((4032, 3024), ("220", "165")),
        ((3024, 4032), ("210", "280")),
        ((100, 80), ("100", "80")),
        ((10_000, 100), ("220", "60")),
        ((16, 16), ("60", "60")),
        ((None, 5), ("", "")),
        ((0, 5), ("", "")),
    ],
)
def test_a_picture_fits_into_its_box(size, box):
    assert fit(*size) == box


def test_lengths():
    assert (in_minutes(65.9), in_minutes(0.2), in_minutes(None)) == ("1:05", "0:00", "")
    assert (seconds_of(3.2), seconds_of(None)) == (4, 1)


@pytest.mark.parametrize(
    ("name", "extension"),
    [
        ("a.pdf", "PDF"),
        ("a", ""),
        (".bashrc", ""),
        ("a.tar.gz", "GZ"),
        ("a.b c", ""),
        ("a.键", "键"),
    ],
)
def test_the_extension_of_a_name(name, extension):
    assert extension_of(name) == extension


# The same names are in tests/js/attachment.test.mjs.
@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("报告.pdf", "报告.pdf"),
        ("第三章 实验报告（最终版）.pdf", "第三章 实验报告（最终版）.pdf"),
        ("计算机二班-20231234-张三-第三次实验报告.docx", "计算机二班-20231234-…验报告.docx"),
        ("a" * 34, "a" * 34),
        ("a" * 35, "a" * 20 + "…" + "a" * 12),
        ("长" * 18, "长" * 10 + "…" + "长" * 6),
        ("𠮷" * 18 + ".txt", "𠮷" * 10 + "…" + "𠮷" * 4 + ".txt"),
    ],
)
def test_a_long_name_loses_its_middle(name, short):
    assert short_name(name) == short


def test_each_family_of_files_has_its_colour():
    for name, family in {"a.PDF": "pdf", "b.xlsx": "table", "c": "other", "d.qqq": "other"}.items():
        assert f'class="file-icon {family}"' in show_file(view(name=name))


def test_where_there_is_room_a_name_is_whole():
    name = "计算机二班-20231234-张三-第三次实验报告.docx"
    assert f">{name}<" in show_file(view(name=name), in_full=True)
    assert f">{name}<" not in show_file(view(name=name))


def test_one_line_about_each_kind():
    with override("zh-hans"):
        assert line_of(view("picture")) == "[图片]"
        assert line_of(view("video")) == "[视频]"
        assert line_of(view("voice")) == "[语音]"
        assert line_of(view()) == "[文件] 报告.pdf"
        assert len(line_of(view(name="长" * 200))) < 80


def test_each_kind_has_its_look():
    with override("zh-hans"):
        picture = show_file(view("picture", width=4032, height=3024, preview="/p/"))
        assert 'src="/p/" width="220" height="165"' in picture
        video = show_file(view("video", width=640, height=360, duration=65.0))
        assert "1:05" in video
        assert 'preload="none"' in video
        voice = show_file(view("voice", duration=12.3))
        assert "13″" in voice
        assert "voice-2" in voice
        file = show_file(view())
        assert "download" in file
        assert "2.4\xa0MB" in file
        assert ">PDF<" in file


def test_a_name_of_html_is_a_name():
    shown = show_file(view(name='<img src=x onerror="1">.svg'))
    assert "<img" not in shown


def test_a_page_shows_the_preview_and_the_list_says_what_it_is(alice, bob):
    pk = send(alice, upload=ready(alice).client_id).json()["message"]["id"]
    client = Api(bob, headers={"accept-language": "zh-cn"}).client
    page = client.get("/chat/alice/").content.decode()
    assert f'<img src="/attachments/{pk}/preview/" width="220" height="147"' in page
    assert "[图片]" in page
    send(bob, "alice", text="美", quote=pk)
    page = client.get("/chat/alice/").content.decode()
    assert 'class="quote-preview"' in page
