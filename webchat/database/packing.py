"""A backup that is being made: its files and its database, in one file or as a folder."""

from __future__ import annotations

import io
import json
import os
import tarfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from django.utils import timezone

from . import copies, generations, scratch
from .archive import DATABASE, FORMAT, MANIFEST, NONSENSE, Inode, digest, inode_of
from .folders import FILES
from .gathering import Gathering, Shared, is_shared, names_there, size_there, stat_there
from .steps import Counted, Step

# Up to here all fits into one file, which is easy to carry. Beyond it, what has not changed would
# be read and written every night.
ONE_FILE_BYTES = 8 * 1024 * 1024
UNDER_WAY = "webchat-0"  # the name of the folder until it is complete


@dataclass(frozen=True, slots=True)
class Notes:
    """The findings of a backup about its files, by their names."""

    lost: list[str] = field(default_factory=list)  # named by messages, and not there
    damaged: list[str] = field(default_factory=list)  # not as they were sent
    rotted: list[str] = field(default_factory=list)  # not as in the backup before; copied again
    links_refused: bool = False


def notes_of(path: Path) -> Notes:
    """Return the notes of a backup; none for one that has no manifest, or is damaged."""
    try:
        if path.is_dir():
            text = (path / MANIFEST).read_bytes()
        else:
            with tarfile.open(path) as tar:
                text = tar.extractfile(MANIFEST).read()  # type: ignore[union-attr]
        return Notes(**json.loads(text)["notes"])
    except NONSENSE:
        return Notes()


def bytes_to_copy(shared: Shared | None, *, links: bool = True) -> int:
    """Return the bytes of the files that the next backup cannot share with the one before.

    What the server has under several names is copied once where the disk takes `links`.
    """
    if not links:
        return bytes_there()
    new: dict[Inode, int] = {}
    known: set[Inode] = set()
    for name in names_there():
        if found := stat_there(name):
            if shared is not None and is_shared(name, shared):
                known.add(inode_of(found))
            else:
                new[inode_of(found)] = found.st_size
    return sum(size for inode, size in new.items() if inode not in known)


def bytes_there() -> int:
    """Return the bytes of all files, each as often as it has names: so it is in one file."""
    return sum(size_there(name) or 0 for name in names_there())


def make(own: Path, before: Shared | None, step: Step, *, in_one_file: bool) -> Path:
    """Make a backup in a work folder, and return its path. Raises OSError."""
    folder, database = own / UNDER_WAY, own / DATABASE
    (folder / FILES).mkdir(mode=0o700, parents=True)
    files = Gathering(folder / FILES, before, step)
    files.links_refused = not scratch.takes_links(own)
    files.gather(database)
    step(database.stat().st_size)
    manifest = _describe(database, files, step)
    if in_one_file or sum(fact.bytes for fact in files.facts.values()) <= ONE_FILE_BYTES:
        return _write_tar(own / f"{UNDER_WAY}.tar.gz", database, folder, manifest, step)
    generations.finish(folder, database, manifest, files.copied, step)
    return folder


def _describe(database: Path, files: Gathering, step: Step) -> dict[str, Any]:
    own = {"bytes": database.stat().st_size, "sha256": _digest(database, step)}
    facts = {f"{FILES}/{name}": fact._asdict() for name, fact in sorted(files.facts.items())}
    return {
        "application": "webchat",
        "format": FORMAT,
        "made_at": timezone.now().isoformat(),
        "counts": copies.count_rows(database),
        "migrations": copies.list_migrations(database),
        "files": {DATABASE: own} | facts,
        "notes": asdict(Notes(files.lost, files.damaged, files.rotted, files.links_refused)),
    }


def _digest(path: Path, step: Step) -> str:
    return digest(Counted(path.open("rb"), step))


def _write_tar(
    part: Path, database: Path, folder: Path, manifest: dict[str, Any], step: Step
) -> Path:
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with (
        os.fdopen(descriptor, "wb") as out,
        # A second name is a file like any other there: a reader need not know of links.
        tarfile.open(fileobj=out, mode="w:gz", dereference=True) as tar,
    ):
        text = json.dumps(manifest, indent=1).encode()
        info = tarfile.TarInfo(MANIFEST)
        info.size = len(text)
        tar.addfile(info, io.BytesIO(text))
        for name in manifest["files"]:
            path = database if name == DATABASE else folder / name
            with path.open("rb") as file:
                tar.addfile(tar.gettarinfo(arcname=name, fileobj=file), Counted(file, step))
    with part.open("rb") as file:
        os.fsync(file.fileno())
    return part
