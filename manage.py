#!/usr/bin/env python
import json
import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webchat.settings")
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        settings.INSTALLED_APPS  # noqa: B018  (reads the settings)
    except ImproperlyConfigured as error:
        message = f"设置有误 / Wrong setting: {error}"
        if sys.argv[1:2] == ["doctor"] and "--json" in sys.argv:
            finding = {"check": "settings", "level": "wrong", "message": message, "fix": ".env"}
            sys.stdout.write(json.dumps([finding]) + "\n")
        sys.exit(message)
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
