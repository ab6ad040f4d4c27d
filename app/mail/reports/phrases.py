"""What returned mails say of a mailbox, as data: families of phrases in the languages that mail servers write.

They are matched against text without accents and addresses (`patterns.plain_words_of`).
"""

import re

from app.mail.meanings import Meaning
from app.mail.reports.patterns import one_of
from app.mail.reports.wordings import NOT_THERE_BEFORE, NOT_THERE_BEHIND, NOT_THERE_UNSPACED

_NO_SUCH_ADDRESS = one_of(*NOT_THERE_BEHIND, *NOT_THERE_BEFORE, *NOT_THERE_UNSPACED)
_MAILBOX_FULL = one_of(
    r"(?:mail-?box|inbox|mail ?folder|maildir|account|message store|disk|disc|storage)\b[^.]{0,50}"
    r"\b(?:full|over(?:drawn|flow)|exceed(?:s|ed|ing)?)",
    r"\bquota\b|over ?quota", r"exceed(?:s|ed|ing)? (?:\w+ ){0,4}(?:storage|mailbox size|space|allowed size)",
    r"(?:full|overflowing) (?:mail-?box|inbox)", r"not enough (?:storage )?(?:space|room)",
    r"insufficient (?:disk |system |mailbox )?(?:space|storage)", r"(?:run )?out of (?:storage|space)|no space left",
    r"space has been used", r"too (?:many messages (?:on|in)|much mail data)", r"number of messages [^.]{0,40}exceed",
    r"reached (?:its|their|the) (?:\w+ )?(?:storage|size|limit)",
    r"(?:boite|messagerie|compte)[^.]{0,60}(?:pleine?|saturee?|remplie)\b",
    r"(?:quota|espace|capacite)[^.]{0,40}(?:depass|atteint|insuffisant)",
    r"(?:postfach|mailbox|konto|speicher)[^.]{0,60}"
    r"(?:voll\b|(?:u|ue)berf(?:u|ue)llt|(?:u|ue)berschritten|ersch(?:o|oe)pft)",
    r"speicherplatz|kein platz mehr",
    r"(?:buzon|casilla|bandeja|cuenta|cuota)[^.]{0,40}(?:llen[oa]|exced|super|agotad)|sin espacio",
    r"casella[^.]{0,40}piena|spazio (?:esaurito|insufficiente)|quota[^.]{0,20}superat",
    r"caixa[^.]{0,40}(?:cheia|lotada)|\bcota\b|espaco insuficiente",
    r"(?:mailbox|postvak|postbus)[^.]{0,40}\bvol\b",
    r"(?:brevlada|inkorg|postkasse|indbakke|mailbox)n?[^.]{0,30}\bfull?d?t?\b",
    r"(?:skrzynk|schrank)\w*[^.]{0,40}(?:pelna|pln[aey]|przepelnion)|przekroczon\w+ (?:limit|pojemno)",
    r"kota(?:si)?[^.]{0,20}(?:dolu|asil)|posta kutusu[^.]{0,20}dolu",
    r"переполнен|квот|недостаточно места|нет места|переповнен",
    r"(?:メール|受信)?(?:ボックス|箱|容量|フォルダ)[^。]{0,20}(?:いっぱい|一杯|満杯|超|オーバー|不足)|空き容量|容量不足",
    r"(?:[邮郵信收][箱件]箱?|空间|空間|容量)[^。]{0,8}(?:满|滿|不足|超出|超过|超過)",
    r"(?:용량|메일함|편지함)[^.]{0,15}(?:초과|가득|부족)",
)  # fmt: skip
_MAILBOX_DISABLED = one_of(
    r"(?:account|mail-?box|user|recipient|address|e-?mail)\b[^.]{0,40}\b(?:disabled|suspended|deactivated|"
    r"inactiv(?:e|ated)|not activ(?:e|ated)|locked|frozen|expired|closed|discontinued|dormant|archived|on hold|"
    r"(?:temporarily )?limited|unavailable for delivery)",
    r"(?:disabled|suspended|deactivated|inactive|locked|archived|frozen) (?:user|account|mail-?box|recipient|address)",
    r"(?:administrativel?y|permanently) disabled", r"suspend the service",
    r"(?:compte|boite|adresse|messagerie|destinataire)[^.]{0,40}"
    r"(?:desactive|suspendu|bloque|ferme|archive|inacti[fv]|resilie)",
    r"(?:konto|postfach|mailbox|benutzer|empf(?:a|ae)nger)[^.]{0,40}"
    r"(?:gesperrt|deaktiviert|stillgelegt|inaktiv|geschlossen)",
    r"(?:cuenta|buzon|casilla|usuario)[^.]{0,40}"
    r"(?:suspendid|desactivad|deshabilitad|bloquead|inactiv|expirado|cancelad)",
    r"(?:casella|account|utente)[^.]{0,40}(?:disabilitat|sospes|disattivat|bloccat|inattiv|scadut)",
    r"(?:conta|caixa|usuario)[^.]{0,40}(?:desativad|suspens|bloquead|inativ|desabilitad)",
    r"(?:account|postvak|mailbox|gebruiker)[^.]{0,40}(?:uitgeschakeld|geblokkeerd|opgeheven|inactief)",
    r"(?:ящик|аккаунт|пользовател|адрес|учетн)\w*[^.]{0,40}"
    r"(?:заблокирован|отключен|неактив|деактивирован|удержан)",
    r"(?:アカウント|メールボックス|ユーザー?|ご利用)[^。]{0,20}(?:停止|無効化|凍結|休止)",
    r"(?:停用|冻结|凍結|禁用|被封|锁定|鎖定|未激活|休眠|注销)", r"(?:휴면|정지|비활성|사용 중지)",
    r"not accepting (?:any )?(?:mail|messages)", r"temporarily (?:unavailable|inactive)", r"only accepts? mail from",
)  # fmt: skip
_REFUSED = one_of(
    r"\bspam\b|\buce\b|\bjunk\b|unsolicited|\bbulk\b", r"content (?:filter|reject)", r"message (?:looks|content)",
    r"reputation|black ?list|block ?list|blocked|banned", r"\bpolicy\b|policies", r"access (?:is )?denied",
    r"not authori[sz]ed",
    r"permission denied", r"prohibited|restricted|not (?:allowed|permitted)|challenge",
    r"rejected by (?:the )?(?:recipient|user)", r"\bspf\b|\bdkim\b|\bdmarc\b|\brbl\b|reverse dns|\bptr\b",
    r"virus|malware|attachment|relay(?! recipient)", r"too (?:large|big|long)|size (?:limit|exceed)", r"sender",
    r"greylist|rate limit|too many|authenticat|\btls\b",
    r"indesirable|pourriel|(?:message|courrier|mail|service) (?:rejete|refuse)|taille (?:maximale|limite|du message)",
    r"abgelehnt|abgewiesen|verweigert|unerw(?:u|ue)nscht|zu gro(?:ss|b)",
    r"rechazad|correo no deseado|demasiado grande",
    r"respint|rifiutat|indesiderat", r"rejeitad|recusad", r"geweigerd|ongewenst",
    r"отклонен|спам|запрещ|черн\w+ спис|слишком больш",
    r"迷惑メール|スパム|受信拒否|拒否されました", r"垃圾|黑名单|拒收|拒绝|拒絕|过大|過大", r"스팸|차단|거부",
)  # fmt: skip
_MOVED = one_of(
    r"(?:user|recipient|address|account|mailbox|he|she)\b(?:(?! may | might ).){0,40}\bmoved (?:to|away)",
    r"address .{0,60}has been replaced by", r"(?:recipient|user) no longer on server",
    r"new address is", r"has changed (?:his|her|their|its) (?:e-?mail )?address",
    r"a (?:demenage|change d.adresse)", r"メールアドレスを変更",
)  # fmt: skip
#: What a look-up says that failed for now, or that is about the sender, tells nothing of the reader's domain.
_NO_SUCH_DOMAIN = one_of(
    r"^(?!.*(?:try again|tempor|malformed|server fail|servfail|timed? ?out|sender))"
    r".*(?:host(?: ?name)?(?: or domain)?(?: name)? (?:[\w.-]+ )?(?:is |could )?(?:unknown|not (?:be )?found)|"
    r"unknown (?:mail )?(?:host|domain)|(?:no such|invalid) (?:host|domain)|nxdomain|illegal host|"
    r"no (?:dns )?(?:mx|mail exchangers?)(?: records?)? (?:found|for)|has no (?:mx|mail exchanger)|unable to find mx|"
    r"(?:domain|server)(?: name)? (?:[\w.-]+ )?(?:is |was |may )?"
    r"(?:not found|unknown|invalid|does ?n.?t exist|(?:does )?not exist|non-?exist)|"
    r"all host address lookups failed permanently|indicated no smtp service|name or service not known|"
    r"domain mentioned in email address is unknown|domain must exist|no valid hosts|could ?n.t find any host|"
    r"could not find any host|non-?existent (?:hosts?|domain)|(?:hote|domaine) in(?:connu|existant)|"
    r"(?:nom de )?domaine .{0,40}?(?:n.existe|inexistant|introuvable|inconnu)|"
    r"unbekannter (?:host|rechner)|(?:domain|domane|domaene) .{0,40}?(?:existiert nicht|unbekannt|nicht gefunden)|"
    r"dominio .{0,40}?(?:desconocid|desconhecid|no existe|inexistente|non esiste|inesistente|sconosciut|nao existe)|"
    r"домен\w* .{0,40}?(?:не (?:существует|найден)|неизвест)|ドメイン[^。]{0,20}(?:存在しません|見つかりません|不明)|"
    r"域名[^。]{0,10}(?:不存在|无效|错误)|找不到[^。]{0,6}域名|"
    r"unrouteable (?:mail )?domain|"
    r"(?:host|domain|server)(?: \S+)? (?:does|do)(?: ?n.t| not) accept (?:any )?(?:e-?mail|mail|messages)(?! from)|"
    r"null ?mx)",
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
_SERVER_NAME = re.compile(r"(?<![\w.-])[\w-]{1,63}(?:\.[\w-]{1,63})+")
#: Whoever words it so speaks of us, not of the reader.
_OF_SENDER = one_of(r"sender(?:.s)? (?:address|domain|unknown|rejected|verify)", r"(?:unknown|invalid) sender")


def meaning_of_prose(words: str) -> Meaning | None:
    """Return what a text for people says of a mailbox, or None."""
    if _OF_SENDER.search(words):
        return Meaning.SENDER_REFUSED
    return next((meaning for pattern, meaning in _FAMILIES if pattern.search(_heard(pattern, words))), None)


def says_only_unknown(words: str) -> bool:
    """Return whether a text says that there is no such mailbox, and nothing that a living one would explain as well."""
    if meaning_of_prose(words) is not Meaning.NO_SUCH_ADDRESS:
        return False
    return not (_MAILBOX_DISABLED.search(words) or _REFUSED.search(_heard(_REFUSED, words)))


def may_live(words: str) -> bool:
    """Return whether a text says of a mailbox that it is full or disabled."""
    return bool(_MAILBOX_FULL.search(words) or _MAILBOX_DISABLED.search(words))


def _heard(pattern: re.Pattern[str], words: str) -> str:
    """Return a text as a family reads it: a server's name, `relay2.spamfilter.example`, refuses nothing."""
    return _SERVER_NAME.sub(" ", words) if pattern is _REFUSED else words
