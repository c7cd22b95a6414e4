from typing import Any

from django.conf import settings
from django.contrib.auth.signals import user_logged_in
from django.db.models.signals import pre_delete
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import translation
from django.utils.translation import gettext as _

from . import sessions
from .mail import sending
from .models import OldName, RetiredUsername, User
from .services import forget_in_admin_log, forget_in_sessions
from .signals import keys_set, trace_found
from .traces import Kept, Trace


@receiver(user_logged_in, dispatch_uid="accounts_link_session")
def after_login(request: HttpRequest, user: User, **kwargs: Any) -> None:
    sessions.link(request=request, user=user)


@receiver(keys_set, dispatch_uid="accounts_mail_keys_set")
def after_keys_set(user: User, what: str, email: str, **kwargs: Any) -> None:
    if email and settings.MAIL_MODE != "off":
        with translation.override(settings.LANGUAGE_CODE):  # not that of whoever did it
            sending.send(f"{what}_changed", to=email, user=user)


@receiver(pre_delete, sender=User, dispatch_uid="accounts_retire")
def before_deletion(instance: User, **kwargs: Any) -> None:
    """Hold back an account's name, however it is deleted, and remove what else names it."""
    if _was_known(instance):
        RetiredUsername.objects.retire(instance.username)
    instance.sessions.all().end()
    forget_in_sessions(instance)
    forget_in_admin_log(instance)


def _was_known(user: User) -> bool:
    """Return whether others can have met them: not a newcomer, nor whom a list made in vain."""
    if user.unverified_since is not None or user.is_demo:
        return False
    has_begun = user.last_login is not None or not user.must_change_password
    return has_begun or OldName.objects.filter(user=user).exists()


@receiver(trace_found, dispatch_uid="accounts_real_names")
def explain_trace(trace: Trace, **kwargs: Any) -> Kept | None:
    is_name = (trace.table, trace.column) == (User._meta.db_table, "real_name")
    return Kept(_("somebody else's real name")) if is_name else None
