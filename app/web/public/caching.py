"""Answers that anybody may keep for a while, and need not fetch again while they are the same (RFC 9110 §13)."""

from datetime import datetime

from flask import Response, request

#: Seconds for which a page, or a feed, is shown without asking whether it is still the same.
PAGE_MAX_AGE_S, FEED_MAX_AGE_S = 300, 900


def cached(
    body: str,
    *,
    content_type: str = "text/html; charset=utf-8",
    max_age_s: int = PAGE_MAX_AGE_S,
    changed_at: datetime | None = None,
) -> Response:
    """Return `body`, or 304 without it for whoever has it already; `changed_at` is its Last-Modified."""
    response = Response(body, content_type=content_type)
    response.cache_control.public = True
    response.cache_control.max_age = max_age_s
    if changed_at is not None:  # to set None would say "now"
        response.last_modified = changed_at
    response.add_etag()
    response.make_conditional(request)
    return response
