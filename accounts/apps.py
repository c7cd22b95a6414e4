from django.apps import AppConfig
from django.contrib.admin import apps
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("accounts")
    default = True

    def ready(self) -> None:
        from . import receivers  # noqa: F401


class AdminConfig(apps.AdminConfig):
    """Django's admin, with the pages of our `AdminSite`."""

    default = False  # not the one of this app
    default_site = "accounts.admin_site.AdminSite"
