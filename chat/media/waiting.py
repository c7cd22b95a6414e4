"""Requests that wait for the work on a file, without a thread of theirs where that can be."""

from __future__ import annotations

import logging
from concurrent.futures import Future

from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext as _

from . import processing, receiving
from .processing import Job
from .workshop import UnavailableError

WAIT_SECONDS = 20.0
RETRY_SECONDS = 5

logger = logging.getLogger(__name__)


def has_waited(request: HttpRequest, job: Job) -> bool:
    """Return whether a job is done, as far as there was time.

    False if the request has to wait: it is run again then. What its work raises is raised here,
    and ValidationError("unavailable") if it was not possible. It happens once in a request.
    """
    end: Future[None] | None = request.META.get("webchat.waited")
    try:
        if end is not None:
            if end.done():
                end.result()
        elif (wait := request.META.get("webchat.wait")) is not None:
            wait(processing.begin(job), WAIT_SECONDS)
            return False
        else:
            job.work()
    except OSError as error:
        raise receiving.refused_by_disk(error) from None
    except UnavailableError as error:
        logger.error("An upload could not be processed: %s", error)
        raise busy() from None
    return True


def busy() -> ValidationError:
    message = _("The server is busy. Please try again in a moment.")
    return ValidationError(message, "unavailable", {"retry_after": RETRY_SECONDS})
