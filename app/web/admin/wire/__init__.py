"""What can be written about: articles, their topics, and where they come from."""

from app.web.admin.wire import articles, extras, source, sources, stories, topics, writing  # noqa: F401 - they attach to bp
