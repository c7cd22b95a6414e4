from __future__ import annotations

from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticStorage(CompressedManifestStaticFilesStorage):
    """Static files named by the hash of their content, also in the imports of ES modules.

    Until `collectstatic` has run once there is no manifest, and plain names are served, so
    that tests and `runserver` need no step before them. A file that is newer than the
    manifest may be missing, but does not break the page.
    """

    support_js_module_import_aggregation = True

    def stored_name(self, name: str) -> str:
        return self.hashed_files.get(self.hash_key(self.clean_name(name)), name)
