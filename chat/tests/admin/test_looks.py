"""Every page of the admin: nothing inline, no English in the Chinese one, cards on a phone."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString

from accounts.models import User
from chat.models import Announcement
from chat.moderation import services
from friends.models import Friendship
from webchat.templatetags.admin_lists import labelled

from .conftest import AUDIT, FRONT, QUEUE, USERS, page_of

READ_ATTRIBUTES = ("alt", "aria-label", "placeholder", "title")
# First passwords, and codes.
SECRETS = r"([a-z2-9]{4}-){2}[a-z2-9]{4}|[A-Z0-9]{5}-[A-Z0-9]{5}"
# The same in every language: names, settings, commands, and the words of a report.
NAMES = (
    r"cd \S+ && (sudo -u \S+ )?\.venv/bin/python manage\.py \w+|chmod \S+ \S+"
    r"|webchat|alice|bob|root|moderator|manage\.py \w+|[A-Z]+_[A-Z]+(=\w+)?|\.env"
    r"|https?://\S+|Excel|CSV|UTF-8|GBK|Ctrl|[KMG]B|Control|Mac|Command|beleidigend|davor|böse|Worte|danach"
)


class Page(HTMLParser):
    """What a reader is shown or told, and what the Content-Security-Policy would stop."""

    def __init__(self, html):
        super().__init__()
        self.words, self.inline, self.open = [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag in ("script", "style"):
            self.open.append(tag)
            self.inline += [tag] if "src" not in given else []
        self.inline += [name for name in given if name == "style" or name.startswith("on")]
        shown = [given.get(name) for name in READ_ATTRIBUTES]
        if given.get("type") in ("submit", "button"):
            shown.append(given.get("value"))
        self.words += filter(None, shown)

    def handle_endtag(self, tag):
        if self.open and tag == self.open[-1]:
            self.open.pop()

    def handle_data(self, data):
        if not self.open and data.strip():
            self.words.append(data.strip())

    @property
    def english(self):
        read = [re.sub(f"{SECRETS}|{NAMES}", "", each) for each in self.words]
        return [each for each in read if re.search("[A-Za-z]{2}", each)]


@pytest.fixture
def root_desk(db):
    client = Client(headers={"accept-language": "zh-CN"})
    client.force_login(User.objects.create_superuser("root", password="blaue-Wolke-7"))
    return client


@pytest.fixture
def paths(report, alice, bob, root_desk):
    """The addresses of all pages, with something on each."""
    root = User.objects.get(username="root")
    services.warn(by=root, about=bob, words="别这样")
    announcement = Announcement.objects.create(text="周五维护")
    friendship = Friendship.objects.first()
    group = Group.objects.get(name="管理员")
    names = [
        ("accounts_user", bob.pk),
        ("auth_group", group.pk),
        ("chat_announcement", announcement.pk),
        ("friends_friendship", friendship.pk),
    ]
    for_one = [
        reverse(f"admin:{name}_{page}", args=[pk])
        for name, pk in names
        for page in ("change", "delete", "history")
    ]
    lists = [reverse(f"admin:{name}_changelist") for name, _ in names]
    return [
        FRONT,
        AUDIT,
        f"{QUEUE}?state=all",
        f"{USERS}?q=nobody",
        page_of(report),
        *lists,
        *for_one,
        reverse("admin:accounts_user_add"),
        *(reverse(f"admin:accounts_user_{name}") for name in ("waiting", "roster", "codes")),
        reverse("admin:auth_user_password_change", args=[alice.pk]),
        reverse("admin:chat_announcement_add"),
        reverse("admin:friends_friendrequest_changelist"),
        reverse("admin:app_list", args=["chat"]),
    ]


def test_no_page_has_anything_inline_or_in_english(root_desk, paths):
    for path in paths:
        answer = root_desk.get(path)
        assert answer.status_code == 200, path
        page = Page(answer.content.decode())
        assert len(page.words) > 10, path
        assert (path, page.inline, page.english) == (path, [], [])


def test_the_pages_that_answer_a_form_neither(root_desk, alice, bob):
    User.objects.filter(pk=bob.pk).update(unverified_since=timezone.now())
    roster, codes, waiting = (
        reverse(f"admin:accounts_user_{name}") for name in ("roster", "codes", "waiting")
    )
    preview = root_desk.post(roster, {"text": "用户名\n李雷\n"})
    sent = preview.context["form"].initial | {"enrol": "1"}
    answers = [
        preview,
        root_desk.post(roster, {"text": "用户名\nalice\n"}),
        root_desk.post(roster, {name: value for name, value in sent.items() if value}),
        root_desk.post(codes, {"names": "bob"}),
        root_desk.post(codes, {"names": "alice"}),
        root_desk.get(waiting),
    ]
    statuses = [200, 422, 200, 422, 200, 200]
    for slips in (answers[2], answers[4]):
        page = slips.content.decode()
        assert re.search(r'src="/static/js/print[^"]*\.js"', page)
        assert "data-print hidden>打印</button>" in page
    for answer, status in zip(answers, statuses, strict=True):
        page = Page(answer.content.decode())
        facts = (answer.status_code, page.inline, page.english)
        assert facts == (status, [], []), answer.templates[0].name


def test_the_log_in_is_like_the_rest(db):
    page = Page(
        Client(headers={"accept-language": "zh-CN"}).get(FRONT, follow=True).content.decode()
    )
    assert (page.inline, page.english) == ([], [])


def test_the_scripts_of_the_admin_speak_chinese(root_desk):
    phrases = root_desk.get(reverse("admin:jsi18n")).content.decode()
    assert '"Choose all %s": "\\u9009\\u62e9\\u5168\\u90e8%s"' in phrases
    assert '"Cancel": "\\u53d6\\u6d88"' in phrases
    ours = '"Available %s": "\\u53ef\\u9009\\u7684%s"'
    assert ours in phrases  # Django's has a blank before the name


def test_our_chinese_comes_before_that_of_django(root_desk, bob):
    page = root_desk.get(USERS).content.decode()
    assert "添加用户" in page
    assert "增加" not in page
    question = root_desk.get(reverse("admin:accounts_user_delete", args=[bob.pk]))
    assert "要删除用户“bob”吗？" in question.content.decode()


def test_each_cell_of_a_list_names_its_column(root_desk, bob):
    page = root_desk.get(USERS).content.decode()
    assert '<td data-label="邮箱" data-empty class="field-email">-</td>' in page
    assert '<td class="action-checkbox">' in page
    assert '<td data-label="身份" class="field-role">超级用户</td>' in page
    row = page.partition("<tbody>")[2].partition("</tr>")[0]
    assert row.count("data-label=") == row.count("<td") + row.count("<th") - 1


def test_every_list_shows_moments_alike_and_sorts_by_them(root_desk, paths):
    for path in (AUDIT, f"{QUEUE}?state=all", *(each for each in paths if each.endswith("ship/"))):
        page = root_desk.get(path).content.decode()
        found = re.search(r'<t[dh] data-label="[^"]+" class="field-(\w*at)">([^<]+)</t', page)
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", found[2]), path
        assert re.search(rf'class="sortable column-{found[1]}', page), path


def test_a_search_that_is_refused_stays_in_its_field(root_desk):
    for path in (USERS, QUEUE, AUDIT):
        page = root_desk.get(path, {"q": 'x"' * 60}).content.decode()
        assert "最多搜索 100 个字" in page
        assert f'value="{"x&quot;" * 60}"' in page
        assert '<a class="search-all"' in page


def test_a_search_without_a_hit_is_told_from_an_empty_list(root_desk):
    assert "没有找到" in root_desk.get(USERS, {"q": "nobody"}).content.decode()
    assert "没有找到" in root_desk.get(USERS, {"standing": "banned"}).content.decode()
    empty = root_desk.get(reverse("admin:friends_friendrequest_changelist")).content.decode()
    assert "没有找到" not in empty
    assert "这里还没有内容" in empty


def test_the_history_of_an_account_names_its_fields(root_desk, alice):
    page = reverse("admin:accounts_user_change", args=[alice.pk])
    data = {"email": "a@example.com", "real_name": "王伟", "must_change_password": "on"}
    rights = {"is_staff": "on", "is_superuser": "on", "groups": Group.objects.get().pk}
    assert root_desk.post(page, data | rights).status_code == 302
    path = reverse("admin:accounts_user_history", args=[alice.pk])
    answer = Page(root_desk.get(path).content.decode())
    said = next(each for each in answer.words if "姓名" in each)
    assert all(each in said for each in ("邮箱", "须修改密码", "管理员", "超级用户", "用户组"))
    assert answer.english == []


def test_a_password_is_asked_for_as_on_our_own_pages(root_desk, alice):
    for path in (
        reverse("admin:auth_user_password_change", args=[alice.pk]),
        reverse("admin:accounts_user_add"),
    ):
        page = root_desk.get(path).content.decode()
        assert "至少 8 个字符，不能全是数字，也不要太容易猜到。" in page
        assert "你的密码" not in page


def test_a_name_of_a_column_cannot_leave_its_attribute():
    [cell, empty, box] = labelled(
        [SafeString(f"<td>{each}</td>") for each in ("&lt;b&gt;", "-", "box")],
        [{"text": 'x"><script>'}, {"text": "email"}, {"text": SafeString('<input id="all">')}],
    )
    assert cell == '<td data-label="X&quot;&gt;&lt;script&gt;">&lt;b&gt;</td>'
    assert empty == '<td data-label="Email" data-empty>-</td>'
    assert box == "<td>box</td>"
