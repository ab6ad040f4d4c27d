"""Words for mailboxes that are not there, in the languages of mail servers: data for `phrases`.

All are patterns for text without accents (`patterns.plain_words_of`).
"""

from app.mail.reports.patterns import any_of

#: Words for a mailbox or its owner, whole.
_USER = any_of(
    r"user ?(?:name|id)?", r"rcpt", r"(?:e-?)?mail ?-?box(?:es)?", r"recipients?(?: name)?", r"e-?mail",
    r"address(?:es)?", r"addressee", r"account", r"alias", r"destinataires?", r"adresses?", r"utilisateur",
    r"boite(?: aux lettres)?", r"compte", r"empf(?:a|ae)nger", r"(?:be)?nutzer", r"postfach", r"konto", r"usuario",
    r"destinatario", r"buzon", r"direccion", r"cuenta", r"casilla", r"utente", r"casella", r"indirizzo",
    r"utilizador", r"endereco", r"caixa", r"conta", r"gebruiker", r"adres", r"e-?mailadres", r"ontvanger", r"postvak",
    r"mottagare", r"modtager", r"mottaker", r"anvandare", r"bruger", r"bruker", r"adressen?", r"kayttaja",
    r"vastaanottaja", r"osoite", r"kullanici", r"alici", r"hesap",
)  # fmt: skip
#: The same as stems, in languages with many endings.
_USER_STEM = any_of(
    r"uzytkownik", r"adresat", r"odbiorc", r"skrzynk", r"uzivatel", r"prijemc", r"schrank", r"cimzett",
    r"felhasznalo", r"postafiok", r"destinatar", r"utilizator", r"пользовател", r"адресат", r"получател", r"ящик",
    r"адрес", r"одержувач", r"отримувач", r"користувач", r"скриньк", r"παραλήπτ", r"χρήστ", r"διεύθυνσ",
)  # fmt: skip
#: Words for "there is none", behind it.
_NOT_THERE = any_of(
    r"\bunknown\b(?! domain| host| error| reason)", r"(?:not|no) (?:be )?(?:found|known|listed)", r"not present",
    r"(?:does|do|did|has|can|could|was|is)(?: ?n.?t| not) (?:appear to )?"
    r"(?:exist|be (?:found|located)|found|have an? (?:acc|mail-?box))",
    r"no longer (?:exist|available|valid|active|in use|on (?:the |this )?server|used|with us|accepts? mail)",
    r"(?<!may )(?<!might )\bno(?:n.|t |n)?exist", r"isn.t (?:a |listed|found|valid)",
    r"is not (?:an? )?(?:valid|known|recogni[sz]ed|registered|member)", r"not a valid", r"(?:is )?invalid\b",
    r"not in (?:my|our|the) (?:\w+ )?list", r"not local", r"missing home directory",
    r"inconnue?s?\b", r"n.existe(?:nt)? (?:pas|plus)", r"inexistante?", r"introuvable",
    r"non (?:recense|trouve|valide)",
    r"n.est (?:pas|plus) (?:reconnu|valide|valable|connu|repertorie|utilise|en service|attribue)",
    r"n.a (?:pas )?(?:ete|pu etre) (?:re)?trouve", r"\binvalide",
    r"unbekannt", r"existiert nicht", r"gibt es nicht", r"(?:un|nicht (?:mehr )?)g(?:u|ue)ltig",
    r"nicht (?:mehr )?(?:gefunden|vorhanden|bekannt|aufgef(?:u|ue)hrt|verzeichnet|erkannt)",
    r"(?:steht|wurde|konnte|ist) nicht im?\b", r"nicht im? [\w-]+ (?:aufgef|eingetragen|gefunden|verzeichnet)",
    r"no (?:existe|es valid|(?:fue|ha sido) encontrad|se (?:ha )?encontr)", r"desconocid", r"inexistente",
    r"\binvalid[oa]",
    r"inesistente", r"sconosciut", r"non (?:esiste|(?:e )?(?:stat[oa] )?(?:trovat|valid))",
    r"nao (?:existe|(?:foi |pode ser )?(?:encontrad|localizad))", r"desconhecid",
    r"onbekend", r"bestaat niet", r"niet (?:\w+ )?gevonden", r"ongeldig",
    r"okand", r"(?:finns|hittades|existerar) inte", r"ukendt|ukjent", r"(?:findes|finnes|eksisterer) ikke",
    r"ikke (?:fundet|funnet)", r"tuntematon", r"ei (?:loydy|loytynyt|ole olemassa)",
    r"bulunamadi|gecersiz|mevcut degil",
)  # fmt: skip
_STEM_NOT_THERE = any_of(
    r"nieznan", r"nie (?:istnieje|(?:zosta\w+ )?(?:od|z)nalezion)", r"neznam", r"neexistuje",
    r"(?:nebyl\w* |ne)nalezen",
    r"ismeretlen", r"nem (?:letezik|talalhato)", r"necunoscut", r"nu (?:exista|a fost gasit)",
    r"не (?:существу|найден|зарегистрирован|обнаружен)", r"неизвест", r"недействит", r"отсутству",
    r"не (?:існує|знайден)", r"невідом", r"δεν (?:υπάρχει|βρέθηκε)", r"άγνωστ",
)  # fmt: skip
#: Both, so near that they belong together; a sender or a domain between them is another matter.
NOT_THERE_BEHIND = (
    rf"\b{_USER}\b(?:(?!\b(?:domain|host|sender|server)\b).){{0,60}}?{_NOT_THERE}",
    rf"\b{_USER_STEM}\w*.{{0,50}}?{_STEM_NOT_THERE}",
)
#: "There is none" before a word for a mailbox, or without one.
NOT_THERE_BEFORE = (
    r"(?:unknown|no such|invalid|non.?existent|bad|unrecogni[sz]ed|illegal|not (?:an?|our) (?:valid |known |active )?|"
    r"no) ?(?:or \w+ )?(?:e-?mail |local |smtp |to |destination |rcpt |final delivery |virtual )?"
    rf"(?:{_USER}|person|customer|subscriber)\b",
    r"(?:mail-?box|account|user|name|nobody|one) (?:is )?(?:here )?by th(?:at|is) name", r"unknown local.?part",
    r"(?:no|non).?(?:one|body) (?:at|with|by) (?:this|that) (?:address|name)",
    r"doesn.?t have an? [\w.]+ account", r"does not have an account", r"badrcptto", r"bad(?: )?recipientto list",
    r"not known at this", r"not listed in (?:public|domino|the) [\w ]{0,30}(?:directory|book)", r"name not found: ",
    r"unrout(?:e)?able address", r"no valid recipients?", r"that.s not a valid user", r"recip(?:ient)?notfound",
    r"address no longer accepts mail", r"not present in (?:the )?directory", r"no .{1,40} in name directory",
    r"(?:wasn.t|was not) found (?:at|in the) ",
    r"aucun[e]? (?:destinataire|utilisateur|compte|boite|adresse)s? (?:de ce nom|valide|correspondant|a ce nom)",
    r"impossible de (?:re)?(?:trouver|localiser) (?:l.|le |la |cet? )(?:adresse|destinataire|utilisateur|boite|compte)",
    r"(?:unbekannter|kein solcher|ung(?:u|ue)ltiger) (?:benutzer|empf(?:a|ae)nger|nutzer)",
    r"kein(?:en?)? (?:benutzer|empf(?:a|ae)nger|postfach|konto)[^.]{0,30}(?:namen|gefunden|vorhanden)",
    r"no (?:se (?:ha )?(?:encontr\w+|pudo encontrar|podido encontrar)|existe) (?:(?:la|el|al?|es[ae]|est[ae]|dicha?) )?"
    r"(?:direccion|usuario|destinatario|buzon|cuenta|persona)",
    r"impossibile trovare (?:l.|il |la )?(?:indirizzo|utente|destinatario|casella)",
    r"nessuno? (?:utente|destinatario|account)",
    r"nao (?:foi possivel|conseguimos) (?:localizar|encontrar) (?:o |a )?(?:endereco|destinatario|usuario|conta)",
    r"onbekende? (?:gebruiker|adres|ontvanger)", r"okand (?:mottagare|anvandare|adress)",
    r"uk(?:en|jen)dt (?:modtager|bruger|mottaker|bruker|adress)", r"tuntematon (?:vastaanottaja|kayttaja|osoite)",
    r"(?:bilinmeyen|boyle bir) (?:kullanici|alici|adres)", r"nieznany (?:uzytkownik|adresat|odbiorca)",
    r"nie ma takie\w+ (?:uzytkownik|adres|kont|skrzynk)",
    r"neznamy (?:uzivatel|prijemce)", r"ismeretlen (?:cimzett|felhasznalo)",
    r"(?:нет|неизвестн\w+|несуществующ\w+) (?:так\w+ )?(?:пользовател|адресат|получател|почтов\w+ ящик|ящик)",
    r"так\w+ (?:пользовател|адрес|ящик|почтов)\w*(?: ящик\w*)? (?:нет|не)",
)  # fmt: skip
#: The same in writings without spaces.
NOT_THERE_UNSPACED = (
    r"(?:宛先|あて先|アドレス|受信者|ユーザー?|アカウント|メールボックス|ディレクトリ)[^。]{0,30}?"
    r"(?:不明|無効|誤り|見つか(?:りません|らない|らなかった)|存在(?:しません|しない)|ありません)",
    r"該当(?:する)?(?:ユーザー?|アドレス|宛先)[^。]{0,10}(?:ありません|いません|存在しません)",
    r"(?:用户|用戶|使用者|收件[人者]|[邮郵信]箱|[帐帳账賬][户戶号號]|地址)[^。]{0,12}?(?:不存在|不正确|无效|無效|未找到|错误|錯誤)",
    r"(?:查[无無]此|[无無]此|没有[这此]个?|沒有這?此?個?|找不到(?:[该該此])?)(?:人|用[户戶]|使用者|收件[人者]|[邮郵信]箱|[帐帳账賬][户戶号號])",
    r"不存在的?(?:用[户戶]|收件[人者]|[邮郵信]箱|[帐帳账賬][户戶号號])",
    r"(?:수신자|받는 사람|사용자|계정|주소|메일함)[^.]{0,25}(?:존재하지|없습니다|없는|찾을 수 없|알 수 없)",
    r"(?:존재하지 않는|알 수 없는) (?:사용자|수신자|계정|주소|이메일)",
)  # fmt: skip
