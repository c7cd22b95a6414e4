from django.db import migrations


def drop_filters(apps, schema_editor):
    """Drop the filters of texts as they were before they were folded: the engine makes them again.

    Until then, the messages of a segment are read themselves.
    """
    apps.get_model("chat", "SearchFilter").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0012_keys"),
    ]

    operations = [
        migrations.RunPython(drop_filters, migrations.RunPython.noop, elidable=True),
    ]
