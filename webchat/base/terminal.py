"""The language of a terminal, and the signals by which it ends a command."""

from __future__ import annotations

import gettext
import os
import signal
from contextlib import suppress
from types import FrameType

from django.conf import settings
from django.utils import translation

from webchat.database.stops import ENDINGS

# LANG is left out: it came with the image of the server, en_US.UTF-8 on most in China, too, and
# tells nothing of who reads. These are set by somebody who wants that language.
WANTED_IN = ("LANGUAGE", "LC_ALL", "LC_MESSAGES")
LOCALE_LENGTH = 100  # characters of such a variable


class Terminated(KeyboardInterrupt):
    """The end by a signal that is not Ctrl+C's, on the same way: what is open is cleared up."""

    def __init__(self, number: int) -> None:
        self.number = number  # of the signal
        super().__init__()


def language() -> str:
    """Return the site's language, unless whoever types has asked for another one of ours."""
    ours = {code.partition("-")[0]: code for code, _name in settings.LANGUAGES}
    for name in WANTED_IN:
        for wanted in os.environ.get(name, "")[:LOCALE_LENGTH].lower().split(":"):
            if code := ours.get(wanted.replace("-", "_").partition(".")[0].partition("_")[0]):
                return code
    return str(settings.LANGUAGE_CODE)


def speak(code: str) -> None:
    """Make this process speak a language: Django's translations and those of argparse.

    argparse asks the `gettext` of the standard library, which finds the language in LANGUAGE.
    """
    translation.activate(code)
    gettext.bindtextdomain("django", settings.LOCALE_PATHS[0])
    gettext.textdomain("django")
    os.environ["LANGUAGE"] = translation.to_locale(code)


def end_on_signals() -> None:
    """Raise Terminated on SIGTERM and SIGHUP, unless who started us wants one ignored (nohup)."""
    for number in ENDINGS:
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, end)


def end(number: int, _frame: FrameType | None) -> None:
    """Raise Terminated once; what follows it is cleared up undisturbed."""
    with suppress(ValueError):  # not in the main thread
        for each in ENDINGS:
            signal.signal(each, signal.SIG_IGN)
    raise Terminated(number)
