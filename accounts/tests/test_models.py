import io

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from accounts.hashers import Argon2Hasher
from accounts.models import User

pytestmark = pytest.mark.django_db


def createsuperuser(username):
    call_command("createsuperuser", interactive=False, username=username, stdout=io.StringIO())


def test_createsuperuser_makes_one_with_the_password_of_the_environment(monkeypatch):
    monkeypatch.setenv("DJANGO_SUPERUSER_USERNAME", "admin")
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "blue-kettle-9")
    createsuperuser(None)
    user = User.objects.get()
    assert user.username == "admin"  # reserved for just this
    assert user.is_superuser
    assert user.is_staff
    assert user.check_password("blue-kettle-9")


@pytest.mark.parametrize("twin", ["alice", "ALICE", "ａｌｉｃｅ"])
def test_createsuperuser_says_that_a_name_is_taken(alice, twin):
    with pytest.raises(CommandError, match="已被注册"):
        createsuperuser(twin)


def test_createsuperuser_says_that_a_name_is_bad():
    with pytest.raises(CommandError, match="alice_b"):
        createsuperuser("a b")


def test_a_name_is_found_in_any_case_and_width(alice):
    assert User.objects.named("ＡＬＩＣＥ").get() == alice
    assert User.objects.get_by_natural_key("Alice") == alice
    assert not User.objects.named("alic").exists()


def test_the_database_itself_refuses_a_twin(alice):
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create(username="Alice")


def test_an_address_is_kept_folded_and_belongs_to_one(alice, bob):
    alice.email = "Me@Example.COM"
    alice.save()
    assert alice.email == "me@example.com"
    bob.email = "me@example.com"
    with pytest.raises(ValidationError):
        bob.full_clean()
    with pytest.raises(IntegrityError), transaction.atomic():
        bob.save()


def test_any_number_may_have_no_address(alice, bob):
    assert alice.email == bob.email == ""


def test_passwords_are_hashed_at_owasp_parameters(settings):
    hashed = Argon2Hasher().encode("blue-kettle-9", "s" * 22)
    assert "$argon2id$v=19$m=19456,t=2,p=1$" in hashed
    assert Argon2Hasher().verify("blue-kettle-9", hashed)
