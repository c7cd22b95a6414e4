"""The live half of the server: sockets, the writer that commits for them, and the feed that
tells them what happened. One of each a worker process, all on the worker's event loop."""
