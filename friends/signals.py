"""What friends tells the apps above it. All are sent inside the transaction of the change.

request_asked(request, hidden)            a question waits; hidden: its recipient may not see it
request_closed(request, state, hidden)    it was accepted, declined or withdrawn
friendship_added(user, friend)            the two are friends now; sent once for the pair
friendship_removed(user, friend, reason)  no longer: "removed", or "deleted" with user's account
friend_changed(owner, friend)             owner sees friend differently: remark, block
request_shown(request), request_hidden(request)  a block was lifted or laid on its sender
"""

from django.dispatch import Signal

request_asked = Signal()
request_closed = Signal()
request_shown = Signal()
request_hidden = Signal()
friendship_added = Signal()
friendship_removed = Signal()
friend_changed = Signal()
