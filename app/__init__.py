"""Vigie: `create_app` wires all parts; `app.factory` is the one place that knows them.

Nothing is imported here until it is called, so that the packages below can be used without Flask.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from config import Config


def create_app(config: "Config") -> "Flask":
    """Return the Flask app for `config`; touches no database."""
    from app.factory import make_app  # noqa: PLC0415 - see above

    return make_app(config)
