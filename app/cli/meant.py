"""Which newsletter a command means: it is named where there are several, and need not be where there is one."""

import click

newsletter_option = click.option(
    "--newsletter", "slug", metavar="SLUG", help="The newsletter's short name; needed where there are several."
)
