"""Serves HTTP: connections from the kernel to Django's threads, and answers back to slow readers.

Nothing here knows what the requests are about.
"""
