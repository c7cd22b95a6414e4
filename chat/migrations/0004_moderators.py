from django.conf import settings
from django.db import migrations

GROUP = "管理员"
# None on conversations, messages and events: what people write is seen through a report only.
PERMISSIONS = {
    ("accounts", "user"): ["view_user", "delete_user"],
    ("chat", "report"): ["view_report", "decide_report", "moderate_user"],
    ("chat", "auditentry"): ["view_auditentry"],
    ("chat", "announcement"): [
        "view_announcement",
        "add_announcement",
        "change_announcement",
        "delete_announcement",
    ],
}
NAMES = {
    "decide_report": "Can decide reports",
    "moderate_user": "Can warn, mute, ban and sign out users",
    "view_auditentry": "Can view audit entry",
}


def make_group(apps, schema_editor):
    """Django itself makes the permissions only when all migrations are through."""
    ContentType = apps.get_model("contenttypes", "ContentType")
    Permission = apps.get_model("auth", "Permission")
    group, _is_new = apps.get_model("auth", "Group").objects.get_or_create(name=GROUP)
    for (app_label, model), codenames in PERMISSIONS.items():
        content_type, _is_new = ContentType.objects.get_or_create(app_label=app_label, model=model)
        for codename in codenames:
            permission, _is_new = Permission.objects.get_or_create(
                content_type=content_type,
                codename=codename,
                defaults={"name": NAMES.get(codename, f"Can {codename.replace('_', ' ')}")},
            )
            group.permissions.add(permission)


class Migration(migrations.Migration):

    dependencies = [
        ("chat", "0003_moderation"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunPython(make_group, migrations.RunPython.noop),
    ]
