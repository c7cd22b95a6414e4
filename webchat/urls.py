from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from django.utils.translation import gettext_lazy as _

from . import health

admin.site.site_title = _("Chat administration")
admin.site.site_header = _("Chat administration")
admin.site.index_title = _("What is stored")

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("", include("accounts.urls")),
    path("", include("friends.urls")),
    path("", include("chat.urls")),
    path(settings.ADMIN_PATH, admin.site.urls),
]

handler400 = "webchat.errors.bad_request"
handler403 = "webchat.errors.permission_denied"
handler404 = "webchat.errors.page_not_found"
handler500 = "webchat.errors.server_error"
