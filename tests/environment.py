"""An environment of the test run's own; import it before the settings."""

import atexit
import os
import re
import shutil
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# An empty value means the default, and overrides the developer's .env.
names = re.findall(r"^#? ?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
os.environ.update(dict.fromkeys(names, ""))

folder = tempfile.mkdtemp(prefix="webchat-test-")
atexit.register(shutil.rmtree, folder, ignore_errors=True)
os.environ["DATA_DIR"] = folder
os.environ["SECRET_KEY"] = "only-for-tests-" + "k" * 50
