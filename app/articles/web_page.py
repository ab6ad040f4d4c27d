"""An article as its web page has it. Knows no parser: whoever asks for it need not load one."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class WebPage:
    """An article as its page has it: `text` in paragraphs; `link` is what the page calls its address."""

    title: str
    text: str
    authors: str = ""
    language: str | None = None
    published_at: datetime | None = None
    link: str | None = None
    image_url: str | None = None
