"""Reading text as prose: sentences, and a summary cut at the end of one. Takes what `clean.plain` returns."""

import re

from app.articles.clean import one_line

SUMMARY_MAX_CHARS = 320
#: A summary of whole sentences shorter than this says too little; then a sentence is cut at a word.
SUMMARY_MIN_CHARS = 60

_CLOSERS = "[\"'»”’)\\]]"
_SENTENCE_END = re.compile(rf"(?:[.!?…]+)(?:[ \u00a0]?{_CLOSERS})*(?=\s|$)")
_NEXT = re.compile(r"\s*(\S?)")
_ABBREVIATION = re.compile(
    r"(?:^|[\s(«“\"'’-])(?:[A-ZÀ-Þ]|[A-Za-z](?:\.[A-Za-z])+|M|MM|Mme|Mmes|Mlle|Me|Dr|Pr|Mr|Mrs|Ms|St|Ste|vs|cf|art|al|no|No|nos"
    r"|env|av|apr|p|pp|vol|fig|éd|ed|ch|Inc|Ltd|Corp|Co|Jr|Sr|Gen|Gén|Lt|Col|Cpt|Sgt|Sen|Rep|Gov|Prof|Rev|Hon|Jan|Feb|Aug"
    r"|Sept|Oct|Nov|Dec|janv|févr|juil|sept|oct|nov|déc)\.$"
)


def sentences(text: str) -> list[tuple[int, int]]:
    """Return the (start, end) of each sentence of `text`; a line end always ends one."""
    return [
        (line.start() + start, line.start() + end)
        for line in re.finditer(r"[^\n]+", text)
        for start, end in _sentences_of_line(line[0])
    ]


def summarise(text: str, *, max_chars: int = SUMMARY_MAX_CHARS) -> str:
    """Return the first whole sentences of `text` on one line, as many as fit into `max_chars` characters.

    Headings (lines that end in no sentence) are passed over where there is prose. A first sentence that is too long
    is cut at a word, with an ellipsis.
    """
    opening = text[: 20 * max_chars]
    spans = [opening[start:end] for start, end in sentences(opening)]
    prose = [span for span in spans if _SENTENCE_END.search(span[-3:])] or spans
    summary = ""
    for sentence in prose:
        longer = f"{summary} {sentence}".strip()
        if len(longer) > max_chars:
            break
        summary = longer
    return summary if len(summary) >= SUMMARY_MIN_CHARS else one_line(" ".join(prose), max_chars)


def _sentences_of_line(line: str) -> list[tuple[int, int]]:
    spans, start = [], 0
    for stop in _SENTENCE_END.finditer(line):
        following = _NEXT.match(line, stop.end())
        if following and not _goes_on(line, start, stop, following[1]):
            spans.append((start, stop.end()))
            start = following.start(1)
    return [*spans, (start, len(line))] if start < len(line) else spans


def _goes_on(line: str, start: int, stop: re.Match[str], following: str) -> bool:
    """Say whether the stop belongs to an abbreviation, or the next word begins in lower case."""
    before = line[max(start, stop.start() - 20) : stop.end()]
    is_abbreviation = stop[0] == "." and _ABBREVIATION.search(before) is not None
    return bool(following) and (is_abbreviation or following.islower())
