import unicodedata

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from accounts.lookalikes import CONFUSABLES, resembles_staff
from accounts.models import User
from accounts.names import (
    RESERVED_KEYS,
    normalize_username,
    username_key,
    validate_new_username,
    validate_unreserved,
    validate_username,
)
from webchat.base.text import fold, normalize

WELCOME = [
    "alice",
    "alice_b",
    "a.b-c_d",
    "ab",
    "a" * 16,
    "12",
    "王伟",
    "王伟2024",
    "Tom王",
    "佐々木",
    "二〇二四",
    "スーパー",
    "らーめん",
    "すゞめ",
    "ひらカナ漢字abc",
    "김철수",
    "Kim김王",
    "ㄅㄆ王",
    "Иван",
    "Ελένη",
    "علي",
    "José",
    "Jose\u0301",  # the same, decomposed
    "𠮷野家",  # a Han letter beyond the basic plane
    "ａｌｉｃｅ２",  # full width
    "ｚｏｅ\u0308",
    "ｱﾘｽ",  # half width
]
INVALID = [
    "..",
    "../evil",
    "<img onerror>",
    "<b>",
    "a b",
    "a\u3000b",
    "_a",
    "a_",
    "-a",
    "a.",
    "a..b",
    "a_-b",
    "a/b",
    "a\\b",
    "a@b",
    "a%2fb",
    "a'b",
    "😀😀",
    "a😀",
    "👨\u200d👩\u200d👧",
    "a\x00b",
    "a\nb",
    "a\u200bb",  # zero width space
    "a\u202eb",  # right-to-left override
    "a\ufeffb",
    "a\ue000b",  # private use
    "a\ud800b",  # lone surrogate
    "a\u0378b",  # unassigned
    "q\u0301a",  # a mark that no letter takes in
    "\u3164\u3164",  # Hangul fillers: letters that nobody sees
    "a\u115fb",
    "аlice",  # Cyrillic а
    "αlice",
    "김あ",
    "ㄅあ",
    "王Иван",
    "١٢٣",  # digits of another script
    "ーー",
    "aー",
    "ア-ー",
    "々々",
    "a々",
    "㊙密",  # symbols whose NFKC form would pass
    "ab™",
    "a½",
    "ᚠᚢ",  # a script of no living language
    "ab＿",  # judged by the plain form: a separator at the end
    "a．．b",
]


@pytest.mark.parametrize("name", WELCOME)
def test_a_decent_name_is_welcome(name):
    validate_username(name)
    validate_unreserved(name)


@pytest.mark.parametrize("name", INVALID, ids=ascii)
def test_an_indecent_name_is_refused(name):
    with pytest.raises(ValidationError) as refusal:
        validate_username(name)
    assert refusal.value.code == "invalid"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("", "too_short"),
        ("a", "too_short"),
        ("王", "too_short"),
        ("ﬁ", "too_short"),  # 1 as typed, 2 as judged
        ("ｶﾞ", "too_short"),  # 2 as typed, 1 as judged
        ("e\u0301", "too_short"),  # one letter, decomposed
        ("a" * 17, "too_long"),
        ("ﬄ" * 6, "too_long"),  # 6 as typed, 18 as judged
        ("a" * 100_000, "too_long"),
    ],
    ids=lambda value: ascii(value)[:12],
)
def test_a_new_name_has_2_to_16_characters_as_typed_and_as_judged(name, code):
    with pytest.raises(ValidationError) as refusal:
        validate_new_username(name)
    assert refusal.value.code == code


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["a", "王", "7", "ｶﾞ"])
def test_an_old_name_may_have_one(name):
    validate_username(name)
    assert User(username=name, password="!").full_clean(exclude=["username_key"]) is None


@pytest.mark.parametrize("name", ["", "_", "㊙", "a" * 17, "a" * 100_000])
def test_an_old_name_keeps_all_other_rules(name):
    with pytest.raises(ValidationError):
        validate_username(name)


@pytest.mark.parametrize("name", sorted(RESERVED_KEYS))
def test_a_reserved_name_is_refused_in_any_case_and_width(name):
    full_width = "".join(chr(ord(c) + 0xFEE0) if c.isascii() else c for c in name)
    for typed in (name, name.upper(), full_width):
        with pytest.raises(ValidationError) as refusal:
            validate_unreserved(typed)
        assert refusal.value.code == "reserved"


LIKE_STAFF = """
    admın ɑdmin аdmin ADMlN adrnin a.d.m.i.n а_d-min Ａｄｍｉｎ 𝐚𝐝𝐦𝐢𝐧 ád́min ⒜dmin
    Ꭺᗞmin аԁмін αδμιη 4dm1n
    Root r00t rооt suрport 5upport ѕystem sуstеm offıcial 0fficial moderat0r staff webchat vvebchat
    webchat-admin support.system администратор АДМИН 管理員 菅理员 系统管理员 系統管理員
    系统 系統 係統 官方 客服 官方客服 系统客服 版主 管理者 관리자
""".split()


@pytest.mark.parametrize("name", LIKE_STAFF)
def test_a_name_that_looks_like_the_staff_is_refused(name):
    assert resembles_staff(name)
    with pytest.raises(ValidationError) as refusal:
        validate_unreserved(name)
    assert refusal.value.code == "reserved"


@pytest.mark.parametrize(
    "name", ["ad\u200bmin", "a d m i n", "★管理员★", "@dmin", "\u202eadmin", "ＳＹＳＴＥＭ"]
)
def test_a_name_of_a_group_will_be_seen_through_as_well(name):
    assert resembles_staff(name)


@pytest.mark.parametrize(
    "name",
    [*WELCOME, "admin2", "adam", "supporter", "王管理", "系小统", "roots", "stuff", "madmin", ""],
)
def test_who_looks_like_nobody_of_the_staff_keeps_the_name(name):
    assert not resembles_staff(name)


def test_every_lookalike_is_in_the_form_in_which_it_is_looked_for():
    alikes = [alike for others in CONFUSABLES.values() for alike in others]
    assert len(alikes) == len(set(alikes))
    assert [a for a in alikes if normalize("NFKD", fold(a, most=1) or "") != a] == []


def test_a_name_that_only_contains_a_reserved_one_is_free():
    validate_unreserved("admin2")
    validate_unreserved("my-static")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("alice", "ALICE"),
        ("alice", "ａｌｉｃｅ"),
        ("José", "Jose\u0301"),
        ("straße", "STRASSE"),
        ("アリス", "ｱﾘｽ"),
        ("a_b", "Ａ＿Ｂ"),
        ("ὈΔΟΣ", "ὀδος"),
    ],
)
def test_names_that_look_the_same_have_one_key(one, other):
    assert username_key(one) == username_key(other)


@pytest.mark.parametrize(("one", "other"), [("bob", "bob_smith"), ("王伟", "王韦"), ("a_b", "a-b")])
def test_different_names_have_different_keys(one, other):
    assert username_key(one) != username_key(other)


@given(st.text(max_size=20))
def test_whatever_is_typed_gets_an_answer_and_a_key_that_can_be_stored(name):
    key = username_key(name)
    key.encode()
    try:
        validate_username(name)
    except ValidationError:
        return
    assert normalize_username(name) == unicodedata.normalize("NFC", name)
    assert len(key) <= 64
    assert username_key(key) == key
    assert username_key(normalize_username(name)) == key


def test_a_name_with_a_lone_surrogate_can_be_looked_up():
    assert username_key("bob\ud800") == "bob?"
