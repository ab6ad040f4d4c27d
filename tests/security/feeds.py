"""Feeds as an attacker would publish them: one payload in every part of an entry, in each format."""

import json
from collections.abc import Callable, Mapping, Sequence
from xml.sax.saxutils import escape, quoteattr

Writer = Callable[[Sequence[str]], bytes]


def atom(payloads: Sequence[str]) -> bytes:
    """An Atom feed (RFC 4287) with an entry for each payload."""
    entries = "".join(
        f"<entry><id>{escape(each)} {place}</id><title type='html'>{escape(each)}</title><link href={quoteattr(each)}/>"
        f"<link rel='enclosure' type='image/png' href={quoteattr(each)}/><author><name>{escape(each)}</name>"
        f"<email>{escape(each)}</email><uri>{escape(each)}</uri></author><category term={quoteattr(each)}/>"
        f"<summary>{escape(each)}</summary><content type='html'>{escape(f'<p>Prose. {each}</p>')}</content></entry>"
        for place, each in enumerate(payloads)
    )
    head = (
        f"<title>{escape(payloads[0])}</title><subtitle>{escape(payloads[0])}</subtitle><id>{escape(payloads[0])}</id>"
    )
    return f"<feed xmlns='http://www.w3.org/2005/Atom'>{head}{entries}</feed>".encode("utf-8", "replace")


def rss(payloads: Sequence[str]) -> bytes:
    """An RSS feed with an item for each payload, its HTML in a CDATA section."""
    items = "".join(
        f"<item><guid>{escape(each)} {place}</guid><title>{escape(each)}</title><link>{escape(each)}</link>"
        f"<author>{escape(each)}</author><category>{escape(each)}</category><comments>{escape(each)}</comments>"
        f"<enclosure type='image/png' length='1' url={quoteattr(each)}/><description>{escape(each)}</description>"
        f"<content:encoded><![CDATA[<p>Prose. {each.replace(']]>', ']]]]><![CDATA[>')}</p>]]></content:encoded></item>"
        for place, each in enumerate(payloads)
    )
    head = f"<title>{escape(payloads[0])}</title><link>{escape(payloads[0])}</link>"
    namespace = "xmlns:content='http://purl.org/rss/1.0/modules/content/'"
    return f"<rss version='2.0' {namespace}><channel>{head}{items}</channel></rss>".encode("utf-8", "replace")


def json_feed(payloads: Sequence[str]) -> bytes:
    """A JSON Feed 1.1 with an item for each payload."""
    items: list[Mapping[str, object]] = [
        {"id": f"{each} {place}", "url": each, "external_url": each, "title": each, "summary": each, "image": each,
         "banner_image": each, "content_html": f"<p>Prose. {each}</p>", "content_text": each, "tags": [each],
         "authors": [{"name": each, "url": each, "avatar": each}], "attachments": [{"url": each, "mime_type": each}]}
        for place, each in enumerate(payloads)
    ]  # fmt: skip
    head = {"version": "https://jsonfeed.org/version/1.1", "title": payloads[0], "language": payloads[0]}
    return json.dumps({**head, "home_page_url": payloads[0], "items": items}).encode()


WRITERS: Mapping[str, Writer] = {"atom": atom, "rss": rss, "json": json_feed}
