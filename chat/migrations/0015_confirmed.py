from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('chat', '0013_folded_search'),
    ]

    operations = [
        migrations.AlterField(
            model_name='auditentry',
            name='act',
            field=models.CharField(choices=[('looked', 'Looked at a report'), ('dismissed', 'Dismissed a report'), ('removed', 'Removed a message'), ('warned', 'Warned'), ('muted', 'Muted'), ('unmuted', 'Ended a mute'), ('banned', 'Banned'), ('unbanned', 'Lifted a ban'), ('signed_out', 'Signed out everywhere'), ('signed_out_one', 'Signed out of one device'), ('confirmed', 'Confirmed a newcomer'), ('code_issued', 'Issued a reset code'), ('added', 'Added a user'), ('edited', 'Edited a user'), ('deleted', 'Deleted a user'), ('announced', 'Announced'), ('withdrawn', 'Withdrew an announcement')], max_length=16, verbose_name='what'),
        ),
    ]
