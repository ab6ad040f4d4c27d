"""What returned mails say of a mailbox, as data: families of phrases in the languages that mail servers write.

They are matched against one line of lower-case text without the addresses it quotes (`replies.words_of`).
"""

import re

from app.mail.meanings import Meaning


def one_of(*phrases: str) -> re.Pattern[str]:
    """Return a pattern that any of the phrases fits, each of which is a pattern itself."""
    return re.compile("|".join(phrases))


def _any(*words: str) -> str:
    return f"(?:{'|'.join(words)})"


#: Words for a mailbox or its owner.
_USER = _any(
    r"user", r"user ?(?:name|id)", r"rcpt", r"(?:e-?)?mail-?box", r"recipients?", r"e-?mail", r"address(?:es)?",
    r"addressee", r"account", r"alias", r"destinataires?", r"adresse", r"utilisateur", r"bo[iî]te(?: aux lettres)?",
    r"empf[äa]nger", r"benutzer", r"postfach", r"konto", r"usuario", r"destinatario", r"buz[oó]n", r"direcci[oó]n",
    r"cuenta", r"utente", r"casella", r"indirizzo", r"usu[áa]rio", r"endere[çc]o", r"gebruiker", r"adres",
)  # fmt: skip
#: Words for "there is none", behind it.
_NOT_THERE = _any(
    r"\bunknown\b(?! domain| host| error| reason)", r"(?:not|no) (?:be )?(?:found|known|listed)", r"not present",
    r"(?:does|do|did|has|can|could|was)(?: ?n.t| not) (?:appear to )?"
    r"(?:exist|be found|found|have an? (?:acc|mail-?box))",
    r"no longer (?:exist|available|valid|active|in use|on server|used|with us|accepts? mail)",
    r"\bno(?:n.|t |n)?exist", r"isn.t (?:a |listed|found|valid)",
    r"is not (?:an? )?(?:valid|known|recogni[sz]ed|registered|member)", r"not a valid", r"(?:is )?invalid\b",
    r"not in (?:my|our|the) list", r"missing home directory", r"inconnue?s?\b", r"n.existe (?:pas|plus)",
    r"inexistant", r"introuvable", r"n.est pas reconnu", r"unbekannt", r"existiert nicht",
    r"nicht (?:gefunden|vorhanden|bekannt)", r"no existe", r"desconocido", r"no (?:fue|ha sido) encontrad",
    r"inesistente", r"sconosciuto", r"non esiste", r"n[ãa]o existe", r"desconhecid", r"inexistente", r"onbekend",
    r"bestaat niet",
)  # fmt: skip
_NO_SUCH_ADDRESS = one_of(
    rf"\b{_USER}\b(?:(?!\b(?:domain|host|sender|server)\b).){{0,60}}?{_NOT_THERE}",
    r"(?:unknown|no such|invalid|non.?existent|bad|unrecogni[sz]ed|illegal|not (?:an?|our) (?:valid |known |active )?|"
    r"no) ?(?:or \w+ )?(?:local |smtp |destination |rcpt |final delivery |virtual )?"
    rf"(?:{_USER}|person|customer|subscriber)\b",
    r"(?:mail-?box|account|user|name|nobody|one) (?:is )?(?:here )?by th(?:at|is) name", r"unknown local.?part",
    r"doesn.t have an? [\w.]+ account", r"does not have an account", r"badrcptto", r"not known at this",
    r"not listed in (?:public|domino|the) [\w ]{0,30}(?:directory|book)", r"name not found: ",
    r"unrout(?:e)?able address",
    r"no valid recipients?", r"that.s not a valid user", r"recip(?:ient)?notfound",
    r"aucun (?:destinataire|utilisateur|compte) (?:de ce nom|valide|correspondant)",
    r"(?:unbekannter|kein solcher|ung[üu]ltiger) (?:benutzer|empf[äa]nger|nutzer)", r"onbekende? (?:gebruiker|adres)",
    r"(?:usuario|destinatario|buz[oó]n) (?:no v[áa]lido|inv[áa]lido)", r"nieznany (?:u[żz]ytkownik|adresat)",
    r"宛先(?:が|は)?(?:不明|見つかりません|存在しません)|あて先不明",
    r"(?:アドレス|ユーザー?)(?:が|は)?(?:不明|見つか(?:りません|らない)|存在(?:しません|しない))",
    r"(?:用户|收件人|邮箱|帐号|账号)(?:地址)?不存在|查无此(?:人|用户)|收件人地址无效",
    r"(?:пользователь|адресат|получатель|почтовый ящик|адрес)[^.]{0,40}(?:не существует|не найден|неизвестен)",
    r"такого пользователя нет",
)  # fmt: skip
_MAILBOX_FULL = one_of(
    r"(?:mail-?box|inbox|mail ?folder|maildir|account|message store|disk|disc)\b[^.]{0,50}"
    r"\b(?:full|over(?:drawn|flow)|exceeded)",
    r"\bquota\b|over ?quota", r"exceed(?:s|ed|ing)? (?:\w+ ){0,4}(?:storage|mailbox size|space)",
    r"not enough (?:storage )?(?:space|room)", r"insufficient (?:disk )?space", r"out of (?:storage|space)",
    r"no space left", r"bo[iî]te (?:aux lettres |de r[ée]ception )?(?:du destinataire )?(?:est )?pleine",
    r"postfach (?:ist )?(?:voll|[üu]berf[üu]llt)", r"speicherplatz", r"(?:buz[oó]n|casilla)[^.]{0,20}llen[oa]",
    r"casella[^.]{0,20}piena", r"メールボックス(?:が|の容量)?(?:いっぱい|一杯|満杯|超過)", r"容量(?:を)?超",
    r"邮箱(?:已)?满|容量已满", r"переполнен|квота",
)  # fmt: skip
_MAILBOX_DISABLED = one_of(
    r"(?:account|mail-?box|user|recipient|address|e-?mail)\b[^.]{0,40}\b(?:disabled|suspended|deactivated|inactiv(?:e|ated)|"
    r"not activ(?:e|ated)|locked|frozen|expired|closed|discontinued|dormant|on hold|unavailable for delivery)",
    r"(?:disabled|suspended|deactivated|inactive|locked) (?:user|account|mail-?box|recipient|address)",
    r"compte (?:est )?(?:d[ée]sactiv[ée]|suspendu|bloqu[ée]|ferm[ée])", r"konto (?:ist )?(?:gesperrt|deaktiviert)",
    r"cuenta (?:suspendida|desactivada)", r"casilla ha expirado", r"not accepting (?:any )?(?:mail|messages)",
    r"temporarily unavailable", r"only accepts? mail from",
)  # fmt: skip
_REFUSED = one_of(
    r"\bspam\b|\buce\b|\bjunk\b|unsolicited|\bbulk\b", r"content (?:filter|reject)", r"message (?:looks|content)",
    r"reputation|black ?list|block ?list|blocked", r"\bpolicy\b", r"access denied", r"not authori[sz]ed",
    r"permission denied", r"prohibited|restricted|not (?:allowed|permitted)|challenge",
    r"rejected by (?:the )?(?:recipient|user)", r"\bspf\b|\bdkim\b|\bdmarc\b|\brbl\b|reverse dns|\bptr\b",
    r"virus|malware|attachment|relay", r"too (?:large|big|long)|size (?:limit|exceed)", r"sender",
)  # fmt: skip
_MOVED = one_of(
    r"(?:user|recipient|address|account|mailbox|he|she)\b.{0,40}\b(?:has |have )?moved (?:to|away)",
    r"new address is", r"has changed (?:his|her|their|its) (?:e-?mail )?address",
    r"a (?:d[ée]m[ée]nag[ée]|chang[ée] d.adresse)", r"メールアドレスを変更",
)  # fmt: skip
#: What a look-up says that failed for now, or that is about the sender, tells nothing of the reader's domain.
_NO_SUCH_DOMAIN = one_of(
    r"^(?!.*(?:try again|tempor|malformed|server fail|servfail|timed? ?out|sender))"
    r".*(?:host(?: ?name)?(?: or domain)?(?: name)? (?:[\w.-]+ )?(?:is |could )?(?:unknown|not (?:be )?found)|"
    r"unknown (?:mail )?(?:host|domain)|(?:no such|invalid) (?:host|domain)|nxdomain|illegal host|"
    r"no (?:dns )?(?:mx|mail exchangers?)(?: records?)? (?:found|for)|has no (?:mx|mail exchanger)|unable to find mx|"
    r"(?:domain|server)(?: name)? (?:[\w.-]+ )?(?:is |was |may )?"
    r"(?:not found|unknown|invalid|does ?n.t exist|(?:does )?not exist|non-?exist)|"
    r"domain mentioned in email address is unknown|domain must exist|no valid hosts|could ?n.t find any host|"
    r"could not find any host|non-?existent (?:hosts?|domain)|(?:h[ôo]te|domaine) in(?:connu|existant)|"
    r"domaine n.existe|unbekannter host|domain existiert nicht|dominio (?:desconocido|no existe)|"
    r"unrouteable (?:mail )?domain|"
    r"(?:host|domain|server) (?:does|do)(?: ?n.t| not) accept (?:any )?(?:e-?mail|mail|messages)|null ?mx)",
)  # fmt: skip
#: The first family that fits wins: what may live is looked for before what is dead.
_FAMILIES = (
    (_MAILBOX_FULL, Meaning.MAILBOX_FULL),
    (_NO_SUCH_DOMAIN, Meaning.NULL_MX),
    (_NO_SUCH_ADDRESS, Meaning.NO_SUCH_ADDRESS),
    (_MAILBOX_DISABLED, Meaning.MAILBOX_DISABLED),
    (_REFUSED, Meaning.POLICY),
    (_MOVED, Meaning.MOVED),
)
#: Whoever words it so speaks of us, not of the reader.
_OF_SENDER = one_of(r"sender(?:.s)? (?:address|domain|unknown|rejected|verify)", r"(?:unknown|invalid) sender")


def meaning_of_prose(words: str) -> Meaning | None:
    """Return what a text for people says of a mailbox, or None."""
    if _OF_SENDER.search(words):
        return Meaning.SENDER_REFUSED
    return next((meaning for pattern, meaning in _FAMILIES if pattern.search(words)), None)
