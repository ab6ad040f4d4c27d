"""The WSGI entry point: `gunicorn wsgi:app`; the `flask` command finds it by its name."""

# ruff: noqa: E402 - to look for garbage while modules load finds none and takes a quarter of the start.
import gc

gc.disable()

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

gc.freeze()  # what was loaded stays: later looks pass it by
gc.enable()
