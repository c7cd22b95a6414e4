from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.signing import BadSignature, TimestampSigner
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from .database.examining import is_writable
from .database.folders import LOW_DISK_BYTES

QUESTION = "X-Doctor-Asks"
QUESTION_SECONDS = 60


@login_not_required
@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """Answer that the process runs, no more. `manage.py doctor` learns how its request came."""
    body: dict[str, Any] = {"status": "ok"}
    if _is_signed(request.headers.get(QUESTION, "")):
        body["seen"] = {
            "host": request.get_host(),
            "scheme": request.scheme,
            "has_address": "X-Real-IP" in request.headers,
        }
    return JsonResponse(body)


def sign_question() -> str:
    """Sign the header `QUESTION`: proof that it is us who ask what the proxy has passed on."""
    return TimestampSigner(salt=QUESTION).sign("seen")


def _is_signed(question: str) -> bool:
    try:
        TimestampSigner(salt=QUESTION).unsign(question, max_age=QUESTION_SECONDS)
    except BadSignature:
        return False
    return True


@login_not_required
@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Answer whether messages can be stored: 200, or 503 with the names of what prevents it."""
    checks = {name: check() for name, check in CHECKS.items()}
    ready = all(checks.values())
    body = {
        "status": "ok" if ready else "unavailable",
        "checks": {name: "ok" if passed else "failed" for name, passed in checks.items()},
        "mail": settings.MAIL_MODE,
    }
    return JsonResponse(body, status=200 if ready else 503)


def migrations_are_applied() -> bool:
    from django.db.migrations.executor import MigrationExecutor  # many are never asked

    try:
        executor = MigrationExecutor(connection)
        return not executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        return False


def disk_has_space() -> bool:
    try:
        return shutil.disk_usage(settings.DATA_DIR).free >= LOW_DISK_BYTES
    except OSError:
        return False


CHECKS: dict[str, Callable[[], bool]] = {
    "database": is_writable,
    "migrations": migrations_are_applied,
    "disk": disk_has_space,
}
