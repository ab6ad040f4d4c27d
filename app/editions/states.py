"""The state of a draft as a value: what editors may change of it, part by part, to be compared, kept and put back.

Parts are `subject`, `preheader`, `introduction`; `layout`, the ids of the articles in order, a line each, with
`# Heading` where a section begins; `out`, the ids of those taken out; and `title:ID`, `teaser:ID` where an editor gave
an article words of their own. Knows no table's session.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from app.editions.headlines import one_line
from app.editions.models import AlsoIn, Edition
from app.errors import InputRefused

State = Mapping[str, str]

HEADLINES = ("subject", "preheader")
TEXTS = (*HEADLINES, "introduction")
#: What an editor may change of one article's words.
OWN_WORDS = ("title", "teaser")
MAX_HEADING_LENGTH, MAX_TITLE_LENGTH, MAX_TEASER_LENGTH = 80, 300, 1_000
_HEADING = "# "


@dataclass(frozen=True)
class Place:
    """An article's place in a layout, under a heading if there is one."""

    article_id: int
    section: str | None


def state_of(edition: Edition, *, before: State) -> dict[str, str]:
    """Return the state of a draft; `before` is the last one known, which tells what was taken out since."""
    state = {name: getattr(edition, name) for name in TEXTS}
    state["layout"] = layout_of([Place(item.article_id, item.section) for item in edition.items])
    for item in edition.items:
        words = {"title": item.title, "teaser": item.teaser}
        state.update({f"{name}:{item.article_id}": text for name, text in words.items() if text})
    named = {article_id for item in edition.items for article_id in (item.article_id, *_beside(item.also))}
    gone = [key for key in (*taken_out(before), *_ids(before)) if key not in named]
    state["out"] = "\n".join(map(str, dict.fromkeys(gone)))
    own = {part: text for part, text in before.items() if article_of(part) in gone}
    return own | state


def layout_of(places: Iterable[Place]) -> str:
    """Return the written form of a layout."""
    lines: list[str] = []
    section: str | None = None
    for place in places:
        if place.section != section and place.section is not None:
            lines.append(_HEADING + place.section)
        section = place.section
        lines.append(str(place.article_id))
    return "\n".join(lines)


def read_layout(layout: str) -> list[Place]:
    """Return the places of a written layout; a heading over nothing is left out. Raises InputRefused for any other."""
    places: list[Place] = []
    section: str | None = None
    for line in layout.splitlines():
        if line.startswith(_HEADING):
            section = checked_heading(line.removeprefix(_HEADING))
            if section in {place.section for place in places}:
                raise InputRefused("each section has a heading of its own")
        elif line.isascii() and line.isdecimal() and len(line) < 19:
            places.append(Place(int(line), section))
        else:
            raise InputRefused("an order holds articles and headings only")
    if len({place.article_id for place in places}) != len(places):
        raise InputRefused("an order names each article once")
    return places


def move(layout: str, entry: str, by: int) -> str:
    """Return `layout` with one of its lines moved `by` lines, down if positive; it stops at either end.

    An article that passes a heading changes its section. Raises InputRefused where there is no such line.
    """
    lines = layout.splitlines()
    if entry not in lines:
        raise InputRefused("there is no such line in this order")
    place = lines.index(entry)
    others = [*lines[:place], *lines[place + 1 :]]
    place = min(max(place + by, 0), len(others))
    return layout_of(read_layout("\n".join([*others[:place], entry, *others[place:]])))


def taken_out(state: State) -> list[int]:
    """Return the ids of the articles that were taken out, the first first."""
    return [int(line) for line in state.get("out", "").split()]


def differences(before: State, after: State) -> list[str]:
    """Return the parts that differ, in the words of a history.

    Of the layout: `order`, `sections`, and `out:ID`, `in:ID`, `back:ID` for what went, came and came again; `lead:ID`
    for what came in the place of another article.
    """
    changed = [name for name in TEXTS if before.get(name) != after[name]]
    was, now = read_layout(before.get("layout", "")), read_layout(after["layout"])
    ids, ids_now = [place.article_id for place in was], [place.article_id for place in now]
    gone, came = [key for key in ids if key not in ids_now], [key for key in ids_now if key not in ids]
    if len(gone) == len(came) == 1 and ids.index(gone[0]) == ids_now.index(came[0]):
        changed.append(f"lead:{came[0]}")
    else:
        changed += [f"out:{key}" for key in gone]
        changed += [f"{'back' if key in taken_out(before) else 'in'}:{key}" for key in came]
    kept, kept_now = [key for key in ids if key in ids_now], [key for key in ids_now if key in ids]
    changed += ["order"] if kept != kept_now else []
    headings, headings_now = ({each.article_id: each.section for each in places} for places in (was, now))
    changed += ["sections"] if any(headings[key] != headings_now[key] for key in kept) else []
    own = sorted(part for part in {*before, *after} if article_of(part))
    return changed + [part for part in own if before.get(part) != after.get(part)]


def touches(parts: Sequence[str], part: str) -> bool:
    """Whether what changed, as `differences` names it, bears on `part` of a state."""
    if part != "layout":
        return part in parts
    return any(changed.partition(":")[0] in {"order", "sections", "out", "in", "back", "lead"} for changed in parts)


def checked_heading(heading: str) -> str:
    """Return a section's heading, trimmed. Raises InputRefused."""
    heading = one_line(heading)
    if not 0 < len(heading) <= MAX_HEADING_LENGTH:
        raise InputRefused(f"a heading has 1 to {MAX_HEADING_LENGTH} characters")
    return heading


def checked_words(part: str, text: str) -> str | None:
    """Return an editor's own title or teaser, trimmed, or None for none. Raises InputRefused."""
    text = one_line(text)
    longest = {"title": MAX_TITLE_LENGTH, "teaser": MAX_TEASER_LENGTH}[part]
    if len(text) > longest:
        raise InputRefused(f"the {part} has more than {longest} characters")
    return text or None


def _beside(others: Iterable[AlsoIn]) -> list[int]:
    return [other.article_id for other in others]


def _ids(state: State) -> list[int]:
    return [place.article_id for place in read_layout(state.get("layout", ""))]


def article_of(part: str) -> int | None:
    """Return whose own words a part of a state is; None for any other part."""
    name, _, article_id = part.partition(":")
    return int(article_id) if name in OWN_WORDS and article_id.isdecimal() else None
