from django.db import migrations


class Migration(migrations.Migration):
    """The table stays: the release before this one needs it, beside this and after `--back`."""

    dependencies = [
        ("chat", "0010_quoting"),
    ]

    operations = [
        migrations.RunSQL("DELETE FROM chat_typing", migrations.RunSQL.noop),
    ]
