"""Who publishes an article: its source family, whatever the feed, the section or the language."""

from app.articles.models import Article
from app.articles.urls import host_of

#: Labels below a country's own domain that say what kind of name follows: bbc.co.uk, ssi.gouv.fr.
_KINDS = frozenset({"ac", "asso", "co", "com", "edu", "go", "gob", "gouv", "gov", "ltd", "ne", "net", "or", "org"})
#: Domains under which each name is somebody else's: people who have nothing in common but where they write.
_HOSTS = frozenset(
    {
        "beehiiv.com",
        "blogspot.com",
        "canalblog.com",
        "ghost.io",
        "github.io",
        "gitlab.io",
        "hypotheses.org",
        "medium.com",
        "over-blog.com",
        "substack.com",
        "tumblr.com",
        "wordpress.com",
    }
)
#: Articles written by hand, without a link.
NEWSROOM = "newsroom"


def family_of(article: Article) -> str:
    """Return the domain under which an article is published, or the feed's where the article has no link."""
    feed = article.source.location if article.source else ""
    host = host_of(article.link or "") or host_of(feed) or feed
    return domain_of(host) or NEWSROOM


def domain_of(host: str) -> str:
    """Return the part of a host name that stands for who owns it: `fr.wire.example` and `wire.example` are one."""
    labels = host.rstrip(".").removeprefix("www.").split(".")
    is_kind = len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _KINDS
    is_shared = is_kind or ".".join(labels[-2:]) in _HOSTS
    return ".".join(labels[-3:] if is_shared else labels[-2:])
