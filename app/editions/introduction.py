"""An editor's introduction, in Markdown, as the HTML and the plain text of a letter.

Paragraphs, emphasis, lists, quotations and links only: headings would break the letter's own order of them.
"""

import re

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from app.editions.excerpts import without_addresses
from app.i18n import bound

MAX_CHARACTERS = 5_000

_TAGS = {"p", "br", "a", "em", "strong", "ul", "ol", "li", "blockquote"}
_SCHEMES = {"http", "https", "mailto"}
#: Mail clients that drop <style> still show these.
_STYLES = {
    "p": "margin:0 0 12px;",
    "a": "color:#a3171f;text-decoration:underline;",
    "ul": "margin:0 0 12px;padding:0 0 0 22px;",
    "ol": "margin:0 0 12px;padding:0 0 0 22px;",
    "blockquote": "margin:0 0 12px;padding:0 0 0 16px;border-left:3px solid #d9d5cc;",
}
#: What may hold an address that is not bare: code, and the words of a link with what follows them.
_NOT_BARE = r"(?P<code>`+)(?!`).+?(?<!`)(?P=code)(?!`)|\[[^\[\]]*\](?=[\[(])"
_BRACKETS = r"\([^\s<>()\[\]]*\)|\[[^\s<>()\[\]]*\]"
#: An address that stands bare in the text, as readers see it end: brackets in it are closed in it, and the punctuation
#: and the emphasis of the sentence around it are none of it.
_BARE_ADDRESS = re.compile(
    rf"{_NOT_BARE}|(?<![<\[])(?<![^\W_])(?<!\]\()(?P<bare>https?://"
    rf"(?:[^\s<>()\[\]]|{_BRACKETS})*(?:[^\s<>()\[\].,;:!?…»“”’'\"*_~|]|{_BRACKETS}))",
    re.IGNORECASE,
)
#: What is left of a link whose address no browser would take.
_NO_LINK = re.compile(r"<a>(.*?)</a>", re.DOTALL)
_markdown = MarkdownIt("commonmark", {"html": False}).disable(["heading", "lheading", "image", "code", "fence", "hr"])


def introduction_html(markdown: str, language: str) -> Markup:
    """Return `markdown` in `language` as clean HTML for a page; raw HTML in it shows as the text it is."""
    html = nh3.clean(
        _markdown.renderer.render(_read(markdown, language), _markdown.options, {}),
        tags=_TAGS,
        attributes={"a": {"href"}},
        url_schemes=_SCHEMES,
        link_rel=None,
    )
    return Markup(_NO_LINK.sub(r"\1", html).strip())  # noqa: S704 - nh3 has just cleaned it


def introduction_for_letter(markdown: str, language: str) -> Markup:
    """Return `markdown` as clean HTML whose styles are inline, as mail clients need them."""
    html = str(introduction_html(markdown, language))
    for tag, style in _STYLES.items():
        html = re.sub(rf"<{tag}(?=[ >])", f'<{tag} style="{style}"', html)
    return Markup(html)  # noqa: S704 - clean before, and only our own styles since


def introduction_text(markdown: str, language: str) -> str:
    """Return `markdown` as plain text: paragraphs apart, list items dashed, each link's address on its own line."""
    blocks: list[str] = []
    prefix = ""
    for token in _read(markdown, language):
        if token.type == "list_item_open":
            prefix = "- "
        elif token.type == "inline":
            blocks.append(prefix + _inline_text(token.children or []))
            prefix = ""
    return "\n\n".join(blocks)


def _read(markdown: str, language: str) -> list[Token]:
    tokens = _markdown.parse(_BARE_ADDRESS.sub(_marked, markdown))
    for token in tokens:
        for child in token.children or []:
            if child.type == "text":
                child.content = bound(child.content, language)
    return tokens


def _marked(found: re.Match[str]) -> str:
    return f"<{found['bare']}>" if found["bare"] else found[0]


def _inline_text(tokens: list[Token]) -> str:
    words: list[str] = []
    addresses: list[str] = []
    for token in tokens:
        if token.type == "link_open":
            addresses.append(str(token.attrs["href"]))
        elif token.type in {"text", "code_inline"}:
            words.append(without_addresses(token.content))
        elif token.type in {"softbreak", "hardbreak"}:
            words.append("\n" if token.type == "hardbreak" else " ")
    return "\n".join(["".join(words), *addresses])
