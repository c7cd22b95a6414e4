from django.db import migrations


def forget_readings(apps, schema_editor):
    """Clear readings without surnames: the engine reads the remarks again when it starts."""
    friendships = apps.get_model("friends", "Friendship").objects
    friendships.exclude(remark_pinyin="").update(remark_pinyin="")


class Migration(migrations.Migration):
    dependencies = [
        ("friends", "0003_units"),
    ]

    operations = [
        migrations.RunPython(forget_readings, migrations.RunPython.noop, elidable=True),
    ]
