from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class FriendsConfig(AppConfig):
    name = "friends"
    verbose_name = _("friends")

    def ready(self) -> None:
        from . import receivers  # noqa: F401
