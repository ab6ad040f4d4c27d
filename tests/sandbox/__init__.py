"""A template of one's own, and what the tests give it."""

from app.sandbox.press import set_own, try_own
from app.templating import TEMPLATES

PRODUCTS = (TEMPLATES / "email/edition.mjml").read_text(encoding="utf-8")
HOSTS = frozenset({"newsroom.example"})
URL = "https://letter.newsroom.example/"


def story(title: str = "Le port rouvre", **parts: object) -> dict[str, object]:
    """A story as a template is given it."""
    known: dict[str, object] = {
        "number": 1, "is_full": True, "title": title, "link": "https://wire.example/1", "source": "Le Détroit",
        "date": "17 mars", "minutes": 4, "summary": "Après le brouillard.", "language": "fr", "is_foreign": False,
        "language_name": "Français", "read_on": "Lire l’article sur Le Détroit", "also": [],
    }  # fmt: skip
    return known | parts


def variables(**others: object) -> dict[str, object]:
    """All that a template is given."""
    words = ("read_in_browser", "unsubscribe", "preferences", "also_in", "write_to_us", "privacy", "legal", "archive")
    urls = ("unsubscribe", "preferences", "privacy", "legal", "archive", "view")
    given: dict[str, object] = {
        "language": "fr", "kind": "digest", "subject": "Le port", "preheader": "Et la côte",
        "newsletter": {"name": "Vigie", "description": "La lettre"}, "heading": "L’édition", "count": "1 article",
        "period": "08:00", "introduction": "<p>Bonjour&nbsp;!</p>", "reason": "Vous l’avez demandé.",
        "publisher": "Vigie est publiée par X & Y.", "postal_address": "1, quai du Port",
        "contact": "d@newsroom.example",
        "words": {word: word for word in words}, "sections": [{"heading": "", "stories": [story()]}],
    }  # fmt: skip
    return given | {f"{name}_url": f"{URL}{name}" for name in urls} | others


def frame(body: str, head: str = "") -> str:
    """A template in which `body` is text."""
    text = f"<mj-body><mj-section><mj-column><mj-text>\n{body}\n</mj-text></mj-column></mj-section></mj-body>"
    return f'<mjml lang="{{{{ language }}}}"><mj-head>{head}</mj-head>\n{text}</mjml>'


__all__ = ["HOSTS", "PRODUCTS", "URL", "frame", "set_own", "story", "try_own", "variables"]
