"""The articles of the letters that the benches send: invented, as long as such articles' summaries are."""

from collections.abc import Mapping
from types import MappingProxyType

#: By language: source, title, summary.
ARTICLES: Mapping[str, tuple[tuple[str, str, str], ...]] = MappingProxyType(
    {
        "fr": (
            (
                "Le Fil des réseaux",
                "Un deuxième câble sous-marin endommagé en dix jours dans le golfe",
                "L’opérateur parle d’une ancre traînée sur deux milles, les garde-côtes n’excluent rien. Le trafic a "
                "été dérouté par la terre en moins de quatre minutes ; les banques de l’archipel ont tout de même "
                "suspendu leurs virements pendant une heure. Un navire réparateur est attendu jeudi.",
            ),
            (
                "Le Fil des réseaux",
                "Le registre national des noms de domaine change de mains, et de pays",
                "La vente, conclue sans appel d’offres, place trois millions de noms sous le droit d’un État tiers. "
                "Le régulateur assure que les clefs de signature resteront dans la capitale. Deux anciens "
                "administrateurs demandent au juge des référés de suspendre le transfert.",
            ),
            (
                "Le Fil des réseaux",
                "Routage : une annonce erronée fait passer un ministère par l’étranger",
                "Pendant quarante minutes, les courriels d’un ministère ont traversé un réseau qui n’avait aucune "
                "raison de les voir. Rien n’indique une intention ; l’erreur montre surtout que la moitié des "
                "préfixes de l’administration ne sont toujours pas signés.",
            ),
            (
                "La Revue des frontières",
                "Espionnage : le groupe « Belladone » visait les cabinets d’avocats",
                "Plutôt que d’attaquer les négociateurs, les assaillants lisaient le courrier de leurs conseils. "
                "L’enquête, menée par quatre pays, décrit deux ans de présence patiente et un seul faux pas : un "
                "certificat renouvelé le jour férié d’une capitale bien précise.",
            ),
            (
                "La Revue des frontières",
                "Sanctions : les intermédiaires des marchands de failles sur la liste",
                "Pour la première fois, ce ne sont pas les auteurs des logiciels espions qui sont visés, mais les "
                "courtiers qui leur achètent les failles. Sept sociétés et onze personnes voient leurs avoirs gelés "
                "; plusieurs d’entre elles ont déjà changé de nom.",
            ),
            (
                "La Revue des frontières",
                "Le Parlement veut savoir qui a écrit les amendements sur le chiffrement",
                "Trois amendements, déposés à la même minute par des groupes opposés, comportaient la même faute de "
                "frappe. La commission d’enquête entendra les représentants d’intérêts, à huis clos, avant la fin du "
                "mois. Le vote sur le texte est repoussé au printemps.",
            ),
            (
                "L’Observatoire du nuage",
                "Nuage de confiance : l’audit qui embarrasse les deux capitales",
                "Les administrateurs habilités étaient bien européens ; leurs postes de travail, eux, étaient gérés "
                "depuis un autre continent. Le rapport, que nous avons lu, recommande de suspendre trois certificats "
                "et d’en assortir cinq de conditions.",
            ),
            (
                "L’Observatoire du nuage",
                "Une province entière privée d’état civil après une mise à jour",
                "Ni rançon ni intrus : un correctif appliqué le vendredi soir a rendu illisible la sauvegarde comme "
                "l’original. Les mairies écrivent à la main depuis lundi. Le prestataire invoque une clause qui "
                "limite sa responsabilité à un mois de loyer.",
            ),
            (
                "L’Observatoire du nuage",
                "Centres de données : l’eau devient une affaire d’État",
                "Le préfet a fixé un plafond, le voisin l’a doublé le lendemain pour attirer le projet. Derrière la "
                "rivalité de deux vallées, la question de savoir qui décide de l’implantation des serveurs dont "
                "dépendent les hôpitaux.",
            ),
            (
                "La Dépêche des détroits",
                "Brouillage GPS : les pêcheurs reprennent le sextant",
                "Depuis l’automne, les positions affichées dérivent de douze milles au large du cap. La marine ne "
                "commente pas. L’école maritime a rouvert son cours d’astronomie, et l’assureur des armateurs exige "
                "désormais deux moyens de navigation indépendants.",
            ),
            (
                "La Dépêche des détroits",
                "Élections : ce que les faux sondages disent de leurs auteurs",
                "Les instituts n’existaient pas, les chiffres si : ils provenaient d’une étude commandée deux ans "
                "plus tôt par un tout autre client. Des chercheurs ont remonté la piste par les fautes d’arrondi, "
                "que nul n’avait songé à corriger.",
            ),
            (
                "La Dépêche des détroits",
                "Semi-conducteurs : la licence que personne ne veut signer",
                "L’exportateur attend, l’acheteur menace, le ministère se tait. La machine est prête depuis six mois "
                "dans un hangar chauffé à vingt et un degrés. Récit d’une décision que chaque service renvoie au "
                "suivant, et qui coûte un million par semaine.",
            ),
        ),
        "en": (
            (
                "The Wire Room",
                "Second undersea cable damaged within ten days in the gulf",
                "The operator speaks of an anchor dragged for two miles; the coast guard rules nothing out. Traffic "
                "was moved to land routes in under four minutes, yet the islands’ banks suspended transfers for an "
                "hour. A repair ship is due on Thursday, weather permitting.",
            ),
            (
                "The Wire Room",
                "The national domain registry changes hands, and countries",
                "The sale, made without a tender, puts three million names under another state’s law. The regulator "
                "insists that the signing keys will stay in the capital. Two former directors have asked a court to "
                "suspend the transfer before the end of the quarter.",
            ),
            (
                "The Wire Room",
                "Routing: a mistaken announcement sends a ministry abroad",
                "For forty minutes a ministry’s mail crossed a network that had no business seeing it. Nothing "
                "points to intent. What the error shows is that half of the administration’s prefixes are still not "
                "signed, five years after the circular that required it.",
            ),
            (
                "Borderlines Review",
                "Espionage: the “Belladonna” group went after law firms",
                "Rather than attack the negotiators, the intruders read their counsels’ mail. The inquiry, led by "
                "four countries, describes two years of patient presence and one false step: a certificate renewed "
                "on the public holiday of one particular capital.",
            ),
            (
                "Borderlines Review",
                "Sanctions: the brokers who buy for spyware makers are listed",
                "For the first time the measures aim not at those who write spyware but at the brokers who buy them "
                "their vulnerabilities. Seven companies and eleven people find their assets frozen; several have "
                "already changed their names, one of them twice.",
            ),
            (
                "Borderlines Review",
                "Parliament asks who wrote the amendments on encryption",
                "Three amendments, tabled within the same minute by opposing groups, had the same misprint. The "
                "committee of inquiry will hear the lobbyists behind closed doors before the month is out. The vote "
                "on the bill is put off until spring.",
            ),
            (
                "Cloud Observatory",
                "Trusted cloud: the audit that embarrasses two capitals",
                "The cleared administrators were indeed European; their workstations were managed from another "
                "continent. The report, which we have read, recommends suspending three certificates and attaching "
                "conditions to five more.",
            ),
            (
                "Cloud Observatory",
                "A whole province without civil records after an update",
                "No ransom and no intruder: a patch applied on a Friday night made the backup as unreadable as the "
                "original. Town halls have been writing by hand since Monday. The contractor points to a clause that "
                "limits its liability to one month’s rent.",
            ),
            (
                "Cloud Observatory",
                "Data centres: water becomes an affair of state",
                "The prefect set a ceiling; the neighbour doubled it the next day to attract the project. Behind the "
                "rivalry of two valleys lies the question of who decides where the servers stand on which hospitals "
                "depend.",
            ),
            (
                "The Straits Dispatch",
                "GPS jamming: fishermen take up the sextant again",
                "Since autumn the positions on display have drifted twelve miles off the cape. The navy does not "
                "comment. The maritime school has reopened its course in astronomy, and the owners’ insurer now asks "
                "for two independent means of navigation.",
            ),
            (
                "The Straits Dispatch",
                "Elections: what fake polls say about those who made them",
                "The institutes did not exist, but the figures did: they came from a study that quite another client "
                "had ordered two years before. Researchers followed the trail by its rounding errors, which nobody "
                "had thought of correcting.",
            ),
            (
                "The Straits Dispatch",
                "Semiconductors: the licence that nobody wants to sign",
                "The exporter waits, the buyer threatens, the ministry is silent. The machine has been ready for six "
                "months in a shed heated to twenty-one degrees. The story of a decision that each department passes "
                "to the next, at a million a week.",
            ),
        ),
    }
)
