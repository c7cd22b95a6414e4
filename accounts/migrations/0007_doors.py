from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session as Sessions
from django.db import migrations


def shut(apps, schema_editor):
    """End what earlier releases let in: sessions in no list of devices, codes shown to moderators."""
    Session = apps.get_model("sessions", "Session")
    linked = apps.get_model("accounts", "UserSession").objects.values("session")
    for session in Session.objects.exclude(pk__in=linked).iterator():
        if SESSION_KEY in Sessions(session_data=session.session_data).get_decoded():
            session.delete()
    OneTimeCode = apps.get_model("accounts", "OneTimeCode")
    OneTimeCode.objects.filter(purpose="reset", email="").delete()


class Migration(migrations.Migration):

    dependencies = [
        ("accounts", "0006_demo"),
        ("sessions", "0001_initial"),
    ]

    operations = [
        migrations.RunPython(shut, migrations.RunPython.noop),
    ]
