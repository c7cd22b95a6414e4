from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from webchat.base import commands
from webchat.doctor import examine
from webchat.doctor.finding import Level

EXAMPLE = gettext_lazy("""\
Example, for a script that wants to know what is wrong:
  manage.py doctor --json
""")
MARKS = {Level.OK: "✓", Level.ADVICE: "!", Level.WRONG: "✗"}


class Command(commands.Command):
    help = gettext_lazy(
        "Looks for what is wrong with this server and says how to mend it; 1 if anything is."
    )
    requires_system_checks = []
    example = EXAMPLE

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--json", action="store_true", help=_("print a list of objects for scripts")
        )

    def handle(self, *args: Any, **options: Any) -> None:
        findings = []
        for name, finding in examine():
            findings.append({"check": name} | asdict(finding))
            if not options["json"]:
                fix = f"\n    → {finding.fix}" if finding.fix else ""
                self.stdout.write(f"{MARKS[finding.level]} {name}: {finding.message}{fix}")
        if options["json"]:
            # In ASCII: an escape for what a terminal does not know would be no JSON.
            self.stdout.write(json.dumps(findings, indent=1))
        if any(finding["level"] == Level.WRONG for finding in findings):
            sys.exit(1)
