from django.apps import AppConfig
from django.db.backends.signals import connection_created


class WebchatConfig(AppConfig):
    name = "webchat"

    def ready(self) -> None:
        from . import checks  # noqa: F401 (registers them)
        from .database import queueing

        connection_created.connect(queueing.stand_in_line, dispatch_uid="webchat_queueing")
