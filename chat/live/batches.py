"""The two things that an open socket writes: messages and read marks, with one commit for all."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import IntegrityError

from chat import marking
from chat.marking import Mark, Marked
from chat.sending import posting
from chat.sending.drafts import Draft
from chat.sending.posting import Outcome
from webchat.database.prepared import Transaction

Job = Draft | Mark
# A mark of what is not a friend's is answered with None.
Result = Outcome | Marked | None


def write(jobs: Sequence[Job]) -> Sequence[Result]:
    """Write messages, then read marks, and commit; returns what became of each job, in order."""
    drafts = [job for job in jobs if isinstance(job, Draft)]
    if len(drafts) == len(jobs):
        return posting.post_messages(drafts)
    marks = [job for job in jobs if isinstance(job, Mark)]
    posted: Sequence[Outcome]
    try:
        with Transaction() as database:
            posted = posting.post_in(database, drafts)
            marked = marking.mark_in(database, marks)
    except IntegrityError:
        # One bad row fails them all, and neither should fail the other.
        posted, marked = posting.post_messages(drafts), marking.mark_all(marks)
    of_drafts, of_marks = iter(posted), iter(marked)
    return [next(of_marks if isinstance(job, Mark) else of_drafts) for job in jobs]
