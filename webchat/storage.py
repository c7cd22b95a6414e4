from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage, Storage
from whitenoise.storage import CompressedManifestStaticFilesStorage

from .scripts import Joiner
from .styles import Styles

SCRIPTS = ("js/app.js", "js/card.js")  # the entries of the pages
LATE = {"js/late.js": "js/app.js"}  # scripts that come later, beside the one of the page
STYLE = "css/app.css"

URLS_AT_MOST = 1_000  # that are remembered: templates name some fifty

Paths = dict[str, tuple[Storage, str]]


class StaticStorage(CompressedManifestStaticFilesStorage):
    """Static files named by the hash of their content; the scripts of a page are one file.

    Until `collectstatic` has run once there is no manifest, and plain names are served, so
    that tests and `runserver` need no step before them. A file that is newer than the
    manifest may be missing, but does not break the page.
    """

    support_js_module_import_aggregation = True  # a script that comes later names the first one

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._urls: dict[tuple[str | None, ...], str] = {}

    def post_process(
        self, paths: Paths, dry_run: bool = False, **options: Any
    ) -> Iterator[tuple[str, str, bool | Exception]]:
        if not dry_run:
            paths = _joined(paths)
        yield from super().post_process(paths, dry_run=dry_run, **options)

    def url(self, name: str | None, force: bool = False) -> str:
        """Return the address of a file, which is taken apart and quoted once for each name."""
        if name is None or force or settings.DEBUG:
            return str(super().url(name, force))
        known_by = name, self.hashed_files.get(name), self.base_url
        found = self._urls.get(known_by)
        if found is None:
            if len(self._urls) >= URLS_AT_MOST:
                self._urls.clear()
            found = self._urls[known_by] = str(super().url(name))
        return found

    def stored_name(self, name: str) -> str:
        return self.hashed_files.get(self.hash_key(self.clean_name(name)), name)


def _joined(paths: Paths) -> Paths:
    def read(name: str) -> str:
        storage, path = paths[name]
        with storage.open(path) as file:
            return file.read().decode()

    alone, joined, scripts = dict(paths), InMemoryStorage(), dict[str, Joiner]()
    entries = [name for name in (*SCRIPTS, *LATE, STYLE) if name in paths]
    for entry in entries:
        if entry == STYLE:
            joiner: Joiner | Styles = Styles(read)
        else:
            joiner = scripts[entry] = Joiner(paths, read, scripts.get(LATE.get(entry, "")))
        joined.save(entry, ContentFile(joiner.join(entry).encode()))
        for name in joiner.names:
            alone.pop(name, None)
    return alone | {entry: (joined, entry) for entry in entries}
