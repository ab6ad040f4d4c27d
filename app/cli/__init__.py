"""The `flask` commands. Each parses its arguments and calls one function; errors are one line and a non-zero code."""

from flask import Flask

from app.cli import (
    admins,
    articles,
    audit,
    bounces,
    classifying,  # noqa: F401 - adds to the group of articles
    consents,
    database,
    dkim,
    doctor,
    drill,
    editions,
    jobs,
    lists,  # noqa: F401 - adds to the group of subscribers
    newsletters,
    privacy,
    readership,
    restore,
    retention,
    rights,  # noqa: F401 - adds to the group of subscribers
    running,
    schedules,
    sources,
    steering,  # noqa: F401 - adds to the group of editions
    subscribers,
    suppressions,
    templates,  # noqa: F401 - adds to the group of newsletters
    topics,
    warm_ups,  # noqa: F401 - adds to the group of newsletters
)


def register(app: Flask) -> None:
    """Put the commands on `app`."""
    groups = (
        database, admins, subscribers, suppressions, consents, sources, articles, topics, editions, newsletters,
        schedules, dkim, bounces, retention, privacy, restore, audit, jobs, readership,
    )  # fmt: skip
    for module in groups:
        app.cli.add_command(module.group)
    for command in (running.serve, running.scheduler, running.worker, drill.crash_drill, doctor.doctor):
        app.cli.add_command(command)
