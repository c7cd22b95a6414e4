from typing import Any

from django.db.models.signals import pre_delete
from django.dispatch import receiver

from accounts.models import User

from .services import part_with_everyone


@receiver(pre_delete, sender=User, dispatch_uid="friends_part_with_everyone")
def before_deletion(instance: User, **kwargs: Any) -> None:
    part_with_everyone(instance)
