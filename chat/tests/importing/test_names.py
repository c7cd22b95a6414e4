"""The names that people of the old program get, and the memory of them."""

from __future__ import annotations

import shlex

import pytest
from django.core.management import CommandError
from django.test import Client

from accounts.models import RetiredUsername, User
from chat.models import Message
from tests.cast import Api, make_user

from ..legacy import file, v1, v3
from .conftest import UTC_MINUTE, accounted, codes, lost, names, tables, texts

AT = f"{UTC_MINUTE}:00Z"


def befriended(old, one: str, other: str, *said: str) -> None:
    """Write a friendship, and messages in turns."""
    for owner, friend in [(one, other), (other, one)]:
        old.write(f"friends/{owner}.json", [friend])
    talk = [v3((one, other)[place % 2], text, AT) for place, text in enumerate(said)]
    old.write(f"messages/{one}_{other}.json", talk)


# Short names


def test_a_name_of_one_letter_is_kept_and_its_owner_lives_like_anybody(old):
    old.users("a", "c", "王")
    befriended(old, "a", "c", "hi", "ho")
    report, _printed = old.run()
    assert accounted(report)["users"] == [7, 7, 0, 0]
    assert names(report) == lost(report) == {}
    assert texts("a", "c") == ["hi", "ho"]
    browser = Client()
    assert browser.post("/login/", {"username": "a", "password": "a-pw"}).status_code == 302
    assert browser.get("/chat/c/").status_code == 200
    alice = Api(User.objects.get(username="alice"))
    assert alice.post("friends/requests/", username="王").status_code == 201
    # A newcomer cannot have such a name.
    assert "a-pw" not in str(Client().get("/register/").content)
    with pytest.raises(CommandError):
        old.run("--rename", "bob=b")


def test_the_account_of_a_short_name_is_edited_in_the_admin(old, client):
    old.users("a")
    old.run()
    boss = User.objects.create_superuser("boss", password="boss-password")
    client.force_login(boss)
    user = User.objects.get(username="a")
    address = f"/admin/accounts/user/{user.pk}/change/"
    form = client.get(address).context["adminform"].form
    data = {name: form[name].value() for name in form.fields}
    data = {name: value for name, value in data.items() if value not in (None, False)}
    answer = client.post(address, data | {"email": "a@example.com"})
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    assert User.objects.get(pk=user.pk).email == "a@example.com"


# A free name by rule


def test_of_twins_the_one_with_more_keeps_the_name_and_the_other_gets_a_free_one(old):
    old.users("zed", "Zed", "ｚｅｄ", "zed2")
    befriended(old, "Zed", "alice", "1", "2", "3")
    befriended(old, "zed", "bob", "4")
    report, _printed = old.run()
    assert accounted(report)["users"] == [8, 8, 0, 0]
    assert names(report) == {"zed": ("zed3", "twin"), "ｚｅｄ": ("zed4", "twin")}
    assert texts("Zed", "alice") == ["1", "2", "3"]
    assert texts("zed3", "bob") == ["4"]
    for name, password in [("Zed", "Zed-pw"), ("zed3", "zed-pw"), ("zed4", "ｚｅｄ-pw")]:
        assert Client().login(username=name, password=password)


def test_a_name_is_free_in_the_tree_and_here(old):
    make_user("zed2")
    RetiredUsername.objects.retire("zed3")
    old.users("zed", "ZED", "zed4")
    befriended(old, "zed", "alice", "1")
    report, _printed = old.run()
    assert names(report) == {"ZED": ("zed5", "twin")}


def test_of_twins_two_copies_are_not_twice_as_much(old):
    old.users("zed", "Zed")
    befriended(old, "zed", "alice", "1", "2", "3")
    befriended(old, "Zed", "bob", "1", "2")
    befriended(old, "bob", "Zed", "2", "1")
    report, _printed = old.run("--dry-run")
    assert names(report) == {"Zed": ("zed2", "twin")}


@pytest.mark.parametrize(
    ("name", "new", "code"),
    [
        ("Li Lei", "Li_Lei", "invalid"),
        ("Li  Lei!", "Li_Lei", "invalid"),
        ("admin", "admin2", "reserved"),
        ("管理员", "管理员2", "reserved"),
        ("x" * 20, "x" * 16, "too_long"),
        ("😀", "user", "invalid"),
        ("user😀", "user", "invalid"),
        ("алиcа", "али_а", "invalid"),
        ("a@b.c", "a_b.c", "invalid"),
        ("a..b", "a_b", "invalid"),
        ("__init__", "init", "invalid"),
        ("㊙", "秘", "invalid"),
    ],
)
def test_an_impossible_name_becomes_a_possible_one_and_the_old_one_still_logs_in(
    old, name, new, code
):
    old.users(name)
    befriended(old, name, "alice", "hi")
    report, printed = old.run()
    assert accounted(report)["messages"] == [1, 1, 0, 0]
    assert names(report) == {name: (new, code)}
    assert f"{name} → {new}" in printed
    assert texts(new, "alice") == ["hi"]
    browser = Client()
    assert browser.post("/login/", {"username": name, "password": f"{name}-pw"}).status_code == 302
    assert new in str(Api(User.objects.get(username=new)).get("notices/").json())
    assert not Client().login(username=name, password="wrong")


def test_a_name_is_always_the_same(old):
    old.users("zed", "ZED", "Zed", "Li Lei", "Li-Lei", "Li\tLei")
    dry, _printed = old.run("--dry-run")
    assert names(dry)["Li Lei"] == ("Li_Lei2", "invalid")
    assert names(dry)["Li\ufffdLei"] == ("Li_Lei", "invalid")
    assert dry == old.run("--dry-run")[0] == old.run()[0]


def test_the_line_to_paste_says_other_names_and_is_quoted(old):
    old.users("Li Lei", "O'Neill", "admin")
    report, printed = old.run("--dry-run")
    [line] = [line for line in printed.splitlines() if line.startswith("  --rename")]
    assert shlex.split(line)[1::2] == ["Li Lei=Li_Lei", "O'Neill=O_Neill", "admin=admin2"]
    again, _printed = old.run(*shlex.split(line.replace("O_Neill", "Neill")))
    assert names(again)["O'Neill"] == ("Neill", "asked")
    assert accounted(again)["users"][1] == 7


def test_no_name_steers_the_terminal(old):
    bad = "x\x1b[2J\ny"
    old.users(bad, f"{bad}z")
    old.write("messages/alice_g\x1b[2J.json", [v3("g\x1b[2J", "boo", AT)])
    report, printed = old.run()
    assert "\x1b" not in printed
    assert sorted(new for new, _code in names(report).values()) == ["x_2J_y", "x_2J_yz"]
    old.users("dora")
    with pytest.raises(CommandError) as error:
        old.run("--rename", "dora=x_2J_y")
    assert "\x1b" not in str(error.value)


# A file that is nobody's


@pytest.mark.parametrize("inner", ["../evil", "bob", "", None, 7, ["evil"], "evil ", "evi1"])
def test_a_file_that_holds_another_name_is_nobody(old, inner):
    old.write("users/evil.json", {"username": inner, "password": "x"})
    befriended(old, "evil", "alice", "boo")
    report, _printed = old.run()
    assert accounted(report)["users"] == [5, 4, 0, 1]
    assert lost(report) == {"evil": "other_name"}
    assert report["lost"][0]["messages"] == report["lost"][0]["friendships"] == 1
    assert not Message.objects.exists()
    assert not Client().login(username="evil", password="x")
    # Somebody else can have what it left; a second run needs no word of it.
    old.run("--rename", "evil=bob")
    assert texts("bob", "alice") == ["boo"]
    befriended(old, "evil", "alice", "boo", "hoo")
    before = tables()
    report, printed = old.run()
    assert accounted(report)["messages"] == [2, 1, 1, 0]
    assert accounted(report)["friendships"] == [1, 0, 1, 0]
    assert texts("bob", "alice") == ["boo", "hoo"]
    assert tables()["accounts_oldname"] == before["accounts_oldname"]
    assert "--rename" not in printed


@pytest.mark.parametrize("inner", ["dora", "Dora", "ｄｏｒａ", "DORA"])
def test_case_and_width_of_the_inner_name_do_not_matter(old, inner):
    old.write("users/Dora.json", {"username": inner, "password": "x"})
    report, _printed = old.run()
    assert accounted(report)["users"] == [5, 5, 0, 0]
    assert Client().login(username="Dora", password="x")


def test_a_file_that_names_nobody_is_about_whom_it_is_named_after(old):
    old.write("users/dora.json", {"password": "x"})
    old.write("users/Jose\u0301.json", {"username": "José", "password": "x"})
    report, _printed = old.run()
    assert accounted(report)["users"] == [6, 6, 0, 0]


def test_long_names_are_not_all_the_same(old):
    old.write(f"users/{'x' * 70}.json", {"username": "y" * 70, "password": "x"})
    report, _printed = old.run()
    assert set(lost(report).values()) == {"other_name"}
    with pytest.raises(CommandError):
        old.run("--rename", f"ghost={'z' * 70}")


# The report


def test_five_lost_people_are_five_lines_with_what_they_would_have_brought(old):
    for ghost in "vwxyz":
        old.write(f"messages/alice_{ghost}.json", [v1(ghost, "boo", 1760674268.0)] * 400)
        old.write(f"friends/{ghost}.json", ["alice"])
    old.write("messages/alice_bob.json", ["?"] * 8 + [v1("bob", file("x/lost.png"), 1760674268.0)])
    report, printed = old.run()
    assert accounted(report)["messages"] == [2009, 1, 0, 2008]
    assert lost(report) == dict.fromkeys("vwxyz", "ghost")
    assert {each["messages"] for each in report["lost"]} == {400}
    assert {each["friendships"] for each in report["lost"]} == {1}
    assert codes(report, "messages") == {"messages/alice_bob.json": "no_message"}
    assert [skip["number"] for skip in report["skips"]] == [8, 1]
    assert report["skips"][0]["first"] == 1
    assert len(printed.splitlines()) < 25
    assert sum(line.startswith("  x: ") and "400" in line for line in printed.splitlines()) == 1


def test_one_line_offers_what_all_who_are_nobody_have_left(old):
    old.users("held")
    RetiredUsername.objects.retire("held")
    old.users("alone")
    old.write("users/alone.json", {"username": "other"})
    for name in ("g\x1b[2J", "ghost 1", "ghost2", "held"):
        old.write(f"messages/alice_{name}.json", [v3(name, "boo", AT)])
    _report, printed = old.run()
    [line] = [each for each in printed.splitlines() if "ghost2=" in each]
    assert shlex.split(line.partition("--rename ")[2]) == [
        "ghost 1=名字",
        "--rename",
        "ghost2=名字",
    ]
    assert "--rename held=held2" in printed


# Asked for


@pytest.mark.parametrize(
    ("renames", "free"),
    [(["Li Lei=bob"], False), (["Li Lei=BOB"], False), (["Li Lei=bob", "bob=dora"], True)],
)
def test_nobody_takes_the_name_of_somebody_who_keeps_it(old, renames, free):
    old.users("Li Lei")
    words = [word for each in renames for word in ("--rename", each)]
    if not free:
        with pytest.raises(CommandError, match="bob"):
            old.run(*words)
        assert not User.objects.exists()
        return
    report, _printed = old.run(*words)
    assert {old: new for old, (new, _code) in names(report).items()} == {
        "Li Lei": "bob",
        "bob": "dora",
    }


def test_one_of_twins_may_be_chosen_to_keep_the_name(old):
    old.users("zed", "Zed")
    befriended(old, "zed", "alice", "1")
    report, _printed = old.run("--rename", "Zed=Zed")
    assert names(report) == {"Zed": ("Zed", "asked"), "zed": ("zed2", "twin")}
