"""Table by table, what is kept and which clock ends it: no table is without an answer.

`docs/privacy.md` carries this list between two marks; the command that writes it there and the test that compares both
call `document`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from app.clocks import Rule

BEGIN, END = "<!-- tables -->", "<!-- end of tables -->"
#: Instead of a clock's name, why a table needs none.
NOT_PERSONAL = "holds nothing personal"
WHILE_NEEDED = "as long as the newsletter appears"


@dataclass(frozen=True)
class Holding:
    """What a table keeps. `clocks` end it, or `reason` says why none does."""

    what: str
    clocks: tuple[str, ...] = ()
    reason: str = ""


HOLDINGS: Mapping[str, Holding] = MappingProxyType(
    {
        "subscribers": Holding("the reader's address", ("unconfirmed", "held", "left", "suppressed", "stay")),
        "subscriptions": Holding(
            "what they subscribed to, in which language, since when, what they chose to read and when, and when they "
            "last did something themselves",
            ("unconfirmed", "held", "left", "suppressed", "inactive", "stay"),
        ),
        "profiles": Holding(
            "what to read, each set of choices once, for all who made it; who did stands with their subscriptions",
            reason="until nobody has chosen it any more",
        ),
        "rhythms": Holding(
            "when to read, each choice once, for all who made it; who did stands with their subscriptions",
            reason="until nobody has chosen it any more",
        ),
        "consent_events": Holding(
            "what was asked and answered, how, when, with which texts in view; the address only as a salted hash",
            ("unconfirmed", "held", "proof", "erased"),
        ),
        "consent_archives": Holding(
            "a keyed hash of the address of one who left, and the chain it leads to", ("proof",)
        ),
        "consent_stubs": Holding("hashes of deleted proofs, and their dates", ("stubs",)),
        "suppressions": Holding("a keyed hash of an address that is never mailed, and why", reason=WHILE_NEEDED),
        "feedback_events": Holding("that a letter bounced or was complained of, and which copy it was", ("returns",)),
        "diagnostics": Holding("what a server said when a letter came back", ("returns", "left", "suppressed", "stay")),
        "unlinked_counts": Holding("how many reports named no letter of ours, by day", reason=NOT_PERSONAL),
        "replies": Holding("what a reader wrote back, until it is passed on", ("mail",)),
        "signup_counters": Holding(
            "how often a network, a mailbox or a domain used the form, by keyed hash", ("form",)
        ),
        "signup_hours": Holding("how many letters the form sent in an hour", ("form",)),
        "used_proofs": Holding("proofs of work that were used", ("form",)),
        "alerts": Holding("that the form was used oddly in an hour, without anybody's data", ("form",)),
        "purge_counts": Holding("how many sign-ups were never confirmed, by day", reason=NOT_PERSONAL),
        "questions": Holding(
            "that a reader was asked whether they stay or agree anew, and the answer", ("stay", "questions")
        ),
        "address_changes": Holding("a reader's former address and the new one, after a change", ("addresses",)),
        "rights_requests": Holding(
            "what readers asked of us by letter, when, and when they were answered", ("requests",)
        ),
        "renewal_counts": Holding("how many readers agreed anew, left, or have yet to answer", reason=NOT_PERSONAL),
        "renewal_prospects": Holding("how many readers would be asked for consent anew", reason=NOT_PERSONAL),
        "renewals": Holding("that a newsletter asked for consent anew, and which admin began it", reason=WHILE_NEEDED),
        "departures": Holding(
            "departures that are yet to be copied into the journal", reason="half a minute: until they are copied out"
        ),
        "departure_journals": Holding("how much of the journal is known", reason=NOT_PERSONAL),
        "chunks": Holding("which copies go together, and when", ("replies", "letters")),
        "deliveries": Holding(
            "that a reader was sent a letter, how it ended, and what the server replied; without the reader once they "
            "are deleted",
            ("replies", "letters", "left", "suppressed", "stay"),
        ),
        "delivery_holds": Holding("which editions are paused", reason=NOT_PERSONAL),
        "sender_states": Holding("that the relay does not take letters, and its reply", reason=NOT_PERSONAL),
        "paces": Holding("how fast letters may go to a provider", reason=NOT_PERSONAL),
        "warm_ups": Holding("how a new sender begins", reason=NOT_PERSONAL),
        "warm_up_days": Holding("how many letters went on a day", reason=NOT_PERSONAL),
        "warm_up_shares": Holding("how many of them went to a provider", reason=NOT_PERSONAL),
        "admins": Holding(
            "address, language, role and password hash of a person of the desk", reason="as long as they have access"
        ),
        "authenticators": Holding("what their app shares with us, encrypted", reason="until they remove it"),
        "passkeys": Holding("public keys of their devices", reason="until they remove them"),
        "recovery_codes": Holding("what stands in for a lost device, as hashes", reason="until they make new ones"),
        "admin_sessions": Holding("their open sessions and the browsers that have them", ("sign-ins",)),
        "signin_links": Holding("their one-time links", ("sign-ins",)),
        "signin_failures": Holding("failed sign-ins, by keyed hash of account or network", ("sign-ins",)),
        "audit_entries": Holding("which admin did what, and who tried to sign in", ("audit",)),
        "consent_seals": Holding("a signed checksum of the ledger for each day", reason=NOT_PERSONAL),
        "newsletters": Holding("what one subscribes to", reason=NOT_PERSONAL),
        "newsletter_languages": Holding("its names", reason=NOT_PERSONAL),
        "letter_templates": Holding("a newsletter's own look, and which admin made it", reason=WHILE_NEEDED),
        "consent_wordings": Holding("every text that was agreed to", reason=NOT_PERSONAL),
        "privacy_policies": Holding("every policy that was shown", reason=NOT_PERSONAL),
        "sources": Holding("feeds, and why the last fetch failed", reason=NOT_PERSONAL),
        "articles": Holding("what was published, as published", reason="journalism, not readers' data"),
        "article_topics": Holding("what articles are about", reason=NOT_PERSONAL),
        "article_words": Holding("the words by which the desk finds an article", reason=NOT_PERSONAL),
        "topic_corrections": Holding("which admin corrected what an article is about", reason=WHILE_NEEDED),
        "taxonomy_uses": Holding("since when which topics are looked for", reason=NOT_PERSONAL),
        "stories": Holding("which articles tell of the same event, and what an editor decided", reason=NOT_PERSONAL),
        "story_events": Holding("who merged, split, pinned or muted a story", reason=WHILE_NEEDED),
        "article_traces": Holding("the words by which an article is recognised", reason=NOT_PERSONAL),
        "trace_keys": Holding("which articles have a word", reason=NOT_PERSONAL),
        "key_counts": Holding("how many articles have a word", reason=NOT_PERSONAL),
        "article_revisions": Holding("titles that were replaced since", reason="journalism, not readers' data"),
        "floods": Holding("that a feed brought unlikely much, and what was decided", reason=NOT_PERSONAL),
        "editions": Holding("what was sent, and which admin sent it", reason=WHILE_NEEDED),
        "edition_items": Holding("the articles of an edition", reason=NOT_PERSONAL),
        "edition_also_in": Holding("other articles on the same stories", reason=NOT_PERSONAL),
        "clippings": Holding("articles of sent editions, to be found in public", reason=NOT_PERSONAL),
        "edition_contents": Holding(
            "letters as they were sent, without anything of a reader's; those made for readers' choices end",
            ("variants",),
        ),
        "flashes": Holding("which article went out of turn, and which admin let it", reason=WHILE_NEEDED),
        "errata": Holding("what was corrected of an article, and which admin said so", reason=WHILE_NEEDED),
        "held_extras": Holding("which of them did not pass the gate, and which admin let it", reason=WHILE_NEEDED),
        "edition_revisions": Holding("who changed what in an edition while it was a draft", reason=WHILE_NEEDED),
        "edition_comments": Holding("what editors say to each other of an edition", reason=WHILE_NEEDED),
        "edition_counts": Holding("how many copies of an edition are in which state", reason=NOT_PERSONAL),
        "provider_outcomes": Holding("how the copies of an edition to a provider stand", reason=NOT_PERSONAL),
        "pulses": Holding("how many copies of an edition came to an end in ten seconds", reason=NOT_PERSONAL),
        "edition_events": Holding("who approved, paused, resumed or cancelled an edition", reason=WHILE_NEEDED),
        "approvals": Holding("who asked for approval of an edition, who answered, and how", reason=WHILE_NEEDED),
        "overrides": Holding("which admin let an edition leave in spite of failures, and why", reason=WHILE_NEEDED),
        "baselines": Holding("what an edition started with, to compare the next one", reason=NOT_PERSONAL),
        "holds": Holding("which editions did not pass by themselves", reason=NOT_PERSONAL),
        "place_counts": Holding("how many readers get an edition, and how many do not, and why", reason=NOT_PERSONAL),
        "probes": Holding("what links, DNS and the spam filter answered", reason=NOT_PERSONAL),
        "click_totals": Holding("how often an article was followed, by nobody in particular", reason=NOT_PERSONAL),
        "readings": Holding(
            "of readers who let us count: when each opened an edition first, and how many links they followed",
            ("readings", "left", "suppressed", "stay"),
        ),
        "held_askings": Holding("that an admin has held readers asked, and how fast", reason="until all were asked"),
        "imports": Holding(
            "lists of readers that an admin brought along: the file until it is imported, a report with masked "
            "addresses, what came of how many rows, and which admin it was",
            ("imports",),
        ),
        "saved_filters": Holding("which readers the desk likes to list, by a name", reason=NOT_PERSONAL),
        "readership_days": Holding("how many readers came and went, by day", reason=NOT_PERSONAL),
        "readership_cursors": Holding("up to where they are counted", reason=NOT_PERSONAL),
        "agreements": Holding("how often readers agreed to which text", reason=NOT_PERSONAL),
        "schedules": Holding("when digests leave", reason=NOT_PERSONAL),
        "compilations": Holding("what came of each attempt to compile", reason=NOT_PERSONAL),
        "leases": Holding("which process is the scheduler", reason=NOT_PERSONAL),
        "job_runs": Holding("when each periodic job ran last, and how that ended", reason=NOT_PERSONAL),
    }
)


def document(rules: Sequence[Rule]) -> str:
    """Return the list in Markdown, between its marks, with the clocks as `rules` tells them."""
    lines = ["| table | what it keeps | until |", "| --- | --- | --- |"]
    for table, holding in sorted(HOLDINGS.items()):
        until = ", ".join(f"`{clock}`" for clock in holding.clocks) or holding.reason
        lines.append(f"| `{table}` | {holding.what} | {until} |")
    lines += ["", "| clock | settings | ground | what readers are told |", "| --- | --- | --- | --- |"]
    for rule in rules:
        settings = ", ".join(f"`{name}`" for name in rule.settings) or "fixed"
        lines.append(f"| `{rule.name}` | {settings} | {rule.ground} | {rule.title}: {rule.rule} |")
    return "\n".join([BEGIN, *lines, END])


def with_document(text: str, rules: Sequence[Rule]) -> str:
    """Return `text` with the list put anew between its marks. Raises ValueError where the marks are missing."""
    before, found, rest = text.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not (found and ended):
        raise ValueError("the marks of the tables are missing")
    return before + document(rules) + after
