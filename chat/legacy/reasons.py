"""The reasons why something of the old data was not imported, or not as it was.

The code of a reason stays the same in every version and language: programs read it in the report.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason; equal ones are reported together. `detail` fills a `%(detail)s` in the words."""

    code: str
    words: Any = field(compare=False)
    detail: str = ""

    def __str__(self) -> str:
        words = str(self.words)
        return words % {"detail": self.detail} if self.detail else words

    def of(self, detail: str) -> Reason:
        return Reason(self.code, self.words, detail)


# A file
LINK = Reason("link", _("is a link, which an import does not follow"))
UNREADABLE = Reason("unreadable", _("cannot be read (%(detail)s)"))
UNREADABLE_BECAUSE = {
    errno.EACCES: _("this user may not"),
    errno.EPERM: _("this user may not"),
    errno.EINVAL: _("no regular file"),
    errno.ENXIO: _("no regular file"),  # a socket
    errno.ENOENT: _("gone meanwhile"),
    errno.EIO: _("the disk fails"),
}
NOT_JSON = Reason("not_json", _("cannot be read as JSON, perhaps half-written"))
NO_LIST = Reason("no_list", _("holds no JSON list"))
NO_OBJECT = Reason("no_object", _("holds no JSON object"))
AMBIGUOUS = Reason("ambiguous", _("may stand for several pairs of people, or for none"))
NO_NAME = Reason("no_name", _("is no name"))
NO_REQUEST = Reason("no_request", _("is no request"))
UNCERTAIN = Reason("uncertain", _("says nothing certain"))


def unreadable(error: OSError) -> Reason:
    number = error.errno or 0
    if number == errno.ELOOP:
        return LINK
    return UNREADABLE.of(str(UNREADABLE_BECAUSE.get(number, f"errno {number}")))


# A person who cannot be imported
GHOST = Reason("ghost", _("has no file in users/: deleted or renamed in the old program"))
OTHER_NAME = Reason("other_name", _("has a file that holds another name inside"))
REGISTERING = Reason(
    "registering", _("is a name that somebody registers at this moment; import again later")
)
HELD_BACK = Reason("held_back", _("was deleted or renamed here, and the name is held back"))
DELETED = Reason("deleted", _("has been imported before, and deleted the account here"))
GIVEN = Reason("given", _("is the name of nobody: an earlier import was told whose data it has"))
# What is left of these belongs to nobody here.
HEIRLESS = (GHOST, OTHER_NAME)

# A new name
TWIN = Reason("twin", _("differs from another name only by case or width"))
RESERVED = Reason("reserved", _("is reserved, or looks like the staff's"))
TOO_LONG = Reason("too_long", _("is too long"))
INVALID = Reason("invalid", _("has characters that a name here cannot have"))
ASKED = Reason("asked", _("as --rename says"))
BEFORE = Reason("before", _("since an earlier import, or by their own wish"))
FORBIDDEN = {each.code: each for each in (RESERVED, TOO_LONG, INVALID)}

# A part of somebody's account
MAIL_TWICE = Reason("mail_twice", _("has an address that others have, too: dropped"))
MAIL_BAD = Reason("mail_bad", _("has a bad address: dropped"))
MAIL_TAKEN = Reason("mail_taken", _("has an address that somebody here has already: dropped"))
MAIL_UNPROVEN = Reason(
    "mail_unproven", _("have addresses that nobody has verified: dropped; see --trust-mail")
)
NO_PASSWORD = Reason("no_password", _("has no password: an administrator has to give them one"))
CUT = Reason("cut", _("has a remark that is cut to %(detail)s characters"))

# A friendship or a request
ONESELF = Reason("oneself", _("with oneself"))
ONE_SIDED = Reason("one_sided", _("only one has the other as a friend, and they never talked"))
PARTED = Reason("parted", _("they parted here"))
ANSWERED = Reason("answered", _("has been answered"))
FRIENDS = Reason("friends", _("they are friends"))
CROSSED = Reason("crossed", _("the other one has asked, too"))
PERHAPS_ANSWERED = Reason(
    "perhaps_answered", _("both had accounts here already: it may have been answered")
)

# A message
NO_MESSAGE = Reason("no_message", _("is no message"))
NO_SENDER = Reason("no_sender", _("has no sender"))
NO_TIME = Reason("no_time", _("has a time that nobody understands"))
NO_CONTENT = Reason("no_content", _("has neither text nor file"))
EMPTY = Reason("empty", _("is empty"))
STRANGER = Reason("stranger", _("its sender is none of the two"))
TALKING = Reason("talking", _("people talk there already"))
CHARACTERS = Reason("characters", _("lost characters that nobody can show or store"))
LOST = Reason("lost_file", _("the file is lost; its message says so"))
