from collections.abc import Callable

from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponseBase
from django.urls import path, re_path
from django.views.generic import RedirectView

from webchat.base.api import endpoint

from . import api, card, views
from .mail import views as mail_views

app_name = "accounts"


def moved(name: str) -> Callable[..., HttpResponseBase]:
    return login_not_required(RedirectView.as_view(pattern_name=name, query_string=True))


urlpatterns = [
    path("login/", views.login, name="login"),
    path("logout/", views.logout, name="logout"),
    path("register/", views.register, name="register"),
    path("register/done/", views.registered, name="registered"),
    path("register/verify/", mail_views.verify, name="verify"),
    path("password/forgot/", mail_views.forgotten, name="password_forgotten"),
    path("password/reset/", mail_views.reset, name="password_reset"),
    path("account/email/", mail_views.change_email, name="email"),
    path("terms/", mail_views.terms, name="terms"),
    path("password/change/", views.change_password, name="password_change"),
    path("me/", card.card, name="card"),
    path("account/username/", views.change_username, name="username"),
    path("account/sessions/", views.list_sessions, name="sessions"),
    path("settings/", views.change_settings, name="settings"),
    path("account/delete/", views.delete, name="delete"),
    path("discover/language/", views.set_language, name="language"),
    path(
        "api/username-available/",
        endpoint(login=False, GET=api.username_available),
        name="username_available",
    ),
    # Addresses that people know, which would otherwise be chats with “login” and “register”.
    re_path(r"^chat/login/?$", moved("accounts:login")),
    re_path(r"^chat/register/?$", moved("accounts:register")),
]
