"""Finds the invitation to subscribe that closes an article copied from a web page, in French and English.

Works on sentences from the end upwards, and takes away only what is wholly an invitation: a last paragraph that
merely speaks of newsletters stays.
"""

import re

from app.articles.prose import sentences

#: Only so much of the end of a text is looked at.
TAIL_MAX_CHARS = 4_000
#: A scrap (label, button, heading of a form) has no more words than this.
SCRAP_MAX_WORDS = 9
#: A longer sentence is prose, whatever words it holds.
INVITATION_MAX_WORDS = 60

_LETTER = (
    r"(?:newsletters?|news-?lettres?|infolettres?|lettres? d[’']information|lettre (?:quotidienne|hebdo\w*)"
    r"|mailing[- ]list|e-?mail (?:alerts?|updates?|digest)|(?:daily|weekly) (?:briefing|digest|e-?mail)"
    r"|alertes? (?:e-?)?mail)"
)
_ADDRESS = r"(?:e-?mails?|courriels?|adresses? (?:électronique|de messagerie)|inbox|boîte (?:mail|de réception))"
_JOIN = (
    r"(?:abonne[zr]?-(?:vous|toi)|inscri(?:vez|s)-(?:vous|toi)|s[’'](?:abonner|inscrire)|je m[’'](?:abonne|inscris)"
    r"|rejoignez|recevez|sign(?:ing)? up|subscribe|join|register|get|receive)"
)
_GIVING = (
    r"(?:en (?:\w+ )?(?:fournissant|renseignant|indiquant|saisissant|entrant|communiquant|soumettant|validant|cliquant"
    r"|vous (?:inscrivant|abonnant))|by (?:\w+ )?(?:providing|entering|submitting|giving|signing|subscribing|clicking))"
)
_LEAVE = r"(?:désinscri\w+|désabonn\w+|unsubscribe|opt[- ]out)"
_TERMS = (
    r"(?:privacy (?:policy|notice)|politique de (?:confidentialité|protection)"
    r"|conditions (?:générales|d[’']utilisation)|terms (?:of|and)|terms|conditions)"
)

#: Sentences that speak to the reader of subscribing, leaving or giving an address: each is an invitation by itself.
_SURE = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"^\W*(?:(?:pour|to|and|et|please|veuillez)\b[^.]{{0,80}}[, ]\s*)?{_JOIN}\b.*\b{_LETTER}\b",
        rf"^\W*{_JOIN}\b.*\b(?:your|votre|vos|my|mon)\b.*\b{_ADDRESS}\b",
        rf"\b{_GIVING}\b.*\b(?:{_ADDRESS}|{_LETTER}|{_TERMS}|sign up|subscribe|accepte[zr]?)\b",
        rf"\b(?:vous|you|tu)\b.*\b{_LEAVE}\b.*\b(?:tout moment|à tout instant|any ?time|lien|link)\b",
        rf"\b(?:any ?time|à tout moment)\b.*\b{_LEAVE}\b.*\b(?:vous|votre|you|your|lien|link)\b",
        rf"\b(?:read|agree to|accepte[zr]?|pris connaissance de|lu)\b.*\b(?:{_LETTER}|{_TERMS})",
    )
)
#: Words of a form's labels, buttons and headings: an invitation only where one of the sure kind stands beside them.
_SCRAP = re.compile(
    rf"\b(?:{_LETTER}|{_ADDRESS}|{_TERMS}|s[’'](?:inscrire|abonner)|inscri(?:ption|vez-vous)|abonne(?:z-vous|ment)"
    r"|je m[’'](?:inscris|abonne)|subscri(?:be|ption)|sign up|opt[- ]in|rest(?:ez?|er) informée?s?"
    r"|stay (?:informed|up to date|in the loop|tuned)|keep (?:me )?(?:informed|up to date)"
    r"|ne (?:manquez|ratez) (?:rien|plus|aucun)|don[’']t miss|never miss|mentions légales"
    r"|votre (?:nom|prénom)|your name|first name|last name|suivez-nous|follow us|valider|envoyer|submit|ok)\b",
    re.IGNORECASE,
)


def without_invitation(text: str) -> str:
    """Return `text` without the invitation to subscribe at its end; a text that is nothing else is returned whole."""
    offset = max(0, len(text) - TAIL_MAX_CHARS)
    tail = text[offset:]
    cut = None
    for start, end in reversed(sentences(tail)):
        sentence = tail[start:end].strip()
        if is_invitation(sentence):
            cut = start
        elif not is_scrap(sentence):
            break
        elif cut is not None:
            cut = start
    kept = text if cut is None else text[: offset + cut].rstrip()
    return kept or text


def is_invitation(sentence: str) -> bool:
    """Say whether `sentence` by itself asks its reader to subscribe, or says what giving an address means."""
    return len(sentence.split()) <= INVITATION_MAX_WORDS and any(sure.search(sentence) for sure in _SURE)


def is_scrap(sentence: str) -> bool:
    """Say whether `sentence` could be a label, button or heading of a sign-up form."""
    words = sentence.split()
    return len(words) <= SCRAP_MAX_WORDS and (not any(map(_has_letter, words)) or _SCRAP.search(sentence) is not None)


def _has_letter(word: str) -> bool:
    return any(character.isalnum() for character in word)
