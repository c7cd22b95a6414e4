from django.http import HttpRequest

from .models import User


class UserRequest(HttpRequest):
    """A request that LoginRequiredMiddleware has let through: for type checkers only."""

    user: User
