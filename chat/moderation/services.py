"""The changes that reports and moderators make, each act with an entry in the audit log.

A change raises Http404 if its message or person has been deleted since it was fetched.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _

from accounts import staff
from accounts.mail import codes
from accounts.mail import services as mail
from accounts.models import User
from chat import audit
from chat.access import Thread
from chat.faces import services as faces
from chat.log import writing
from chat.models import (
    Attachment,
    AuditEntry,
    Event,
    Evidence,
    Message,
    Notice,
    Report,
)
from chat.notices.services import give_notice
from chat.presentation import words_of
from friends.models import Friendship
from webchat.base.holding import holding

from .evidence import keep_file

REPORTS_A_DAY = 20
DAY = timedelta(days=1)
AROUND = 5  # messages beside the reported one
LATER = 2  # of these, later ones, if there are enough earlier ones: those that led to it say more
MUTES = {"1": _("1 hour"), "24": _("1 day"), "168": _("7 days")}  # by number of hours
LONGER = timedelta(minutes=30)  # a mute in place of another must add as much
ONE_LOOK = timedelta(hours=1)  # reloads, and the page that follows each act, are no others

Act = AuditEntry.Act
Outcome = Report.Outcome


# --- Reporting ---


def report_message(
    *, reporter: User, thread: Thread, message: Message, reason: str
) -> tuple[Report, bool]:
    """Report a message of one's own chat, with a snapshot of it and of the messages around it.

    Returns the report and whether it is new: reporting a message again returns the same report.
    Raises ValidationError: self, rate_limited.
    """
    if message.sender_id == reporter.pk:
        raise ValidationError(_("This message is your own."), "self")
    with thread.holding(message):
        before = Report.objects.filter(reporter=reporter, message_number=message.pk).first()
        if before is not None:
            return before, False
        new = _create_report(
            reporter=reporter,
            about=thread.friend,
            message_number=message.pk,
            reason=reason,
            snapshot=_snapshot(reporter, thread, message),
        )
        keep_file(new, message)
        return new, True


def report_person(*, reporter: User, friendship: Friendship, reason: str) -> tuple[Report, bool]:
    """Report a friend; a pending report is returned as it is. Raises rate_limited."""
    about = friendship.friend
    with holding(friendship):
        waiting = Report.objects.open().filter(reporter=reporter, about=about, message_number=None)
        if before := waiting.first():
            return before, False
        return _create_report(reporter=reporter, about=about, reason=reason), True


def _create_report(*, reporter: User, about: User, **facts: Any) -> Report:
    since = timezone.now() - DAY
    recent = Report.objects.filter(reporter=reporter, created_at__gt=since).order_by("created_at")
    times = list(recent.values_list("created_at", flat=True)[:REPORTS_A_DAY])
    if len(times) == REPORTS_A_DAY:
        seconds = max(1, round((times[0] - since).total_seconds()))
        raise ValidationError(
            _("You have sent many reports today. Please wait until tomorrow."),
            "rate_limited",
            {"retry_after": seconds},
        )
    return Report.objects.create(reporter=reporter, about=about, about_number=about.pk, **facts)


def _snapshot(reporter: User, thread: Thread, message: Message) -> list[dict[str, Any]]:
    earlier = list(thread.messages.filter(id__lt=message.pk).order_by("-id")[:AROUND])
    later = list(thread.messages.filter(id__gt=message.pk).order_by("id")[:AROUND])
    later = later[: max(LATER, AROUND - len(earlier))]
    earlier = earlier[: AROUND - len(later)][::-1]
    names = {reporter.pk: reporter.username, thread.friend.pk: thread.friend.username}
    return [
        {
            "id": each.pk,
            "sender": names[each.sender_id],
            "sender_number": each.sender_id,
            "text": words_of(each),
            "sent_at": each.sent_at.isoformat(),
            "state": each.state,
        }
        for each in [*earlier, message, *later]
    ]


# --- Deciding ---


def look(*, by: User, report: Report) -> None:
    """Log a look at a report, once an hour; only superusers may see who reported them, and why."""
    _need_sight(by, report)
    audit.write_look(Act.LOOKED, by=by, within=ONE_LOOK, report=report)


def look_at_file(*, by: User, report: Report) -> Evidence | None:
    """Log a look at the file of a report, once an hour, and return it if it is still there."""
    _need_sight(by, report)
    found = Evidence.objects.of(report).first()
    if found is not None:
        audit.write_look(Act.FILE_LOOKED, by=by, within=ONE_LOOK, report=report)
    return found


def look_at_list(*, by: User) -> None:
    """Log, once an hour, that somebody sees the reported messages in the list of reports."""
    audit.write_look(Act.LISTED, by=by, within=ONE_LOOK, report=None)


def next_open(*, by: User, after: Report) -> Report | None:
    """Return the open report of something else that follows in the queue, or its first."""
    others = Report.objects.open().visible_to(by).besides(after).order_by("pk")
    return others.filter(pk__gt=after.pk).first() or others.first()


def dismiss(*, by: User, report: Report) -> None:
    """Close a report without an act. Raises ValidationError("decided") if another did so first."""
    with _holding_open(by, report):
        audit.write(Act.DISMISSED, by=by, about_number=report.about_number, report=report)
        _close(report, Outcome.DISMISSED)


def settle(*, by: User, report: Report) -> None:
    """Close a report of something that was acted on already, as of a person who is banned.

    Raises ValidationError: decided, and invalid if nothing was done.
    """
    with _holding_open(by, report):
        outcome = done_already(report)
        if outcome is None:
            raise ValidationError(_("Nothing was done about this yet."), "invalid")
        audit.write(Act.SETTLED, by=by, about_number=report.about_number, report=report)
        _close(report, outcome)


def done_already(report: Report) -> Report.Outcome | None:
    """Return the act that stands against a reported message or person at this moment."""
    if is_removed(report):
        return Outcome.REMOVED
    if report.about is not None and not report.about.is_active:
        return Outcome.BANNED
    return Outcome.MUTED if report.about is not None and report.about.is_muted else None


def is_removed(report: Report) -> bool:
    number = report.message_number or 0
    return Message.objects.filter(pk=number, removed_at__isnull=False).exists()


def mutes_for(about: User) -> dict[str, Any]:
    """Return the MUTES for somebody; of a muted person, those that would end later."""
    now = timezone.now()
    left = (about.muted_until or now) - now
    if left <= timedelta():
        return MUTES
    return {each: words for each, words in MUTES.items() if _hours(each) - left > LONGER}


def remove_message(*, by: User, report: Report) -> None:
    """Take a reported message out of its chat, for both; the report keeps what it said.

    Raises ValidationError: not_found when the message was deleted with an account, and decided
    when it is removed already.
    """
    staff.need(may_decide(by, report))
    with transaction.atomic():
        message = Message.objects.filter(pk=report.message_number or 0).first()
        if message is None:
            raise ValidationError(_("This message is gone already."), "not_found")
        if message.removed_at is not None:
            raise ValidationError(_("This message is removed already."), "decided")
        message.removed_at, message.text = timezone.now(), ""
        message.save(update_fields=["removed_at", "text"])
        Attachment.objects.filter(message=message).delete()
        writing.record_change_of(message)
        audit.write(Act.REMOVED, by=by, about_number=report.about_number, report=report)
        _close(report, Outcome.REMOVED)


def warn(*, by: User, about: User, words: str = "", report: Report | None = None) -> None:
    with _holding_power_over(by, about):
        give_notice(about, Notice.Kind.WARNING, words=words)
        audit.write(Act.WARNED, by=by, about_number=about.pk, report=report)
        _close(report, Outcome.WARNED)


def mute(*, by: User, about: User, hours: str, report: Report | None = None) -> None:
    """Let somebody read but not send, for one of the MUTES from now; it ends by itself.

    Raises ValidationError: invalid, and decided if they are muted about as long already.
    """
    if hours not in MUTES:
        raise ValidationError(_("Choose for how long."), "invalid")
    with _holding_power_over(by, about):
        if hours not in mutes_for(about):
            raise ValidationError(_("This user is muted as long already."), "decided")
        until = timezone.now() + _hours(hours)
        _set_muted(about, until)
        give_notice(about, Notice.Kind.MUTED, until=until)
        audit.write(Act.MUTED, by=by, about_number=about.pk, report=report, detail=f"{hours} h")
        _close(report, Outcome.MUTED)


def unmute(*, by: User, about: User) -> None:
    with _holding_power_over(by, about):
        if not about.is_muted:
            raise ValidationError(_("This user is not muted any more."), "decided")
        _set_muted(about, None)
        give_notice(about, Notice.Kind.UNMUTED)
        audit.write(Act.UNMUTED, by=by, about_number=about.pk)


def remove_face(*, by: User, about: User) -> None:
    """Take somebody's profile picture away, at friends too; they may choose another one."""
    with _holding_power_over(by, about):
        if not faces.remove(user=about):
            message = _("There is no profile picture any more.")
            raise ValidationError(message, "decided")
        audit.write(Act.FACE_REMOVED, by=by, about_number=about.pk)


def ban(*, by: User, about: User, report: Report | None = None) -> None:
    """Close an account: no login, no session; its open pages log out within seconds."""
    with _holding_power_over(by, about):
        if not about.is_active:
            raise ValidationError(_("This user is banned already."), "decided")
        _set_active(about, False)
        _end_sessions(about)
        audit.write(Act.BANNED, by=by, about_number=about.pk, report=report)
        _close(report, Outcome.BANNED)


def unban(*, by: User, about: User) -> None:
    with _holding_power_over(by, about):
        if about.is_active:
            raise ValidationError(_("This user is not banned any more."), "decided")
        _set_active(about, True)
        audit.write(Act.UNBANNED, by=by, about_number=about.pk)


def sign_out(*, by: User, about: User) -> None:
    with _holding_power_over(by, about):
        _end_sessions(about)
        audit.write(Act.SIGNED_OUT, by=by, about_number=about.pk)


def issue_reset_code(*, by: User, about: User) -> str:
    """Give somebody a code for a new password; its owner is told who did it.

    A superuser gets the code as the answer, for nobody else to see. From anybody else it goes by
    mail to the verified address of the account, and the answer is empty. Raises ValidationError:
    no_mail, rate_limited.
    """
    with holding(about):
        staff.need(may_issue_code(by, about))
        code = codes.issue_spoken(user=about) if by.is_superuser else _mail_code(about)
        give_notice(about, Notice.Kind.CODE_ISSUED, by=by)
        audit.write(Act.CODE_ISSUED, by=by, about_number=about.pk)
    return code


def _mail_code(about: User) -> str:
    if not mail.is_on() or not about.email:
        message = _("No verified email address: only a superuser can issue a code for this user.")
        raise ValidationError(message, "no_mail")
    with translation.override(settings.LANGUAGE_CODE):  # not the issuer's language
        mail.send_reset_code(user=about)
    return ""


def note(*, by: User, act: AuditEntry.Act, about: Iterable[User]) -> None:
    """Log the changes that the admin's own forms make to users, inside their transaction."""
    for user in about:
        audit.write(act, by=by, about_number=user.pk)


def note_group(*, by: User, group: Group) -> None:
    """Log that a group was made, changed or deleted, and with it the rights of its members."""
    audit.write(Act.RIGHTS, by=by, detail=group.name)


def may_decide(by: User, report: Report) -> bool:
    """Whether somebody may close a report or remove its message; not if it is about themselves."""
    about = User.objects.filter(pk=report.about_number).first()
    if about is None:
        return by.has_perm("chat.decide_report")
    return staff.may_judge(by, about, "chat.decide_report")


def has_power_over(by: User, about: User) -> bool:
    return staff.may_judge(by, about, "chat.moderate_user")


def may_issue_code(by: User, about: User) -> bool:
    """Whether somebody may issue a code; there is none for newcomers, whom no password lets in."""
    can_log_in = about.is_active and about.unverified_since is None
    return can_log_in and staff.may_judge(by, about, "chat.issue_code")


@contextmanager
def _holding_power_over(by: User, about: User) -> Iterator[None]:
    """Check the rule on a fresh copy of the person, who may just have joined the staff."""
    with holding(about):
        staff.need(has_power_over(by, about))
        yield


@contextmanager
def _holding_open(by: User, report: Report) -> Iterator[None]:
    """Check that somebody may close a report, and that nobody else has just done so."""
    with holding(report):
        staff.need(may_decide(by, report))
        if not report.is_open:
            raise ValidationError(_("This report is decided already."), "decided")
        yield


def _hours(number: str) -> timedelta:
    return timedelta(hours=int(number))


def _need_sight(by: User, report: Report) -> None:
    _need(by, "chat.view_report")
    staff.need(by.is_superuser or report.about_number != by.pk)


def _need(by: User, permission: str) -> None:
    if not by.has_perm(permission):
        raise PermissionDenied(_("You may not do that."))


def _close(report: Report | None, outcome: Report.Outcome) -> None:
    """Close all open reports of the same thing, and answer their reporters."""
    if report is None:
        return
    kind = Notice.Kind.REPORT_ACTED
    if outcome == Outcome.DISMISSED:
        kind = Notice.Kind.REPORT_DISMISSED
    for each in Report.objects.open().about_the_same(report).select_related("reporter"):
        each.closed_at, each.outcome = timezone.now(), outcome
        each.save(update_fields=["closed_at", "outcome"])
        if each.reporter is not None:
            give_notice(each.reporter, kind, report=each)


def _end_sessions(user: User) -> None:
    """End the sessions. The sweep would end the sockets; the event makes pages leave at once."""
    user.sessions.all().end()
    writing.record([Event(kind=Event.Kind.SESSION, user=user, data={"state": "ended"})])


def _set_muted(user: User, until: datetime | None) -> None:
    user.muted_until = until
    user.save(update_fields=["muted_until"])


def _set_active(user: User, is_active: bool) -> None:
    user.is_active = is_active
    user.save(update_fields=["is_active"])
    friends = Friendship.objects.filter(friend=user).values_list("owner_id", flat=True)
    writing.record(
        Event(kind=Event.Kind.FRIEND_CHANGED, user_id=owner_id, data={"friend": user.pk})
        for owner_id in friends
    )
