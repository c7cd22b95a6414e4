from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_migrate
from django.utils.translation import gettext_lazy as _


def clear_import(**kwargs: Any) -> None:
    # The server neither migrates nor imports, so it does not load what does.
    from .legacy.staging import after_migration

    after_migration(**kwargs)


class ChatConfig(AppConfig):
    name = "chat"
    verbose_name = _("chat")

    def ready(self) -> None:
        from . import gone, left_behind, receivers  # noqa: F401
        from .search.triggers import drop_triggers, make_triggers

        # Around every migration: one that rebuilds a table drops its triggers, and fails
        # over the triggers of other tables that name it.
        pre_migrate.connect(drop_triggers, sender=self, dispatch_uid="chat_search_drop")
        post_migrate.connect(make_triggers, sender=self, dispatch_uid="chat_search_make")
        pre_migrate.connect(gone.drop_triggers, sender=self, dispatch_uid="chat_gone_drop")
        post_migrate.connect(gone.make_triggers, sender=self, dispatch_uid="chat_gone_make")
        pre_migrate.connect(left_behind.drop_triggers, sender=self, dispatch_uid="chat_left_drop")
        post_migrate.connect(left_behind.make_triggers, sender=self, dispatch_uid="chat_left_make")
        # A restore migrates, too.
        post_migrate.connect(clear_import, sender=self, dispatch_uid="chat_clear_import")
