"""What a command means: a newsletter, which need not be named where there is one, and rows by their ids.

And in which language: it is named, or else French, or what the newsletter has instead.
"""

import click

from app import i18n
from app.newsletters.models import Newsletter

#: An id of a row; larger ones fit into no database.
ROW_ID = click.IntRange(1, 2**63 - 1)
#: The id behind which a list goes on; 0 begins it.
AFTER_ID = click.IntRange(0, 2**63 - 1)

newsletter_option = click.option(
    "--newsletter", "slug", metavar="SLUG", help="The newsletter's short name; needed where there are several."
)

language_option = click.option(
    "--language",
    type=click.Choice([*i18n.LANGUAGES]),
    help=f"One that the newsletter has; else {i18n.DEFAULT_LANGUAGE}, or its first one.",
)


def language_meant(newsletter: Newsletter, named: str | None) -> str:
    """Return the language that was named, or else French, or what `newsletter` has instead."""
    return named or newsletter.in_language(i18n.DEFAULT_LANGUAGE).language
