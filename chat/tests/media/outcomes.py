"""What a file may turn out to be, as tests ask for it."""

import hashlib
import io
from pathlib import Path

from chat.media.orders import Kind

from .samples import secrets


def saved(picture, form, **how):
    file = io.BytesIO()
    picture.save(file, form, **how)
    return file.getvalue()


def content_of(found, order):
    """Read the content, and check that it is what has been said about it."""
    content = Path(found.stored(order)).read_bytes()
    assert (found.size, found.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    return content


def is_left_as_a_file(found, order, why="unreadable"):
    source = Path(order.source).read_bytes()
    return (
        (found.kind, found.mimetype, found.why) == (Kind.FILE, "application/octet-stream", why)
        and not found.is_clean
        and not found.has_preview
        and content_of(found, order) == source
        and not Path(order.target).exists()
        and not Path(order.preview).exists()
    )


def is_a_clean_file(found, order, mimetype, why="unreadable"):
    content = content_of(found, order)
    return (
        (found.kind, found.mimetype, found.why) == (Kind.FILE, mimetype, why)
        and found.is_clean
        and not found.has_preview
        and (found.width, found.height, found.duration) == (None, None, None)
        and found.stored(order) == order.target
        and not any(word in content for word in secrets())
        and not Path(order.preview).exists()
    )
