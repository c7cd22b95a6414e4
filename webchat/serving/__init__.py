"""HTTP service: from the kernel's connections to Django's threads, and back to slow readers.

Nothing here knows what the requests are about.
"""
