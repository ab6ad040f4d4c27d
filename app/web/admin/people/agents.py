"""A browser's name as one would say it, from what it calls itself: "Firefox, Linux"."""

import re

from flask import request

#: The first that is found counts: most browsers call themselves by the names of others as well.
_BROWSERS = (("Edg(?:e|A|iOS)?", "Edge"), ("OPR", "Opera"), ("Firefox|FxiOS", "Firefox"), ("Chrome|CriOS", "Chrome"),
             ("Safari", "Safari"))  # fmt: skip
_SYSTEMS = (("Android", "Android"), ("iPhone|iPad", "iOS"), ("Windows", "Windows"), ("Mac OS X", "macOS"),
            ("Linux|X11", "Linux"))  # fmt: skip


def agent() -> str:
    """Return the name of the browser that asks, or nothing where it does not say."""
    given = request.user_agent.string
    found = (next((name for sign, name in names if re.search(sign, given)), "") for names in (_BROWSERS, _SYSTEMS))
    return ", ".join(filter(None, found))
