"""The live half of the server: sockets, and the writer and feed that serve them.

The writer commits for them, and the feed tells them what happened. Each worker process has one of
each, all on the worker's event loop."""
