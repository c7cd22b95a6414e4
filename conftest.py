import signal

pytest_plugins = ["tests.cast"]

# Whoever runs the tests in the background has Ctrl+C ignored in all that they start.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
