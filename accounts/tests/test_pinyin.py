"""Names are read in a separate process, which never gets in the way of using them."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ALL_COMPLETED, ThreadPoolExecutor, wait
from importlib import import_module

import pytest
from django.apps import apps

from accounts import pinyin, services
from accounts.models import User
from accounts.pinyin import READINGS_AT_MOST, UNREAD, read_name, read_names


@pytest.mark.parametrize(
    ("name", "read", "initials"),
    [
        ("张三", "zhangsan", "zs"),
        ("張三", "zhangsan", "zs"),
        ("王 小明", "wangxiaoming", "wxm"),
        ("李雷2024", "lilei2024", "ll2"),
        ("单田芳", "shantianfang", "stf"),
        ("重庆", "chongqing", "cq"),
        ("重庆", "zhongqing", "zq"),
        ("吕布", "lvbu", "lb"),
        ("Anna妈妈", "annamama", "amm"),
    ],
)
def test_a_chinese_name_is_read_in_every_likely_way(name, read, initials):
    reading = read_name(name)
    assert read in reading.pinyin.split()
    assert initials in reading.initials.split()


def test_names_without_chinese_characters_need_no_process(monkeypatch):
    monkeypatch.setattr(subprocess, "run", None)
    assert read_names(["alice_b", "", "Москва", "さくら"]) == [UNREAD] * 4


def test_many_names_are_read_by_one_process_and_fit_their_columns():
    names = ["alice", "张三", "重" * 16, "的" * 16, "龘𠮷〇", "李四"]
    readings = read_names(names)
    assert readings[0] == UNREAD
    assert (readings[1].pinyin, readings[5].pinyin) == ("zhangsan", "lisi")
    for reading in readings[1:]:
        assert 0 < len(reading.pinyin) <= pinyin.LETTERS_AT_MOST
        assert len(reading.pinyin.split()) <= READINGS_AT_MOST
    long = User(username="的" * 16, pinyin=readings[3].pinyin, initials=readings[3].initials)
    long.clean_fields(exclude=["password"])


def test_no_worker_ever_imports_the_library(db):
    services.register(username="张三", password="blaue-Wolke-7")
    assert User.objects.get().pinyin == "zhangsan"
    assert "pypinyin" not in sys.modules


def test_registration_and_renaming_read_the_name(db):
    user = services.register(username="张三", password="blaue-Wolke-7")
    user.refresh_from_db()
    assert (user.pinyin, user.initials) == ("zhangsan", "zs")
    services.rename(user=user, username="李四")
    user.refresh_from_db()
    assert (user.pinyin, user.initials) == ("lisi", "ls")
    services.rename(user=user, username="lisi")
    user.refresh_from_db()
    assert (user.pinyin, user.initials) == ("", "")


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
    assert (user.pinyin, user.initials) == ("", "")
    assert "张三" not in caplog.text
    services.read_unread_names()
    user.refresh_from_db()
    assert (user.pinyin, user.initials) == ("zhangsan", "zs")


def test_an_answer_that_is_none_is_a_failure(monkeypatch):
    def answer(*args, **kwargs):
        return subprocess.CompletedProcess(args, 0, stdout="Segmentation fault")

    monkeypatch.setattr(subprocess, "run", answer)
    assert read_name("张三") == UNREAD


def test_the_migration_reads_who_is_there_already(db):
    User.objects.create(username="张三")
    User.objects.create(username="alice")
    import_module("accounts.migrations.0005_pinyin").read_all(apps, None)
    assert list(User.objects.order_by("pk").values_list("pinyin", flat=True)) == ["zhangsan", ""]


def test_no_more_than_two_processes_run_at_once_and_nobody_waits_for_long(monkeypatch):
    running, most, gate, lock = [0], [0], threading.Event(), threading.Lock()

    def run(*args, **kwargs):
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        gate.wait(5)
        with lock:
            running[0] -= 1
        return subprocess.CompletedProcess(args, 0, stdout='[["zhangsan", "zs"]]')

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(pinyin, "WAIT_SECONDS", 0.1)
    with ThreadPoolExecutor(6) as pool:
        readings = [pool.submit(read_name, "张三") for _number in range(6)]
        done = wait(readings, timeout=3, return_when=ALL_COMPLETED).done
        assert [each.result() for each in done] == [UNREAD] * 4
        gate.set()
    assert most == [2]
    assert read_name("张三").initials == "zs", "there is room again"


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
