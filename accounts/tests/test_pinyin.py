"""Names are read in a separate process, which never gets in the way of using them."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from concurrent.futures import ALL_COMPLETED, ThreadPoolExecutor, wait
from importlib import import_module

import pytest
from django.apps import apps

from accounts import pinyin, services
from accounts.models import User
from accounts.pinyin import NAME, UNREAD, read_name, read_names, spell, spells

# A name, what finds it, and what does not.
NAMES = {
    "张三": ("zhangsan zhang zs zsan zhsan zhs z san sa 张三 张s zh", "s sz angsan zhangs3 zhans"),
    "張三": ("zhangsan zs", "lisi"),
    "王 小明": ("wangxiaoming wxm wangxm wxming xiaom 王xm", "wm angx"),
    "李雷2024": ("lilei2024 ll2 lil20 2024 ll2024", "li2 ll4"),
    "单田芳": ("shantianfang stf shantf dtianf", "tfd tianfn"),
    "单长乐": ("shanchangle shan scl chanchangle czy danzhangyue shchl dcyue changle", "sl hancl"),
    "重庆": ("chongqing cq zhongqing zq chq", "qc"),
    "吕布": ("lvbu lb lübu lüb", "vb"),
    "孙悟空": ("sunwk swukong sunwukong swk sunwuk", "suwk snwk"),
    "孙文清": ("sunwq sunwenqing swq swenq sunwenq wenq", "sunq"),
    "西安": ("xi'an xi’an x'a xian xi'a", "x'n ' ’"),
    "O'张三": ("o'zhangsan ozs o'zs zs", "'s"),
    "Anna妈妈": ("annamama amm annamm amama", "nama1"),
    "王伟２０２４": ("wangwei2024 ww2", "ww3"),
    "诸葛亮": ("zhugeliang zgl zhgl zhuge zhgeliang", "hgl"),
}


SPELLED = {
    "单田芳": "shantianfang",
    "曾国藩": "zengguofan",
    "單田芳": "shantianfang",
    "區先生": "ouxiansheng",
    "繆斯": "miaosi",
    "樂嘉": "yuejia",
    "蓋茨": "geci",
    "尉遲恭": "yuchigong",
    "單于": "chanyu",
    "单于": "chanyu",
    "田单": "tiandan",
    "小曾": "xiaoceng",
}


@pytest.fixture(scope="module")
def readings() -> dict[str, str]:
    """The readings of all names here, by one process."""
    names = [*NAMES, *SPELLED, *pinyin.SURNAMES]
    return dict(zip(names, read_names(names), strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_a_chinese_name_is_found_however_it_is_typed(readings, name):
    reading = readings[name]
    right, wrong = NAMES[name]
    for typed in right.split():
        assert spells(typed, reading), typed
    for typed in wrong.split():
        assert not spells(typed, reading), typed


@pytest.mark.parametrize(("name", "spelled"), SPELLED.items())
def test_a_surname_stands_in_the_order_as_surnames_are_read(readings, name, spelled):
    assert spell(readings[name]) == spelled


def test_the_reading_of_a_surname_is_one_of_those_that_find_the_name(readings):
    for name, surname in pinyin.SURNAMES.items():
        assert spells(surname, readings[name])


def test_a_name_and_a_remark_are_spelt_each_by_itself():
    readings = NAME.join(read_names(["张三", "李四"]))
    assert spells("zs", readings)
    assert spells("ls", readings)
    assert spells("l", readings)
    assert not spells("sanli", readings)
    assert not spells("x", "")


def test_every_kept_reading_of_every_character_finds_the_name():
    reading = read_name("单" * 16)
    for typed in ("dan" * 16, "chan" * 16, "shan" * 16, "danchanshan" * 5, "s" * 16, "dc" * 8):
        assert spells(typed, reading)


def test_long_names_that_nearly_match_cost_little():
    reading = read_name("的" * 16)
    began = time.thread_time()
    for _time in range(100):
        assert not spells("d" * 15 + "e" * 85, reading)
    assert time.thread_time() - began < 5  # a fiftieth of that here


def test_names_without_chinese_characters_need_no_process(monkeypatch):
    monkeypatch.setattr(subprocess, "run", None)
    assert read_names(["alice_b", "", "Москва", "さくら"]) == [UNREAD] * 4


def test_many_names_are_read_by_one_process_and_fit_their_columns():
    names = ["alice", "张三", "重" * 16, "的" * 16, "龘𠮷〇", "李四"]
    readings = read_names(names)
    assert readings[0] == UNREAD
    assert (readings[1], readings[5]) == ("zhang/张 san/三", "li/李 si/四")
    for reading in readings[1:]:
        assert 0 < len(reading) <= pinyin.LETTERS_AT_MOST
    User(username="的" * 16, pinyin=readings[3]).clean_fields(exclude=["password"])


def test_what_separates_readings_is_in_none():
    assert read_name("a/b;c d 王").split()[0] == "abcd"


def test_no_worker_ever_imports_the_library(db):
    services.register(username="张三", password="blaue-Wolke-7")
    assert User.objects.get().pinyin == "zhang/张 san/三"
    assert "pypinyin" not in sys.modules


def test_registration_and_renaming_read_the_name(db):
    user = services.register(username="张三", password="blaue-Wolke-7")
    user.refresh_from_db()
    assert user.pinyin == "zhang/张 san/三"
    services.rename(user=user, username="李四")
    user.refresh_from_db()
    assert user.pinyin == "li/李 si/四"
    services.rename(user=user, username="lisi")
    user.refresh_from_db()
    assert user.pinyin == ""


FAULTS = {
    "it is not there": FileNotFoundError("python"),
    "it takes too long": subprocess.TimeoutExpired("python", 10),
    "it fails": subprocess.CalledProcessError(1, "python"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_process_that_fails_is_in_nobodys_way_and_is_made_up_for(db, monkeypatch, caplog, fault):
    def fail(*args, **kwargs):
        raise FAULTS[fault]

    with monkeypatch.context() as patched:
        patched.setattr(subprocess, "run", fail)
        user = services.register(username="张三", password="blaue-Wolke-7")
        services.read_unread_names()
    user.refresh_from_db()
    assert user.pinyin == ""
    assert "张三" not in caplog.text
    services.read_unread_names()
    user.refresh_from_db()
    assert user.pinyin == "zhang/张 san/三"


def test_an_answer_that_is_none_is_a_failure(monkeypatch):
    def answer(*args, **kwargs):
        return subprocess.CompletedProcess(args, 0, stdout="Segmentation fault")

    monkeypatch.setattr(subprocess, "run", answer)
    assert read_name("张三") == UNREAD


def test_readings_of_the_earlier_form_are_read_again(db):
    User.objects.create(username="张三", pinyin="zhangsan")
    User.objects.create(username="alice")
    import_module("accounts.migrations.0009_units").forget_readings(apps, None)
    services.read_unread_names()
    assert list(User.objects.order_by("pk").values_list("pinyin", flat=True)) == [
        "zhang/张 san/三",
        "",
    ]


def test_no_more_than_two_processes_run_at_once_and_nobody_waits_for_long(monkeypatch):
    running, most, gate, lock = [0], [0], threading.Event(), threading.Lock()

    def run(*args, **kwargs):
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        gate.wait(5)
        with lock:
            running[0] -= 1
        return subprocess.CompletedProcess(args, 0, stdout='["zhang san"]')

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(pinyin, "WAIT_SECONDS", 0.1)
    with ThreadPoolExecutor(6) as pool:
        readings = [pool.submit(read_name, "张三") for _number in range(6)]
        done = wait(readings, timeout=3, return_when=ALL_COMPLETED).done
        assert [each.result() for each in done] == [UNREAD] * 4
        gate.set()
    assert most == [2]
    assert read_name("张三") == "zhang san", "there is room again"


def test_who_gives_very_many_names_has_the_rest_read_later(db, monkeypatch):
    user = services.register(username="alice", password="blaue-Wolke-7")
    read = []
    monkeypatch.setattr(services, "read_name", lambda name: read.append(name) or UNREAD)
    for number in range(60):
        services.read_within_budget(user, f"张三{number}")
        services.read_within_budget(user, f"plain{number}")
    assert 10 <= sum("张" in name for name in read) <= 15
    assert sum("plain" in name for name in read) == 60, "which needs no process"
    other = services.register(username="bob", password="blaue-Wolke-7")
    services.read_within_budget(other, "李四")
    assert read[-1] == "李四"
