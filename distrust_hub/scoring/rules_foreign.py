"""Marks of a kind of source in German, French, Spanish, Italian and Latin, by language and kind.

Spelling rules as in ``lexicon.py``. An entry counts in a text of its own language only: the same letters are an old
word in one and an everyday word in another. Units stand with what makes them a measurement: screens have inches too.
"""

from __future__ import annotations

FOREIGN_MARKERS: dict[str, dict[str, str]] = {
    "de": {
        "first_person_observation": """ich habe beobachtet, ich beobachtete, ich sah, ich fand, ich habe gesehen""",
        "personal_memory": """ich erinnere mich, mein vater, meine mutter, mein bruder""",
        "instrument_measurement": """thermometer, barometer, zoll lang, zoll hoch, zoll breit, zoll dick,
            zoll im durchmesser, linien lang, grad reaumur, klafter""",
        "dated_entry": """heute morgen, diesen morgen""",
        "letter_form": """sehr geehrter herr, lieber freund, liebe mutter, ihr ergebenster, mein lieber,
            hochachtungsvoll, gehorsamster diener, mit herzlichen grüßen, meine liebe, liebster freund""",
        "patent_form": """patentanspruch, patentansprüche, nach anspruch, dadurch gekennzeichnet""",
        "sworn_testimony": """eidesstattlich""",
        "archaic_foreign": """seyn, sey, bey, thut, zu thun, theil, theile, nöthig, itzt, allhier, dieweil, welcherley,
            hierauff, auff, unnd, vnd, vnnd, wol, thür, thüre, thiere, thieren, thurme, thürme, nöthige, gethan,
            ~theil, ~theile, ~theils, ~thätigkeit, ~thümer, ~vorräthe, ~vorräthen, daselbst, hierselbst, alldort,
            selbiger, selbige, solchergestalt, se majestät, seiner majestät, königl, kaiserl, hochwohlgeboren,
            ew wohlgeboren""",
        "archive_mark": """logbuch, tagebuch""",
    },
    "fr": {
        "first_person_observation": """j'ai observé, j'ai vu, j'ai trouvé, nous avons vu""",
        "personal_memory": """je me souviens, mon père, ma mère, mon frère""",
        "instrument_measurement": """thermomètre, baromètre, pouces de long, pouces de haut, pouces de diamètre,
            lignes de mercure, toises""",
        "dated_entry": """ce matin, ce soir""",
        "letter_form": """cher monsieur, monsieur et cher, mon cher, ma chère, votre très humble, votre dévoué,
            je vous embrasse""",
        "patent_form": """brevet d'invention, selon la revendication, caractérisé en ce que""",
        "sworn_testimony": """déposé sous serment""",
        "archaic_foreign": """estoit, avoit, estoient, avoient, étoit, étoient, pouvoit, faisoit, mesme, loix, enfans,
            habitans, momens, sentimens, longtems, siége, collége, privilége""",
        "archive_mark": """journal de bord""",
    },
    "es": {
        "first_person_observation": """he observado, he visto, yo vi, observé, hemos visto""",
        "personal_memory": """recuerdo que, me acuerdo, mi padre, mi madre, mi hermano""",
        "instrument_measurement": """termómetro, barómetro, pulgadas de largo, pulgadas de alto, leguas, varas de""",
        "dated_entry": """esta mañana, esta tarde""",
        "letter_form": """muy señor mío, querido amigo, estimado señor, su seguro servidor, besa la mano,
            beso las manos, querida madre""",
        "patent_form": """según la reivindicación, caracterizado porque""",
        "sworn_testimony": """bajo juramento""",
        "archaic_foreign": """dixo, dexar, fixo, muger, assí, vuestra merced, vuesa merced, vuestra majestad, fué, dió,
            vió, hácia, reyno""",
        "archive_mark": """cuaderno de campo""",
    },
    "it": {
        "first_person_observation": """ho osservato, ho visto, vidi, abbiamo visto""",
        "personal_memory": """mi ricordo, mio padre, mia madre, mio fratello""",
        "instrument_measurement": """termometro, barometro, pollici di lunghezza, pollici di altezza, libbre""",
        "dated_entry": """stamattina, questa mattina""",
        "letter_form": """caro amico, carissimo, illustrissimo signore, suo devotissimo, cara madre""",
        "patent_form": """secondo la rivendicazione, caratterizzato dal fatto che""",
        "sworn_testimony": """sotto giuramento""",
        "archaic_foreign": """egli è, imperocché, perciocché, dipoi, eziandio, conciosiacosaché, havea, haveva, huomo,
            avea, avean, facea, dovea, potea, parea, sieno, imperocchè, perciocchè, laonde""",
    },
    "la": {
        "first_person_observation": """observavi, ego vidi, vidi, inveni, vidimus, observavimus""",
        "dated_entry": """hodie""",
        "letter_form": """s v b e e v, salutem dicit""",
        "archaic_foreign": """quibus, quoque, autem, igitur, ejus, hujus, cujus, quidem, itaque, apud, rerum""",
    },
}

FOREIGN_COORDINATED: dict[str, dict[str, str]] = {
    "de": {
        "advice_to_the_public": """fragen sie ihren arzt, suchen sie einen arzt, symptome, nebenwirkungen,
            wird empfohlen, empfohlen wird, ärztlichen rat""",
        "reporting_voice": """sagte ein sprecher, laut polizei, nach angaben der, teilte die polizei mit,
            sagte eine sprecherin, nachrichtenagentur, pressemitteilung""",
        "programme_language": """fördermittel, bürgerinnen und bürger, maßnahmen, umsetzung, antragsteller, gemäß""",
        "encyclopaedic_voice": """bezeichnet, ist eine gattung, befindet sich, wurde gegründet, bekannt als,
            bekannt für, gehört zu den, einwohner""",
    },
    "fr": {
        "advice_to_the_public": """consultez votre médecin, symptômes, effets indésirables, il est recommandé,
            votre médecin""",
        "reporting_voice": """selon un porte parole, a déclaré, a annoncé, selon la police, selon les autorités,
            communiqué de presse""",
        "programme_language": """parties prenantes, mise en œuvre, conformément à, politique publique, demandeurs""",
        "encyclopaedic_voice": """est une commune, est situé, est située, connu sous le nom, connue sous le nom,
            fondé en, fondée en, fait partie, habitants""",
    },
    "es": {
        "advice_to_the_public": """consulte a su médico, síntomas, efectos secundarios, se recomienda, su médico""",
        "reporting_voice": """según un portavoz, según la policía, según las autoridades, portavoz, rueda de prensa""",
        "programme_language": """partes interesadas, puesta en marcha, de conformidad con, solicitantes, ciudadanía""",
        "encyclopaedic_voice": """se encuentra en, ubicado en, ubicada en, conocido como, conocida como, fue fundada,
            fue fundado, habitantes""",
    },
    "it": {
        "advice_to_the_public": """consultate il medico, sintomi, effetti collaterali, si raccomanda,
            il medico curante""",
        "reporting_voice": """secondo un portavoce, secondo la polizia, ha dichiarato, conferenza stampa,
            comunicato stampa""",
        "programme_language": """portatori di interesse, attuazione, ai sensi, richiedenti""",
        "encyclopaedic_voice": """si trova, situato, situata, conosciuto come, conosciuta come, fondata nel,
            abitanti""",
    },
}
