"""Questions and news from accounts for the apps above it.

account_summary(users)   what goes with these accounts: each receiver answers with a dict of
                         counts under "friends", "requests", "conversations" or "messages"
account_renamed(user, old_username)   inside the transaction of the change
keys_told(user)          what others have done with the keys of an account: a list of sentences for
                         the page of its devices
keys_set(user, by, what, email)   a superuser has set what opens somebody's account, "password" or
                         "email", inside the transaction; `email` is the address from before,
                         `by` None for the maintainer at the machine
trace_found(trace)       why a value may name an account that is deleted: answered by `traces.Kept`
picture_found(user, picture)   a file of the maintainer's, to become the profile picture of `user`;
                         without one it is only tried. Each receiver answers with the reason why
                         it cannot, or "". It is no part of a transaction: it takes a while
files_left()             files that no row refers to any more, a line for each
account_kept(username)   what else stays of a deleted account: a list of `traces.Kept`

They learn of a deletion from Django's own `pre_delete`, inside the transaction.
"""

from django.dispatch import Signal

account_summary = Signal()
account_renamed = Signal()
keys_told = Signal()
keys_set = Signal()
trace_found = Signal()
picture_found = Signal()
files_left = Signal()
account_kept = Signal()
