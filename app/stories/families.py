"""Who publishes an article: its source family, whatever the feed, the section or the language."""

from app.articles.models import Article
from app.articles.urls import host_of

#: Labels below a country's own domain that say what kind of name follows: bbc.co.uk, ssi.gouv.fr.
_KINDS = frozenset({"ac", "asso", "co", "com", "edu", "go", "gob", "gouv", "gov", "ltd", "ne", "net", "or", "org"})
#: Articles written by hand, without a link.
NEWSROOM = "newsroom"


def family_of(article: Article) -> str:
    """Return the domain under which an article is published, or the feed's where the article has no link."""
    feed = article.source.location if article.source else ""
    host = host_of(article.link or "") or host_of(feed) or feed
    return domain_of(host) or NEWSROOM


def domain_of(host: str) -> str:
    """Return the part of a host name that stands for who owns it: `fr.wire.example` and `wire.example` are one."""
    labels = host.rstrip(".").split(".")
    is_kind = len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _KINDS
    return ".".join(labels[-3:] if is_kind else labels[-2:])
