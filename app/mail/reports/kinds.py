"""How automatic mails announce what they are, as data: bounces, delays, challenges, automatic replies, by language.

The patterns are matched against one line of text without accents and addresses (`patterns.plain_words_of`).
"""

from app.mail.reports.patterns import one_of

#: What says, as a subject or in a text, that a mail did not arrive.
NOT_DELIVERED = one_of(
    r"un-?deliver(?:able|ed)", r"deliver(?:y|ies)[ -]+(?:status|fail|error|report|notification|problem|incomplete)",
    r"deliver(?:y|ies)[ -]+(?:unsuccessful|delayed|warning)", r"delivery.{0,20}(?:failed|delayed)",
    r"returned? (?:e-?)?mail", r"return(?:ed|ing) (?:to sender|message)", r"returned:",
    r"mail (?:rejected|returned)|delayed mail", r"mail (?:system )?(?:delivery|error|failure)",
    r"failure (?:notice|delivery|notification)", r"nameserver error", r"mail failed",
    r"(?:could|can|was|were|is)(?:n.?t| ?not) (?:be )?(?:deliver|sen[dt])", r"not (?:be )?deliver|non-?deliver",
    r"fail(?:ed|ure) (?:to deliver|delivery|mail)", r"(?:unable|not able|n.t able) to deliver",
    r"did not (?:reach|receive)", r"has (?:stopped|blocked|intercepted) (?:the following|your) (?:e-?mail|message)",
    r"(?:addresses?|recipients?) (?:\w+ )?(?:had|failed|with) (?:\w+ )?(?:delivery|permanent|fatal)",
    r"error (?:while )?sending|bounced", r"message (?:you sent )?(?:rejected|blocked|delayed|undeliver)", r"rejected:",
    r"warning: (?:could not|message)", r"unknown (?:user|recipient|address)",
    r"(?:user|address) (?:unknown|not found)", r"mailbox (?:full|unavailable)",
    r"non[- ](?:remis|distribu|delivr)", r"avis de non[- ]", r"n.a pas pu etre",
    r"(?:remise|livraison) (?:retard|diff)",
    r"echec (?:de |d.)?(?:la )?(?:remise|distribution|livraison|l.envoi|envoi)", r"courrier (?:non|retourn)",
    r"impossible (?:de )?(?:remettre|delivrer|distribuer)", r"retour a l.expediteur",
    r"unzustellbar|nicht zu(?:gestellt|stellbar)", r"zustell(?:ung|ungs)?.{0,20}(?:fehl|nicht|verz)",
    r"fehler bei der (?:nachrichten)?(?:zustellung|ubermittlung)", r"r(?:u|ue)cksendung",
    r"nachricht nicht|nicht (?:u|ue)bermittelt",
    r"no (?:se )?(?:pudo|ha podido|puede|fue|ha sido)[^.]{0,20}entreg", r"no se entrego", r"no entregad|devuelt[oa]",
    r"imposible (?:de )?entregar", r"(?:error|fallo|fallida?) (?:de|en)[^.]{0,12}entrega",
    r"mancat[oa] (?:consegna|recapito)", r"impossibile (?:recapitare|consegnare)",
    r"non (?:recapitat|recapitabil|consegnat)|(?:recapito|consegna|invio) non riuscit",
    r"nao (?:foi |pode ser |e possivel )?entreg", r"falha (?:na|de) entrega", r"devolvid[oa]",
    r"onbestelbaar|niet (?:afgeleverd|bezorgd|te bezorgen)|(?:bezorging|aflevering) (?:is )?mislukt",
    r"ol?evererat|kunde inte (?:levereras|skickas)|(?:ikke|inte) (?:leveret|levert|levererats)",
    r"k(?:an|unne) ikke (?:leveres|sendes)", r"ei voitu toimittaa|toimitus epaonnistui|ei toimitettu",
    r"niedostarczon|zwrot|nie mozna dostarczy|nie (?:zostala|zostal) dostarczon", r"nedoruc|nelze dorucit",
    r"kezbesit(?:hetetlen|esi hiba)|nem sikerult kezbesit", r"nu a (?:putut fi|fost) livrat",
    r"(?:iletile|teslim edile|gonderile)medi", r"δεν (?:παραδόθηκε|ήταν δυνατή η παράδοση)",
    r"не (?:доставлен|может быть (?:\w+ )?доставлен|удалось (?:доставить|отправить))", r"недостав|ошибка доставки",
    r"не (?:доставлено|вдалося доставити)",
    r"配達(?:不能|できません)|届け(?:られ|ることができ)ません|届きません",
    r"(?:配信|送信|配送)[^。]{0,4}(?:不能|不可|エラー|に失敗|失敗|できません)", r"エラーメール|未達|未配信",
    r"退信|投[递遞]失[败敗]|[无無]法(?:投[递遞]|送[达達]|[发發]送|寄送|[传傳][递遞])|未能[^。]{0,6}(?:投[递遞]|送[达達]|[发發]送)|退回",
    r"(?:전송|배달|전달)[^.]{0,8}(?:실패|못|되지)|반송",
)  # fmt: skip
#: What a list's program says to a sender whose mail it does not pass on, and when it only waits.
REFUSED_BY_LIST = one_of(
    r"are not (?:a )?member|not member article|not (?:allowed|authori[sz]ed) to post",
    r"(?:message|post|request)\b.{0,60} (?:rejected|discarded)", r"loop (?:alert|back)|duplicated message-id",
)  # fmt: skip
HELD_BY_LIST = one_of(r"awaits? (?:moderator )?approval|being held|pending (?:moderator )?approval")
#: Kinds of reports that do not say yet what happened.
REPORT_NAMES = one_of(r"deliver(?:y|ies)[ -]+(?:status|report|notification)", r"mail (?:system )?delivery")
#: What tells that a mail did arrive, or went on to a server that sends no reports.
ARRIVED = one_of(
    r"(?<!not )(?<!not been )success(?:fully|ful) (?:mail )?(?:delivered|delivery|relayed|sent)",
    r"(?:has been|have been|was|were|is) (?:delivered|relayed|expanded)(?! to the sender)",
    r"delivery notification: delivery has been success",
    r"\b(?:a ete|a bien ete) (?:remis|distribue|delivre)", r"wurde (?:\w+ )?zugestellt", r"ha sido entregado",
    r"e stato (?:recapitato|consegnato)", r"foi entregue", r"доставлено успешно|успешно доставлен",
    r"配信(?:されました|が完了)|已成功(?:投递|送达|发送)",
)  # fmt: skip
#: Reports to the owner of a domain, on many mails at once (RFC 7489 §7.2, RFC 8460).
STATISTICS = one_of(r"^\W*report domain:", r"\bdmarc\b.{0,30}\breport", r"\btls ?-?(?:rpt|report)")
#: What tells that the server will try again by itself.
DELAYED = one_of(
    r"(?:will|shall) (?:be |continue to be )?(?:retr(?:y|ied)|keep trying|continue (?:to )?try)",
    r"still (?:being retried|trying)|keeps? (?:on )?trying|(?:will|.ll|shall) try (?:to deliver it )?again(?! to)",
    r"not yet (?:been )?delivered|yet to be delivered|not (?:been )?(?:delivered|sent) yet",
    r"(?:has|have|is|was) been (?:delayed|postponed)|is delayed for",
    r"delivery (?:is |has been )?(?:temporarily )?(?:delayed|suspended|postponed)", r"delivery incomplete",
    r"you do ?n[o.]t need to (?:re-?send|do anything)", r"no action is required",
    r"this is a warning|(?:just a )?warning only", r"just a warning|advisory-only|only a temporary failure report",
    r"attempts (?:will )?continue|(?:is|will be) (?:kept|still) in the queue",
    r"will be (?:re-?tried|(?:re-?)?attempted)",
    r"(?:ne |n')[^.]{0,20}pas besoin de renvoyer|(?:seulement|simple) (?:un )?avertissement",
    r"nur eine warnung|nicht (?:noch einmal|erneut) (?:zu )?senden", r"solo un avviso|di nuovo il messaggio",
    r"solo un aviso|no es necesario (?:que )?reenvi|apenas um aviso|nao e (?:preciso|necessario) reenvi",
    r"tylko ostrzezenie|slechts een waarschuwing|только предупреждение|これは警告です|再送の必要はありません",
    r"(?:remise|livraison|distribution)[^.]{0,30}(?:retardee|differee)|(?:n.a|n.ont|n.est) pas encore",
    r"(?:nouvelles?|autres|prochaines?) tentatives?|tentatives? [^.]{0,30}(?:seront|se poursuiv|continue)",
    r"sera retente|continu\w+ d.essayer|(?:re)?essa(?:ie|y)\w+[^.]{0,30}(?:nouveau|pendant|jusqu)",
    r"(?:zustellung|nachricht)[^.]{0,30}verz(?:o|oe)ger|verz(?:o|oe)gerte zustellung",
    r"noch nicht (?:\w+ )?(?:zugestellt|(?:u|ue)bermittelt|ausgeliefert)|weitere[nr]? (?:zustell|sende)?versuche?",
    r"(?:wird|werden) (?:es )?(?:weiter(?:hin)?|erneut) (?:versuch|zugestellt)",
    r"(?:entrega|mensaje|mensagem)[^.]{0,30}(?:retras|demorad|atrasad)",
    r"(?:aun|todavia) no (?:se )?(?:ha )?(?:\w+ )?entreg|no (?:se )?(?:ha|pudo)[^.]{0,20}entreg\w+ (?:aun|todavia)",
    r"(?:se )?reintentara|(?:seguira|volvera)[^.]{0,12} (?:intent|prob)|(?:nuevos|otros|mas) intentos",
    r"(?:consegna|recapito)[^.]{0,30}(?:ritard|rinviat)|(?:altri|ulteriori|nuovi) tentativi|riprovera",
    r"non (?:e )?(?:stat\w )?ancora (?:stat\w )?(?:consegnat|recapitat)",
    r"ainda nao (?:foi )?entreg|(?:continuara|tentara) (?:tentando|novamente)|novas tentativas",
    r"(?:bezorging|aflevering)[^.]{0,30}vertraag|vertraagde (?:bezorging|aflevering)",
    r"nog niet (?:\w+ )?(?:afgeleverd|bezorgd)|blij(?:f|ven) (?:\w+ )?proberen|opnieuw geprobeerd",
    r"fordrojd|forsinket|(?:annu|anda|endnu|enna) (?:inte|ikke) (?:levere|blivit|leveret|levert)",
    r"(?:inte|ikke) (?:leverats|levererats|leveret|levert) (?:annu|anda|endnu|enna)|ny[ae] forso[gk]",
    r"opozni|ponawia|(?:ponowne|kolejne) proby|jeszcze dostarczon|zpozden|dalsi pokus",
    r"доставк\w*[^.]{0,30}(?:задерж|отложен)|задержк\w* доставк|(?:пока|еще) не (?:\w+ )?доставлен",
    r"повторн\w+ попыт|попыт\w+ [^.]{0,40}(?:продолж|повтор)|продолж\w+ попыт",
    r"再送(?:を試み|し(?:ます|続け)|いたします)|再試行(?:し|され)ます|まだ[^。]{0,12}(?:配[信送達]|送信)",
    r"(?:配信|配送|送信)[^。]{0,4}遅",
    r"(?:投递|发送|傳遞|送达)[^。]{0,6}延[迟遲]|延[迟遲](?:投[递遞]|通知|送达)",
    r"(?:系统|系統|服务器|伺服器|我[们們])[^。]{0,8}(?:[继繼][续續]|再次|自[动動])[^。]{0,4}(?:重[试試]|[尝嘗][试試]|投[递遞]|[发發]送)",
    r"(?:전송|배달)[^.]{0,8}지연|다시 (?:전송|시도)(?:합니다|할 것)",
)  # fmt: skip
#: What is written of mail that waits, and now and then of mail that was given up.
MAY_WAIT = one_of(
    r"\bwarning\b|\bqueue|\battempts\b|(?:will|be) attempt|\bso far\b|\bdelay",
    r"avertissement|file d.attente|en attente|tentatives|retard",
    r"warnung|warteschlange|versuche\b|verz(?:o|oe)ger", r"\baviso\b|en (?:la )?cola\b|intent(?:os|ar)|retras",
    r"\bavviso\b|in coda\b|tentativi|ritard", r"na fila\b|atras[ao]|tentativas",
    r"waarschuwing|wachtrij|pogingen|vertraag",
    r"varning|advarsel|\bko(?:en)?\b|forso[gk]", r"ostrzezeni|kolejce|prob(?:y|owa)|upozorneni|fronte",
    r"предупрежд|очеред|попыт(?:к[иу]|ок)|задерж",
    r"警告|キュー|再送|再試行|遅|队列|隊列|重[试試]|延[迟遲时時]|暂|暫|경고|대기|지연",
)  # fmt: skip
#: The same words in a server's farewell: it will not try again.
GIVEN_UP = one_of(
    r"(?:no|not|never)\b[^.]{0,30}(?:attempts (?:will )?continue|be retried|try again)",
    r"(?:aucune|pas de|plus de|sans) (?:nouvelles?|autres?) tentatives?[^.]{0,30}", r"keine weitere[nr]? \w*versuche?",
    r"(?:no|sin|ningun)\b[^.]{0,30}(?:nuevos|otros|mas) intentos|no (?:se )?(?:reintentara|volvera|seguira)",
    r"(?:non|nessun)\b[^.]{0,30}(?:altri|ulteriori|nuovi) tentativi|non (?:si )?riprovera",
    r"(?:nao|sem|nenhuma)\b[^.]{0,30}novas tentativas|nao (?:continuara|tentara)", r"ing[ae]n? ny[ae] forso[gk]",
    r"повторн\w+ попыт\w+[^.]{0,30} не |попыт\w+ [^.]{0,30}не (?:будут|будет) (?:продолж|повтор)",
    r"(?:больше|далее) не [^.]{0,30}попыт\w+", r"no (?:further|more) attempts", r"不(?:会|會)?再[^。]{0,10}",
)  # fmt: skip
#: Somebody, or a program of theirs, wants the sender to prove something first.
CHALLENGE = one_of(
    r"waitlisted|guest list", r"(?:prove|verify|confirm) (?:that )?you(?:r message| are| e-?mail)",
    r"challenge.?response", r"tmda|spam ?arrest|mailinblack|boxbe",
    r"to be added to (?:my|their|the) (?:white|allowed|approved|guest)",
    r"click (?:on )?the (?:link|following)[^.]{0,60}(?:deliver|approve|release)",
    r"one.time (?:verification|confirmation)", r"awaiting (?:your )?(?:verification|confirmation)",
    r"cliquez[^.]{0,60}(?:delivr|liber)", r"confirmez votre (?:message|envoi|adresse)",
)  # fmt: skip
#: Subjects with which a person answers or passes on.
OF_PERSON = one_of(
    r"^(?:re|fwd?|tr|wg|aw|rv|enc|i|vs|vb|sv|doorst|ynt|ilt|odp|ref|отв|на|пересл|转发|轉寄|回复|回覆) ?[:：]"
)
#: Subjects of out-of-office programs and acknowledgements.
AUTO_REPLY = one_of(
    r"out[ -]of[ -](?:the[ -])?office|\booo\b|\boof\b", r"\bvacation\b|on (?:holiday|leave|annual leave)\b",
    r"^\W*auto\b ?[:\]]", r"auto(?:mat(?:ic|ed)?)?(?:ally)?[- ]?(?:generated )?(?:reply|respon[sd]|answer|acknowledg)",
    r"^away\b|away from (?:the |my )", r"(?:i am|i'm|currently|will be) (?:away|out|absent|on leave)",
    r"^\W*absen(?:ce|te?)\b", r"(?:maternity|parental|sick|study|annual) leave|ha(?:s|ve) left the company",
    r"thank(?:s| you) for (?:your |contacting|the )?(?:e-?mail|message|mail|enquiry|inquiry|contacting)",
    r"(?:e-?mail|message|mail|enquiry|inquiry|request|ticket)\b.{0,12} (?:has been |have been |was )?received",
    r"(?:have|we) received your (?:e-?mail|message|mail|enquiry|inquiry|request)",
    r"no longer (?:works?|working|with|employed)",
    r"reponse automatique|repondeur|message automatique", r"absen(?:ce|te?) (?:du bureau|de|jusqu)",
    r"(?:message|notification|avis|reponse) d.absence", r"en conges?\b|en vacances|hors du bureau",
    r"conges? (?:annuels?|maternite|paternite|parental)", r"accuse (?:de )?reception",
    r"automatische (?:antwort|nachricht|r(?:u|ue)ckmeldung|abwesenheit)", r"autom\. ?antwort",
    r"abwesen(?:heit|d)|nicht im (?:b(?:u|ue)ro|haus)|urlaub|elternzeit|mutterschutz",
    r"(?:eingangs|empfangs|lese)bestatigung",
    r"automatische? (?:antwoord|beantwoord|reactie|bericht)|automatisch antwoord",
    r"afwezig|niet (?:aanwezig|op kantoor)|op vakantie|ontvangstbevestiging",
    r"respuesta (?:automatica|de ausencia)|auto-? ?respuesta|mensaje automatico", r"fuera de (?:la )?oficina",
    r"\bausente\b|ausencia|de vacaciones|acuse de recibo",
    r"risposta automatica|messaggio automatico|autorisposta", r"fuori (?:ufficio|sede|stanza)", r"assen(?:te|za)\b",
    r"in ferie|conferma di ricezione",
    r"(?:resposta|mensagem) automatica|auto-? ?resposta", r"fora do escritorio",
    r"\bferias\b|confirmacao de recebimento",
    r"autosvar|automatiske?t? svar", r"franvaro|frava?er", r"automaattinen|poissa",
    r"odpowiedz automatyczna|automatyczna odpowiedz|nieobecno", r"poza biurem|na urlopie",
    r"automaticka odpov|nepritomn|mimo kancelar", r"otomatik yanit|ofis disinda", r"automatiska atbilde",
    r"automatin|autovastus", r"automatikus valasz", r"raspuns automat", r"automats?k[iao] odgovor|samodejn[io] odgovor",
    r"αυτόματη απάντηση", r"автоответ|автоматическ(?:ий|ое) (?:ответ|сообщение)|автоматичен отговор",
    r"вне офиса|в отпуске|отсутстви|нет на месте", r"автовідповід|автоматична відповідь|у відпустці",
    r"自動(?:返信|応答|回覆|回复)", r"自动(?:回复|答复)", r"不在|休暇|外出|休假|出差中",
    r"부재|자동 ?(?:응답|회신)|휴가", r"תשובה אוטומטית|מענה אוטומטי", r"رد (?:تلقائي|آلي)",
    r"tra loi tu dong|balasan otomatis",
)  # fmt: skip
#: What a person who is away has a program say.
AWAY = one_of(
    r"(?:i am|i'm|i will be) (?:currently )?"
    r"(?:away|absent|out of (?:the |my )?office|on (?:\w+ )?(?:leave|vacation|holiday))",
    r"this is an auto(?:matic|mated)?(?:ally generated)?[ -](?:reply|response|answer)",
    r"je suis (?:actuellement )?(?:absente?|en (?:conge|vacances|deplacement))",
    r"ich bin .{0,40}?(?:abwesend|im urlaub|nicht (?:im (?:buro|haus)|erreichbar))",
    r"(?:estoy|estare) (?:\w+ )?(?:fuera|ausente|de vacaciones)", r"sono (?:\w+ )?(?:assente|in ferie|fuori)",
    r"(?:estou|estarei) (?:\w+ )?(?:ausente|de ferias|fora)",
    r"ik ben .{0,40}?(?:afwezig|niet aanwezig|op vakantie)",
    r"(?:я|нахожусь) (?:\w+ )?(?:в отпуске|отсутствую)",
    r"(?:不在|休暇)(?:に|中|と|の)|我(?:正在|现在)?(?:休假|出差|外出)",
)  # fmt: skip
