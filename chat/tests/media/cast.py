"""Files that are ready to be sent."""

from __future__ import annotations

import hashlib
import io
from uuid import uuid4

from PIL import ExifTags, Image

from accounts.models import User
from chat.models import Upload
from chat.models.files import attachments_folder, new_name, previews_folder
from tests.cast import Api

MAKER = "Fabrikat Muster 7"
PREVIEW = b"a small picture"


def ready(owner: User, content: bytes = b"content", *, preview: bool = True, **facts) -> Upload:
    """Make an upload as it is when it has been processed; a picture unless `facts` differ."""
    file = new_name()
    for folder, kept in ((attachments_folder(), content), (previews_folder(), PREVIEW)):
        folder.mkdir(exist_ok=True)
        if kept is content or preview:
            (folder / file).write_bytes(kept)
    known = {
        "name": "海边.jpg",
        "announced_kind": "picture",
        "announced_size": len(content) + 9,
        "received": len(content) + 9,
        "state": Upload.State.READY,
        "part": new_name(),
        "file": file,
        "preview": file if preview else "",
        "mimetype": "image/jpeg",
        "kind": "picture",
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "width": 1200,
        "height": 800,
    }
    return Upload.objects.create(owner=owner, client_id=uuid4(), **(known | facts))


def send(user: User, to: str = "bob", **what):
    """Send by the API: `send(alice, upload=upload.client_id)`."""
    data = {name: value if isinstance(value, int) else str(value) for name, value in what.items()}
    data.setdefault("client_id", str(uuid4()))
    return Api(user).post(f"conversations/{to}/messages/", **data)


def photo(size: tuple[int, int] = (800, 600), *, orientation: int = 1, gps: bool = True) -> bytes:
    """Make a JPEG as a phone does, with where it was taken, by what."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    exif[ExifTags.Base.Make] = MAKER
    if gps:
        exif.get_ifd(ExifTags.IFD.GPSInfo).update({1: "N", 2: (31.0, 13.0, 49.5), 3: "E"})
    picture = Image.effect_noise(size, 40).convert("RGB")
    made = io.BytesIO()
    picture.save(made, "JPEG", exif=exif, quality=90)
    return made.getvalue()
