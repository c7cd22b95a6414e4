from django.conf import settings
from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.templatetags.static import static
from django.urls import include, path
from django.utils.functional import lazy
from django.utils.translation import gettext_lazy as _
from django.views.generic import RedirectView

from . import health

# For pages that name no icon, like the stock admin; its name is known only once it is collected.
favicon = RedirectView.as_view(url=lazy(static, str)("img/favicon.svg"))

admin.site.site_title = _("Chat administration")
admin.site.site_header = _("Chat administration")
admin.site.index_title = _("Overview")
admin.site.site_url = f"{settings.PREFIX}/"

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("favicon.ico", login_not_required(favicon)),
    path("", include("accounts.urls")),
    path("", include("friends.urls")),
    path("", include("chat.urls")),
    path(settings.ADMIN_PATH, admin.site.urls),
]

handler400 = "webchat.base.errors.bad_request"
handler403 = "webchat.base.errors.permission_denied"
handler404 = "webchat.base.errors.page_not_found"
handler500 = "webchat.base.errors.server_error"
