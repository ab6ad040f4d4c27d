"""How automatic mails announce what they are, as data: bounces, delays, challenges, automatic replies, by language.

The patterns are matched against one line of lower-case text (`replies.words_of`).
"""

from app.mail.reports.phrases import one_of

#: What says, as a subject or in a text, that a mail did not arrive.
NOT_DELIVERED = one_of(
    r"un-?deliver(?:able|ed)", r"deliver(?:y|ies)[ -]+(?:status|fail|error|report|notification|problem|incomplete)",
    r"deliver(?:y|ies)[ -]+(?:unsuccessful|delayed|warning)", r"delivery.{0,20}(?:failed|delayed)",
    r"returned? (?:e-?)?mail", r"return(?:ed|ing) (?:to sender|message)", r"returned:",
    r"mail (?:rejected|returned)|delayed mail", r"mail (?:system )?(?:delivery|error|failure)",
    r"failure (?:notice|delivery|notification)", r"nameserver error",
    r"(?:could|can|was|were|is)(?:n.t| ?not) (?:be )?(?:deliver|sen[dt])", r"not (?:be )?deliver|non-?deliver",
    r"fail(?:ed|ure) (?:to deliver|delivery|mail)", r"(?:unable|not able|n.t able) to deliver",
    r"error sending|bounced", r"message (?:you sent )?(?:rejected|blocked|delayed|undeliver)", r"rejected:",
    r"warning: (?:could not|message)", r"unknown (?:user|recipient|address)",
    r"(?:user|address) (?:unknown|not found)", r"mailbox (?:full|unavailable)",
    r"non[- ](?:remis|distribu|d[ée]livr)", r"avis de non[- ]", r"n.a pas pu [êe]tre",
    r"(?:remise|livraison) (?:retard|diff)",
    r"[ée]chec (?:de |d.)?(?:la )?(?:remise|distribution|livraison|l.envoi|envoi)", r"courrier (?:non|retourn)",
    r"impossible (?:de )?(?:remettre|d[ée]livrer|distribuer)", r"retour [àa] l.exp[ée]diteur",
    r"unzustellbar|nicht zu(?:gestellt|stellbar)", r"zustell(?:ung|ungs)?.{0,20}(?:fehl|nicht|verz)",
    r"r[üu]cksendung", r"nachricht nicht|nicht [üu]bermittelt",
    r"no (?:se )?(?:pudo|ha podido|puede|fue|ha sido)[^.]{0,20}entreg",
    r"no entregad|devuelt[oa]|imposible (?:de )?entregar", r"(?:error|fallo|fallida?) (?:de|en)[^.]{0,12}entrega",
    r"mancat[oa] (?:consegna|recapito)", r"impossibile (?:recapitare|consegnare)", r"non (?:recapitat|consegnat)",
    r"n[ãa]o (?:foi |p[ôo]de ser )?entreg", r"falha (?:na|de) entrega", r"devolvid[oa]",
    r"niedostarczon|zwrot|nedoru[čc]", r"onbestelbaar|niet (?:afgeleverd|bezorgd|te bezorgen)",
    r"ol?evererat|kunde inte levereras", r"ikke leveret|k(?:an|unne) ikke leveres", r"nie mo[żz]na dostarczy",
    r"не (?:доставлен|может быть доставлен|удалось доставить)", r"недостав",
    r"配達(?:不能|できません)|届けられません|届きません",
    r"(?:配信|送信)(?:不能|不可|エラー|に失敗|できません)", r"エラーメール", r"未達",
    r"退信|投递失败|无法(?:投递|送达)|退回",
)  # fmt: skip
#: What tells that the server will try again by itself.
DELAYED = one_of(
    r"(?:will|shall) (?:be |continue to be )?(?:retr(?:y|ied)|keep trying|continue (?:to )?try)",
    r"still (?:being retried|trying)", r"not yet (?:been )?delivered",
    r"(?:has|have|is|was) been (?:delayed|postponed)",
    r"delivery (?:is |has been )?(?:temporarily )?(?:delayed|suspended|postponed)", r"delivery incomplete",
    r"you do ?n[o.]t need to (?:resend|do anything)", r"no action is required",
    r"this is a warning|(?:just a )?warning only", r"just a warning|advisory-only",
    r"delivery attempts will continue", r"will be re-?(?:tried|attempted)",
    r"(?:remise|livraison|distribution)[^.]{0,30}retard[ée]e", r"nouvelle tentative",
    r"(?:zustellung|nachricht)[^.]{0,30}verz[öo]ger", r"(?:entrega|mensaje)[^.]{0,30}retras",
    r"再送を試み|配信が遅れ|配送遅延",
)  # fmt: skip
#: Somebody, or a program of theirs, wants the sender to prove something first.
CHALLENGE = one_of(
    r"waitlisted|guest list", r"(?:prove|verify|confirm) (?:that )?you(?:r message| are| e-?mail)",
    r"challenge.?response", r"tmda|spam ?arrest", r"to be added to (?:my|their|the) (?:white|allowed|approved|guest)",
    r"click (?:on )?the (?:link|following)[^.]{0,60}(?:deliver|approve|release)",
    r"one.time (?:verification|confirmation)", r"awaiting (?:your )?(?:verification|confirmation)",
)  # fmt: skip
#: Subjects of out-of-office programs and acknowledgements.
AUTO_REPLY = one_of(
    r"out[ -]of[ -](?:the[ -])?office|\booo\b|\boof\b", r"\bvacation\b|on (?:holiday|leave|annual leave)\b",
    r"^auto ?:", r"auto(?:mat(?:ic|ed)?)?(?:ally)?[- ]?(?:generated )?(?:reply|respon[sd]|answer|acknowledg)",
    r"^away\b|away from (?:the |my )", r"(?:i am|i'm|currently|will be) (?:away|out|absent|on leave)",
    r"^absen(?:ce|t)\b", r"maternity leave|has left the company",
    r"thank(?:s| you) for (?:your |contacting|the )?(?:e-?mail|message|mail|enquiry|inquiry|contacting)",
    r"(?:e-?mail|message|mail|enquiry|inquiry) (?:has been |was )?received", r"no longer (?:working|with|employed)",
    r"r[ée]ponse automatique|r[ée]pondeur", r"absen(?:ce|te?) (?:du bureau|de|jusqu)",
    r"(?:message|notification) d.absence", r"en cong[ée]s?\b|en vacances|hors du bureau",
    r"accus[ée] (?:de )?r[ée]ception", r"automatische (?:antwort|nachricht|r[üu]ckmeldung)", r"autom\. ?antwort",
    r"abwesen(?:heit|d)|nicht im (?:b[üu]ro|haus)|urlaub", r"automatisch antwoord|afwezig|niet aanwezig",
    r"respuesta autom[áa]tica|auto ?respuesta", r"fuera de (?:la )?oficina", r"\bausente\b|ausencia|de vacaciones",
    r"risposta automatica", r"fuori (?:ufficio|sede)", r"assen(?:te|za)\b", r"in ferie",
    r"(?:resposta|mensagem) autom[áa]tica", r"fora do escrit[óo]rio", r"aus[êe]ncia", r"f[ée]rias",
    r"autosvar|automatiskt? svar", r"fr[åa]nvaro|frav[æe]r|automaattinen|poissa", r"odpowied[źz] automatyczna",
    r"automatyczna odpowied", r"poza biurem", r"automatick[áa] odpov|nep[řr][ií]tomn",
    r"otomatik yan[ıi]t|ofis d[ıi][şs][ıi]nda", r"autom[aā]tisk[aā] atbilde", r"automatin", r"autovastus",
    r"automatikus v[áa]lasz", r"r[ăa]spuns automat", r"αυτόματη απάντηση", r"автоответ",
    r"автоматическ(?:ий|ое) (?:ответ|сообщение)", r"вне офиса", r"в отпуске", r"отсутстви", r"нет на месте",
    r"автовідповід", r"自動(?:返信|応答|回覆|回复)", r"自动(?:回复|答复)", r"不在", r"休暇", r"外出",
    r"부재|자동 ?(?:응답|회신)|휴가",
)  # fmt: skip
