from django.apps import AppConfig


class WebchatConfig(AppConfig):
    name = "webchat"

    def ready(self) -> None:
        from . import checks  # noqa: F401  (registers them)
