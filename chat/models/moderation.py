from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.db import models
from django.db.models import Count, OuterRef, Q, Subquery
from django.utils.translation import gettext_lazy as _

from accounts.models import User

from .files import Content

EVIDENCE_KEPT_FOR = timedelta(days=30)  # after the decision


class Tally(NamedTuple):
    """The reports of one message or person, and the people who sent them."""

    number: int
    still_open: int
    people: int


class ReportQuerySet(models.QuerySet["Report"]):
    def open(self) -> ReportQuerySet:
        return self.filter(closed_at=None)

    def about_the_same(self, report: Report) -> ReportQuerySet:
        """Filter the reports that are decided together with this one."""
        return self.filter(about_number=report.about_number, message_number=report.message_number)

    def besides(self, report: Report) -> ReportQuerySet:
        """Filter the reports of anything else."""
        return self.exclude(about_number=report.about_number, message_number=report.message_number)

    def visible_to(self, by: User) -> ReportQuerySet:
        """Leave out what is about themselves: only superusers see by whom, and for what."""
        return self if by.is_superuser else self.exclude(about_number=by.pk)

    def one_each(self, *, newest: bool = False) -> ReportQuerySet:
        """Filter one report of each message and person: the first of these, or the newest."""
        shown = models.Max("pk") if newest else models.Min("pk")
        each = self.order_by().values("about_number", "message_number").annotate(shown=shown)
        return self.filter(pk__in=each.values("shown"))

    def tally(self) -> dict[tuple[int, int | None], Tally]:
        """Count these reports for each message and person, known by their numbers."""
        each = self.order_by().values_list("about_number", "message_number")
        gone = Count("pk", filter=Q(reporter=None))  # each counts as somebody
        return {
            (about, message): Tally(number, still_open, people)
            for about, message, number, still_open, people in each.annotate(
                number=Count("pk"),
                still_open=Count("pk", filter=Q(closed_at=None)),
                people=Count("reporter", distinct=True) + gone,
            )
        }


class Report(models.Model):
    """A message, or the other person of a chat, that somebody wants a moderator to look at.

    It outlives its subject: the message is known by its number and kept as a snapshot, so that
    neither a recall nor the deletion of a message hides it.
    """

    class Outcome(models.TextChoices):
        DISMISSED = "dismissed", _("Dismissed")
        REMOVED = "removed", _("Message removed")
        WARNED = "warned", _("Warned")
        MUTED = "muted", _("Muted")
        BANNED = "banned", _("Banned")

    reporter = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        related_name="+",
        null=True,
        verbose_name=_("reported by"),
    )
    about = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        related_name="+",
        null=True,
        verbose_name=_("about"),
    )
    about_number = models.BigIntegerField(editable=False)
    message_number = models.BigIntegerField(_("message"), null=True)  # null: the person
    reason = models.TextField(_("reason"))
    # The message and those around it, as they were: a list of {id, sender, text, sent_at, state}.
    # What a deleted account wrote is a place there, without its text.
    snapshot = models.JSONField(default=list)
    created_at = models.DateTimeField(_("reported at"), auto_now_add=True, db_index=True)
    closed_at = models.DateTimeField(_("decided at"), null=True)
    outcome = models.CharField(_("outcome"), max_length=16, choices=Outcome, blank=True)

    tally: Tally  # set by the admin's list

    objects = ReportQuerySet.as_manager()

    class Meta:
        verbose_name = _("report")
        verbose_name_plural = _("reports")
        ordering = ["-id"]
        default_permissions = ["view"]
        permissions = [
            ("decide_report", _("Can decide reports")),
            ("moderate_user", _("Can warn, mute, ban and sign out users")),
            # Not part of the moderators' group: a superuser gives it to people they trust with it.
            ("issue_code", _("Can send users a code for a new password by mail")),
        ]
        indexes = [
            models.Index(fields=["about_number", "message_number"], name="chat_report_subject"),
            # The queue, however many were decided.
            models.Index(fields=["id"], condition=Q(closed_at=None), name="chat_report_open"),
        ]
        constraints = [
            # A second report of a message is the same report, even after the decision …
            models.UniqueConstraint(
                fields=["reporter", "message_number"], name="chat_report_message_once"
            ),
            # … but a person can be reported for a new reason after it.
            models.UniqueConstraint(
                fields=["reporter", "about"],
                condition=Q(message_number=None, closed_at=None),
                name="chat_report_person_once",
            ),
            models.CheckConstraint(
                condition=Q(closed_at=None, outcome="")
                | Q(closed_at__isnull=False) & ~Q(outcome=""),
                name="chat_report_closed_with_outcome",
            ),
        ]

    def __str__(self) -> str:
        return _("Report %(number)s") % {"number": self.pk}

    @property
    def is_open(self) -> bool:
        return self.closed_at is None


class EvidenceQuerySet(models.QuerySet["Evidence"]):
    def of(self, report: Report) -> EvidenceQuerySet:
        """Filter the file of what was reported, whichever of its reports came in time for it."""
        reports = Report.objects.about_the_same(report).order_by()
        return self.filter(report__in=reports.values("pk")).order_by("pk")

    def over(self, now: datetime) -> EvidenceQuerySet:
        """Return those of which the report has long been decided."""
        return self.filter(report__closed_at__lt=now - EVIDENCE_KEPT_FOR)


class Evidence(Content):
    """The file of a reported message, under names of its own that outlive the message."""

    report = models.OneToOneField(Report, models.CASCADE, related_name="evidence")
    # Its sender takes it along when the account is deleted.
    sender = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    file = models.CharField(max_length=48, unique=True)
    name = models.CharField(max_length=255)

    objects = EvidenceQuerySet.as_manager()

    def __str__(self) -> str:
        return f"evidence {self.pk}"


class AuditEntryQuerySet(models.QuerySet["AuditEntry"]):
    def with_names(self) -> AuditEntryQuerySet:
        """Annotate `actor_name` and `about_name`, null for accounts that are gone."""

        def name_of(number: str) -> Subquery:
            return Subquery(User.objects.filter(pk=OuterRef(number)).values("username")[:1])

        return self.annotate(actor_name=name_of("actor_number"), about_name=name_of("about_number"))

    def about(self, user: User) -> AuditEntryQuerySet:
        return self.filter(about_number=user.pk)

    def about_report(self, report: Report) -> AuditEntryQuerySet:
        """Filter what was done about the subject of a report: one act closes all reports of it."""
        reports = Report.objects.about_the_same(report).order_by()
        return self.filter(report_number__in=reports.values("pk")).without_looks()

    def without_looks(self) -> AuditEntryQuerySet:
        return self.exclude(act__in=[AuditEntry.Act.LOOKED, AuditEntry.Act.FILE_LOOKED])

    def visible_to(self, by: User) -> AuditEntryQuerySet:
        """Leave out what reports of themselves led to: as with the reports, superusers see it."""
        if by.is_superuser:
            return self
        return self.exclude(about_number=by.pk, report_number__isnull=False)


class AuditEntry(models.Model):
    """A look or an act of a moderator. Entries are only added: the database refuses the rest.

    People are numbers here, so that the log neither changes nor keeps a name when an account goes.
    """

    class Act(models.TextChoices):
        LISTED = "listed", _("Looked at the list of reports")
        LOOKED = "looked", _("Looked at a report")
        FILE_LOOKED = "file_looked", _("Looked at the file of a report")
        DISMISSED = "dismissed", _("Dismissed a report")
        REMOVED = "removed", _("Removed a message")
        SETTLED = "settled", _("Closed a report of something done already")
        WARNED = "warned", _("Warned")
        MUTED = "muted", _("Muted")
        UNMUTED = "unmuted", _("Ended a mute")
        BANNED = "banned", _("Banned")
        UNBANNED = "unbanned", _("Lifted a ban")
        FACE_REMOVED = "face_removed", _("Removed a profile picture")
        SIGNED_OUT = "signed_out", _("Signed out everywhere")
        SIGNED_OUT_ONE = "signed_out_one", _("Signed out of one device")
        CONFIRMED = "confirmed", _("Confirmed a newcomer")
        CODE_ISSUED = "code_issued", _("Issued a reset code")
        ADDED = "added", _("Added a user")
        EDITED = "edited", _("Edited a user")
        SUPERUSER = "superuser", _("Made a superuser")
        MODERATOR = "moderator", _("Made a moderator")
        STAFF = "staff", _("Let into the admin")
        NO_STAFF = "no_staff", _("Took all rights of the staff")
        RIGHTS = "rights", _("Changed the rights")
        DELETED = "deleted", _("Deleted a user")
        ANNOUNCED = "announced", _("Announced")
        WITHDRAWN = "withdrawn", _("Withdrew an announcement")

    at = models.DateTimeField(_("when"), auto_now_add=True)
    actor_number = models.BigIntegerField(_("who"))
    act = models.CharField(_("what"), max_length=16, choices=Act)
    about_number = models.BigIntegerField(_("about whom"), null=True)
    report_number = models.BigIntegerField(_("report"), null=True)
    detail = models.CharField(_("detail"), max_length=100, blank=True)

    # Annotated by `with_names`.
    actor_name: str | None
    about_name: str | None

    objects = AuditEntryQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["actor_number", "at"], name="chat_audit_actor"),
            models.Index(fields=["report_number"], name="chat_audit_report"),
            models.Index(fields=["about_number"], name="chat_audit_about"),
        ]
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit log")
        ordering = ["-id"]
        default_permissions = ["view"]

    def __str__(self) -> str:
        return f"{self.act} {self.pk}"
