"""What accounts asks of the apps above it.

account_summary(users)   what goes with these accounts: each receiver answers with a dict of
                         counts under "friends", "requests", "conversations" or "messages"

That an account goes they learn from Django's own `pre_delete`, inside the transaction.
"""

from django.dispatch import Signal

account_summary = Signal()
