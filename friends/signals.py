"""News from friends for the apps above it, sent inside the transaction of the change.

request_asked(request, hidden)            a request waits; hidden: its recipient may not see it
request_closed(request, state, hidden)    it was accepted, declined or withdrawn
friendship_added(user, friend)            the two are friends now; sent once for the pair
friendship_removed(user, friend, reason)  no longer: "removed", or "deleted" with user's account
friend_changed(owner, friend)             owner sees friend differently: remark, block
request_shown(request), request_hidden(request)  the block on its sender was lifted or set

And questions, asked when a page is made:

contact_shown(owner, friendship)  what else the page of a friend shows: a dict for its template
talk_kept(owner, friendship)      whether the chat of a new friend shows an earlier talk
"""

from django.dispatch import Signal

request_asked = Signal()
request_closed = Signal()
request_shown = Signal()
request_hidden = Signal()
friendship_added = Signal()
friendship_removed = Signal()
friend_changed = Signal()
contact_shown = Signal()
talk_kept = Signal()
