from django.db import migrations


def forget_readings(apps, schema_editor):
    """Clear readings without surnames: the engine reads the names again when it starts."""
    apps.get_model("accounts", "User").objects.exclude(pinyin="").update(pinyin="")


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0009_units"),
    ]

    operations = [
        migrations.RunPython(forget_readings, migrations.RunPython.noop, elidable=True),
    ]
