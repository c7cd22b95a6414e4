"""The settings of the test run: the real ones in an environment of their own."""

import tests.environment  # noqa: F401  (first: sets the environment)
from webchat.settings import *  # noqa: F403
from webchat.settings import DATA_DIR, DATABASES

# A file, never :memory:, so that threads race for the lock as in production.
DATABASES["default"]["TEST"] = {"NAME": DATA_DIR / "test.sqlite3"}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STATIC_ROOT = DATA_DIR / "staticfiles"
STATIC_ROOT.mkdir()
WHITENOISE_USE_FINDERS = True
# Found when they are asked for: each client of a test would list them all, in 30 ms.
WHITENOISE_AUTOREFRESH = True
