from django.db import migrations


def forget_readings(apps, schema_editor):
    """Clear readings of the earlier form: the engine reads the remarks again when it starts."""
    friendships = apps.get_model("friends", "Friendship").objects
    friendships.exclude(remark_pinyin="").update(remark_pinyin="")


class Migration(migrations.Migration):
    dependencies = [
        ("friends", "0002_pinyin"),
    ]

    operations = [
        migrations.RemoveField(model_name="friendship", name="remark_initials"),
        migrations.RunPython(forget_readings, migrations.RunPython.noop, elidable=True),
    ]
