from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0010_surnames"),
    ]

    operations = [
        migrations.AddField(
            "user",
            "real_name",
            models.CharField(
                blank=True, db_default="", default="", max_length=64, verbose_name="real name"
            ),
        ),
        migrations.AddField(
            "user", "password_set_at", models.DateTimeField(editable=False, null=True)
        ),
    ]
