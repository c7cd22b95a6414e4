"""What stays of reported messages, and for how long: their files, and the words of a snapshot."""

from __future__ import annotations

import logging

from django.db.models import Q

from accounts.models import User
from chat.models import Attachment, Evidence, Message, Report
from chat.models.files import links_of, sync_names

DELETED = "deleted"  # the state, in a snapshot, of a message whose sender is gone

logger = logging.getLogger(__name__)


def keep_file(report: Report, message: Message) -> None:
    """Give the file of a reported message second names, in the transaction of its report.

    A file that is lost, or a disk that refuses, ends no report.
    """
    attachment = Attachment.objects.filter(message=message).first()
    if attachment is None:
        return
    try:
        columns = links_of(attachment)
        sync_names()
    except OSError as error:
        logger.error("The file of a reported message could not be kept: %s", error)
        return
    Evidence.objects.create(
        report=report, sender_id=message.sender_id, name=attachment.name, **columns
    )


def forget_texts_of(user: User) -> None:
    """Take the texts of somebody out of every snapshot. Their files go with the account itself."""
    theirs = Report.objects.filter(Q(about_number=user.pk) | Q(reporter=user))
    for report in theirs.exclude(message_number=None):
        report.snapshot = [
            each | {"text": "", "state": DELETED} if each["sender_number"] == user.pk else each
            for each in report.snapshot
        ]
        report.save(update_fields=["snapshot"])
