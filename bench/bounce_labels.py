"""What the labels of the bounce corpora mean in our five verdicts, and which of them the mail itself contradicts.

The sources disagree on words, so a label becomes the set of verdicts that it leaves open:

- Sisimai calls hard only what says that an address is dead, as we do: its labels hold as they are.
- flufl.bounce knows "permanent" for any failure that is not a delay: hard and soft are both right there.
- The other sets call hard what their own program took for an unknown user or domain. Sisimai's answer stands beside it
  (`silver_label`): where it says soft, two programs disagree on a suspended mailbox, a refused relay and the like, and
  both verdicts are right. Their "bounce" says nothing of hard or soft.
- "Not a bounce" of programs that know no automatic replies includes those.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.mail.reports.report import Verdict

Row = Mapping[str, str]

FAILED = frozenset({Verdict.HARD, Verdict.SOFT})
UNANSWERED = frozenset({Verdict.NOT_A_BOUNCE, Verdict.AUTO_REPLY})
#: Reasons that must never cost a subscription: a full mailbox, a block, spam, a policy.
NEVER_HARD = frozenset({
    "mailboxfull", "over_quota", "blocked", "spamdetected", "spam", "policyviolation", "authfailure", "badreputation",
    "rejected", "norelaying", "requireptr", "speeding", "toomanyconn", "exceedlimit", "mesgtoobig", "virusdetected",
    "securityerror", "suspend",
})  # fmt: skip

#: Labels that the mail itself contradicts: what it is, and what shows it.
SETTLED = {
    "bounce-cws/fbl_hotmail_002.eml": (FAILED, "a relay's delivery report of a 550 to RCPT; no feedback in it"),
    "bounce-bounce_email/bounce-auto-respond.eml": ({Verdict.COMPLAINT}, "an ARF report, Feedback-Type: abuse"),
    "bounce-negatives/alaveteli_autoresponse-header.eml": (FAILED, "Exim's bounce, with X-Failed-Recipients"),
    "bounce-bounceparser/warning-8.msg": ({Verdict.SOFT}, "a delay notice for a full mailbox, Action: delayed"),
    "bounce-bounceparser/spam-with-image.msg": ({Verdict.NOT_A_BOUNCE}, "a person's mail, which returns nothing"),
    "bounce-sisimai/rb-issue-368-bug.eml": ({Verdict.SOFT}, "a postmaster's notice of a full mailbox"),
    "bounce-sisimai/lhost-opensmtpd-12.eml": ({Verdict.SOFT}, "a delay notice: Action: delayed, Status: 4.0.0"),
    "bounce-sisimai/lhost-activehunter-02.eml": ({Verdict.HARD}, "550, user unknown in the table of recipients"),
    "bounce-sisimai/lhost-apachejames-01.eml": ({Verdict.HARD}, "550, no such user; its twin lhost-verizon-02 is hard"),
    "bounce-sisimai/lhost-office365-04.eml": ({Verdict.HARD}, "5.1.351 behind a 550, user unknown"),
    "bounce-sisimai/lhost-x2-01.eml": ({Verdict.HARD}, "no account of that name, as Yahoo words it"),
    "bounce-sisimai/lhost-x2-02.eml": ({Verdict.HARD}, "three readers, of whom one has no account"),
}
#: Labels whose recipient is cut short, swapped with another, or not the one the mail names.
RECIPIENTS_SETTLED = frozenset(
    {
        "bounce-sisimai/lhost-v5sendmail-01.eml",
        "bounce-sisimai/lhost-apachejames-01.eml",
        "bounce-sisimai/lhost-office365-04.eml",
        "bounce-sisimai/lhost-qmail-25.eml",
    }
)


@dataclass(frozen=True)
class Label:
    """What one file's labels leave open.

    `literal` are the verdicts when every label is taken at its word; `recipients` is empty where none is told.
    `never_hard` are those whose label forbids it, "" where it names nobody.
    """

    verdicts: frozenset[Verdict]
    recipients: frozenset[str]
    never_hard: frozenset[str]
    literal: frozenset[Verdict]


def read_labels(corpus: Path) -> dict[str, Label]:
    """Return the label of each file of a corpus's open half, by its name."""
    rows: dict[str, list[Row]] = {}
    with (corpus / "open" / "labels.csv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            rows.setdefault(row["file"], []).append(row)
    return {name: _label(corpus.name, name, of_file) for name, of_file in rows.items()}


def as_labelled(source: str, row: Row) -> frozenset[Verdict]:
    """Return the verdicts that one row leaves open."""
    label, silver = row["label"], row.get("silver_label", "")
    if not label:
        return frozenset()
    if label == "bounce" or (source == "bounce-flufl" and label == "hard"):
        return FAILED
    if source != "bounce-sisimai" and {label, silver} == {"hard", "soft"}:
        return FAILED
    if label == "not-a-bounce" and source in {"bounce-bounceparser", "bounce-bounce_email"}:
        return UNANSWERED
    return frozenset({Verdict(label)})


def _at_its_word(row: Row) -> frozenset[Verdict]:
    if row["label"] == "bounce":
        return FAILED
    return frozenset({Verdict(row["label"])}) if row["label"] else frozenset()


def _is_never_hard(row: Row) -> bool:
    return row["label"] == "auto-reply" or row.get("action") == "delayed" or row.get("reason") in NEVER_HARD


def _label(source: str, name: str, rows: Sequence[Row]) -> Label:
    key = f"{source}/{name}"
    verdicts = frozenset().union(*(as_labelled(source, row) for row in rows))
    settled = SETTLED.get(key)
    is_misnamed = key in RECIPIENTS_SETTLED
    told = {row["recipient"] for row in rows} - {""}
    told = told or {one for row in rows for one in row.get("silver_recipient", "").split(";")} - {""}
    is_about_failure = bool((settled[0] if settled else verdicts) & {*FAILED, Verdict.COMPLAINT} or not verdicts)
    return Label(
        verdicts=frozenset(settled[0]) if settled else verdicts,
        recipients=frozenset(map(str.lower, told)) if is_about_failure and not is_misnamed else frozenset(),
        never_hard=frozenset()
        if settled or is_misnamed
        else frozenset(row["recipient"].lower() for row in rows if _is_never_hard(row)),
        literal=frozenset().union(*map(_at_its_word, rows)),
    )
