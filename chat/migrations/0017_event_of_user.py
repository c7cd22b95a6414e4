from django.conf import settings
from django.db import migrations, models

# Made by 0001 under a name that Django computes from those of table and column.
WHOLE = "chat_event_user_id_44291ae1"


class Migration(migrations.Migration):
    """An index of the events of one person, in place of one with an entry for each message.

    By Django's own operation, SQLite would copy the whole table.
    """

    dependencies = [
        ("chat", "0016_audit_about"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name="event",
            index=models.Index(
                fields=["user"],
                condition=models.Q(("user__isnull", False)),
                name="chat_event_of_user",
            ),
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    f"DROP INDEX IF EXISTS {WHOLE}",
                    f"CREATE INDEX IF NOT EXISTS {WHOLE} ON chat_event (user_id)",
                )
            ],
            state_operations=[
                migrations.AlterField(
                    model_name="event",
                    name="user",
                    field=models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                )
            ],
        ),
    ]
