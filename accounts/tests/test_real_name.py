"""The real name: for the staff, and the person's own; gone with the account."""

from __future__ import annotations

import io
import zipfile

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.utils import timezone, translation

from accounts import services, traces
from accounts.models import OldName, RetiredUsername, User
from accounts.roster import make_accounts, read_roster
from chat.export import write_zip

pytestmark = pytest.mark.django_db


def test_a_list_gives_the_real_names():
    people = read_roster("用户名,姓名\nwangwei, 王  伟 \nlilei,\n".encode())
    make_accounts(people=people, hashes=dict.fromkeys(["wangwei", "lilei"], "x"), trust_mail=False)
    found = dict(User.objects.values_list("username", "real_name"))
    assert found == {"wangwei": "王 伟", "lilei": ""}


def test_a_list_with_a_mistake_can_be_taken_back_and_imported_again(alice):
    def make(name):
        people = read_roster(f"用户名,姓名\nwangwei,{name}\n".encode())
        [user] = make_accounts(people=people, hashes={"wangwei": "x"}, trust_mail=False)
        return user

    services.delete_account(user=make("王维"))
    make("王伟")


@pytest.mark.parametrize("is_old", [True, False])
def test_the_name_of_somebody_whom_others_have_met_is_held_back(alice, is_old):
    User.objects.filter(pk=alice.pk).update(must_change_password=True, last_login=None)
    if is_old:  # from the earlier program
        OldName.objects.create(digest="x", user=alice)
    else:
        User.objects.filter(pk=alice.pk).update(last_login=timezone.now())
    services.delete_account(user=User.objects.get(pk=alice.pk))
    assert RetiredUsername.objects.holds("alice")


def test_a_name_that_does_not_fit_is_refused_with_its_line():
    assert read_roster(f"用户名,姓名\nwangwei,{'x' * 64}\n".encode())[0].name == "x" * 64
    with pytest.raises(ValidationError) as refused:
        read_roster(f"用户名,姓名\nwangwei,{'x' * 65}\n".encode())
    [message] = refused.value.messages
    assert "2" in message
    assert "64" in message


def test_it_is_in_one_s_own_export_and_in_no_one_else_s(alice, bob):
    User.objects.filter(pk=alice.pk).update(real_name="王伟大")

    def export(user):
        file = zipfile.ZipFile(io.BytesIO(b"".join(write_zip(user, "zh-hans"))))
        return "".join(file.read(name).decode() for name in file.namelist() if "html" in name)

    assert "管理员登记的你的姓名：王伟大" in export(User.objects.get(pk=alice.pk))
    assert "王伟大" not in export(bob)
    assert "姓名" not in export(bob)


def test_it_goes_with_the_account_which_the_proof_sees(alice, bob):
    User.objects.filter(pk=alice.pk).update(real_name="欧阳修远")
    with translation.override("en"):
        found = [str(trace) for trace in traces.find_traces("欧阳修远")]
    assert found == [f"accounts_user.real_name, row {alice.pk}"]
    services.delete_account(user=alice)
    assert list(traces.find_traces("欧阳修远")) == []


def test_somebody_who_is_really_called_like_a_deleted_account_is_no_trace_of_it(alice):
    gone = User.objects.create_user("王伟")
    User.objects.filter(pk=alice.pk).update(real_name="王伟")
    services.delete_account(user=gone)
    for language, words in (("en", "somebody else's real name"), ("zh-hans", "别人的真实姓名")):
        with translation.override(language):
            call_command("verify_deletion", "王伟", stdout=(out := io.StringIO()))
        assert words in out.getvalue()
