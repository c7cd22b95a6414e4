#!/usr/bin/env python
import json
import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webchat.settings")
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured

    try:
        settings.INSTALLED_APPS  # noqa: B018  (reads the settings)
    except ImproperlyConfigured as error:
        message = f"设置有误 / Wrong setting: {error}"
        if sys.argv[1:2] == ["doctor"] and "--json" in sys.argv:
            finding = {"check": "settings", "level": "wrong", "message": message, "fix": ".env"}
            sys.stdout.write(json.dumps([finding]) + "\n")
        sys.exit(message)
    run()


def run() -> None:
    """Run a command, Django's own ones, too: as the owner, and in the reader's language."""
    import django
    from django.conf import settings

    from webchat import owner
    from webchat.base import failures, overview, telling, terminal

    terminal.end_on_signals()
    owner.leave_root(settings.DATA_DIR, *sys.argv[1:2])
    try:
        django.setup()
        terminal.speak(terminal.language())
        overview.run()
    except (Exception, KeyboardInterrupt) as error:
        failure = failures.explain(error)
        if failure is None or "--traceback" in sys.argv:
            raise
        failures.end(failure)
    finally:
        if not telling.finish(sys.stdout):
            sys.exit("输出没有写下来：磁盘已满？/ The output was not written: is the disk full?")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
