"""The WSGI entry point: `gunicorn wsgi:app`; the `flask` command finds it by its name."""

import os
import sys

from app import create_app
from app.logs import configure_logging
from config import Config, SettingsInvalid

configure_logging()
try:
    app = create_app(Config.from_env(os.environ))
except SettingsInvalid as error:
    for problem in error.problems:
        print(f"vigie: {problem}", file=sys.stderr)  # noqa: T201 - there is no app yet to log
    sys.exit(2)
