"""What can be written about: articles, their topics, and where they come from."""

from app.web.admin.wire import articles, extras, sources, stories, topics, writing  # noqa: F401 - views attach to the blueprint
