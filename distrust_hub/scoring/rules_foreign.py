"""Marks of a kind of source in German, French, Spanish, Italian and Latin, by language and kind.

Spelling rules as in ``lexicon.py``. An entry counts in a text of its own language only: the same letters are an old
word in one and an everyday word in another. Units stand with what makes them a measurement: screens have inches too.
Words that a letter, a post and a report may share (weekdays, "according to", "I have") are left out on purpose.
"""

from __future__ import annotations

FOREIGN_MARKERS: dict[str, dict[str, str]] = {
    "de": {
        "first_person_observation": """ich habe beobachtet, ich beobachtete, ich sah, ich fand, ich habe gesehen, ich
            ging, ich kam, ich stand, ich lag, ich schrieb, ich hörte, ich nahm, ich mußte, wir gingen, wir kamen, wir
            fuhren, wir marschierten, wir lagen, wir standen, wir mußten, wir sahen, wir blieben, marschierten wir,
            kamen wir, fuhren wir, gingen wir, lagen wir, mußten wir, ging ich, schrieb ich""",
        "personal_memory": """ich erinnere mich, mein vater, meine mutter, mein bruder""",
        "instrument_measurement": """thermometer, barometer, zoll lang, zoll hoch, zoll breit, zoll dick, zoll im
            durchmesser, linien lang, grad reaumur, klafter""",
        "dated_entry": """heute morgen, diesen morgen, heute nacht, gestern nacht, heute mittag, um mitternacht, des
            morgens, des abends, gegen mittag, gegen abend, den ganzen tag, die ganze nacht, uhr früh, uhr nachmittags,
            uhr abends, uhr vormittags""",
        "letter_form": """sehr geehrter herr, lieber freund, liebe mutter, ihr ergebenster, mein lieber,
            hochachtungsvoll, gehorsamster diener, mit herzlichen grüßen, meine liebe, liebster freund, liebe eltern,
            lieber vater, lieber bruder, liebe schwester, meine lieben, liebes kind, dein brief, deinen brief, deine
            briefe, euren brief, eure briefe, dein treuer, euer sohn, seid gegrüßt, viele grüße an, behüt euch gott,
            auf ein wiedersehen""",
        "patent_form": """patentanspruch, patentansprüche, nach anspruch, dadurch gekennzeichnet""",
        "sworn_testimony": """eidesstattlich""",
        "archaic_foreign": """seyn, sey, bey, thut, zu thun, theil, theile, nöthig, itzt, allhier, dieweil, welcherley,
            hierauff, auff, unnd, vnd, vnnd, wol, thür, thüre, thiere, thieren, thurme, thürme, nöthige, gethan,
            ~theil, ~theile, ~theils, ~thätigkeit, ~thümer, ~vorräthe, ~vorräthen, daselbst, hierselbst, alldort,
            selbiger, selbige, solchergestalt, se majestät, seiner majestät, königl, kaiserl, hochwohlgeboren, ew
            wohlgeboren""",
        "archive_mark": """logbuch, tagebuch""",
        "period_life": """kompagnie, kompanie, bataillon, regiment, schwadron, schützengraben, feldwebel, leutnant,
            lieutenant, hauptmann, unteroffizier, granaten, lazarett, biwak, einquartiert, quartiere, kutsche,
            postkutsche, gaul, knecht, magd, taler, thaler, gulden, kreuzer, telegramm, telegraph, der kaiser, des
            königs, majestät, feldpost, dampfer, segelschiff, seemeilen, ankerten, kajüte""",
    },
    "fr": {
        "first_person_observation": """j'ai observé, j'ai vu, j'ai trouvé, nous avons vu, j'allai, je vis, je fus, je
            partis, j'arrivai, nous fûmes, nous arrivâmes, nous partîmes, nous allâmes, nous passâmes, nous vîmes, nous
            sommes arrivés, nous sommes partis, nous avons marché, nous avons passé, j'ai reçu, j'ai couché, nous
            couchons, nous marchons""",
        "personal_memory": """je me souviens, mon père, ma mère, mon frère""",
        "instrument_measurement": """thermomètre, baromètre, pouces de long, pouces de haut, pouces de diamètre, lignes
            de mercure, toises""",
        "dated_entry": """ce matin, ce soir, à midi, à minuit, heures du matin, heures du soir, toute la nuit, toute la
            journée, le lendemain matin, dans la nuit""",
        "letter_form": """cher monsieur, monsieur et cher, mon cher, ma chère, votre très humble, votre dévoué, je vous
            embrasse, chers parents, cher père, chère mère, cher frère, chère sœur, ma bien chère, mes chers, ta
            lettre, tes lettres, votre lettre, je t'écris, je vous écris, je t'embrasse, embrasse, mille baisers, ton
            fils, ton mari, votre serviteur, votre fils""",
        "patent_form": """brevet d'invention, selon la revendication, caractérisé en ce que""",
        "sworn_testimony": """déposé sous serment""",
        "archaic_foreign": """estoit, avoit, estoient, avoient, étoit, étoient, pouvoit, faisoit, mesme, loix, enfans,
            habitans, momens, sentimens, longtems, siége, collége, privilége""",
        "archive_mark": """journal de bord""",
        "period_life": """régiment, bataillon, tranchée, tranchées, capitaine, lieutenant, caporal, sergent, obus,
            canons, fusil, cantonnement, bivouac, les boches, poilus, ambulance, cavalerie, infanterie, voiture à
            cheval, diligence, laquais, sa majesté, l'empereur, louis d'or, écus, livres tournois, lieues, navire,
            goélette, matelots, télégramme, dépêche""",
    },
    "es": {
        "first_person_observation": """he observado, he visto, yo vi, observé, hemos visto, llegamos, salimos,
            anduvimos, salí, llegué, estuve, nos hicieron, nos llevaron""",
        "personal_memory": """recuerdo que, me acuerdo, mi padre, mi madre, mi hermano""",
        "instrument_measurement": """termómetro, barómetro, pulgadas de largo, pulgadas de alto, leguas, varas de""",
        "dated_entry": """esta mañana, esta tarde, al amanecer, al anochecer, a mediodía, a medianoche, de la
            madrugada, toda la noche, el día siguiente""",
        "letter_form": """muy señor mío, querido amigo, estimado señor, su seguro servidor, besa la mano, beso las
            manos, querida madre, queridos padres, querido padre, querido hermano, querida hermana, querida esposa, mis
            queridos, apreciable, estimado amigo, recibí su carta, recibí tu carta, su carta, tu carta, reciban,
            abrazos de su hijo, su hijo que, a dios gracias, quedo de usted, afectísimo, memorias a""",
        "patent_form": """según la reivindicación, caracterizado porque""",
        "sworn_testimony": """bajo juramento""",
        "archaic_foreign": """dixo, dexar, fixo, muger, assí, vuestra merced, vuesa merced, vuestra majestad, fué, dió,
            vió, hácia, reyno""",
        "archive_mark": """cuaderno de campo""",
        "period_life": """regimiento, batallón, compañía de, trinchera, trincheras, capitán, sargento, fusil, fusiles,
            cañones, caballería, infantería, mulas, carreta, diligencia, criado, criada, pesetas, maravedís, ducados,
            su majestad, virrey, fragata, bergantín, goleta, navío, marineros, indios, telegrama, telégrafo,
            insurrectos""",
    },
    "it": {
        "first_person_observation": """ho osservato, ho visto, vidi, abbiamo visto, eravamo, andammo, arrivammo,
            partimmo, passammo, vedemmo, fummo, siamo arrivati, siamo partiti, siamo andati, ero stato, ci trovavamo,
            andai, arrivai, partii, dovetti, ci hanno""",
        "personal_memory": """mi ricordo, mio padre, mia madre, mio fratello""",
        "instrument_measurement": """termometro, barometro, pollici di lunghezza, pollici di altezza, libbre""",
        "dated_entry": """stamattina, questa mattina, stanotte, all'alba, a mezzogiorno, a mezzanotte, tutta la notte,
            verso sera""",
        "letter_form": """caro amico, carissimo, illustrissimo signore, suo devotissimo, cara madre, cari genitori,
            caro padre, caro fratello, cara sorella, cara moglie, mia cara, mio caro, carissimi, carissima, la tua
            lettera, la tua cara lettera, la vostra lettera, ricevetti, vi scrivo, ti scrivo, due righe, vostro figlio,
            tuo figlio, saluti a tutti, saluto tutti, grazie a dio, la presente, ottima salute""",
        "patent_form": """secondo la rivendicazione, caratterizzato dal fatto che""",
        "sworn_testimony": """sotto giuramento""",
        "archaic_foreign": """egli è, imperocché, perciocché, dipoi, eziandio, conciosiacosaché, havea, haveva, huomo,
            avea, avean, facea, dovea, potea, parea, sieno, imperocchè, perciocchè, laonde""",
        "period_life": """reggimento, battaglione, trincea, trincee, capitano, tenente, sergente, caporale, fucile,
            cannoni, granate, cavalleria, fanteria, carrozza, servitore, sua maestà, scudi, zecchini, ducati, fiorini,
            bastimento, marinai, telegramma, l'imperatore""",
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
        "advice_to_the_public": """fragen sie ihren arzt, suchen sie einen arzt, symptome, nebenwirkungen, wird
            empfohlen, empfohlen wird, ärztlichen rat, patienten, patientinnen, arzt oder, ärztin, erkrankung,
            erkrankungen, beschwerden, impfung, impfungen, medikamente, arzneimittel, vorbeugen, sie sollten, sollten
            sie""",
        "reporting_voice": """sagte ein sprecher, laut polizei, nach angaben der, teilte die polizei mit, sagte eine
            sprecherin, nachrichtenagentur, pressemitteilung, sprecher, sprecherin, zufolge, mitteilte, teilte mit,
            polizei, staatsanwaltschaft, dpa, afp, reuters, medienberichten, berichtete, betonte, bundestag, millionen
            euro, milliarden euro""",
        "programme_language": """fördermittel, bürgerinnen und bürger, maßnahmen, umsetzung, antragsteller, gemäß,
            bundesregierung, bundesministerium, ministerium, ministerin, bundesminister, staatsminister,
            landesregierung, landkreis, stadtverwaltung, behörde, behörden, antrag, anträge, beantragen,
            antragstellung, förderung, gefördert, fördert, fördern, förderprogramm, zuständig, zuständige, bürger,
            dienstleistungen, weitere informationen, richtlinie, verordnung, formular, gebühr, gebühren, nachhaltig,
            nachhaltige, digitalisierung, einrichtungen, kunden, engagement, europäischen union""",
        "encyclopaedic_voice": """bezeichnet, ist eine gattung, befindet sich, wurde gegründet, bekannt als, bekannt
            für, gehört zu den, einwohner, wurde geboren, geboren in, zählt zu, jahrhundert, jahrhunderts, gattung,
            gilt als, politiker, deutscher, österreichischer, schweizer""",
    },
    "fr": {
        "advice_to_the_public": """consultez votre médecin, symptômes, effets indésirables, il est recommandé, votre
            médecin, patients, patient, maladie, maladies, médicament, médicaments, vaccin, vaccination, dépistage,
            professionnel de santé, votre santé, prévention""",
        "reporting_voice": """selon un porte parole, a déclaré, a annoncé, selon la police, selon les autorités,
            communiqué de presse, a affirmé, a indiqué, a expliqué, ont annoncé, afp, la police, le parquet, premier
            ministre, ce lundi, ce mardi, ce mercredi, ce jeudi, ce vendredi, millions d'euros, milliards d'euros, pour
            cent, porte parole, le ministre, la ministre""",
        "programme_language": """parties prenantes, mise en œuvre, conformément à, politique publique, demandeurs,
            ministère, préfecture, mairie, collectivités, service public, service en ligne, usagers, démarche,
            démarches, formulaire, formulaires, justificatif, justificatifs, délai, délais, vous devez, vous pouvez,
            bénéficier, dispositif, subvention, financement, partenaires, citoyens, union européenne, cerfa""",
        "encyclopaedic_voice": """est une commune, est situé, est située, connu sous le nom, connue sous le nom, fondé
            en, fondée en, fait partie, habitants, né en, né le, née le, se situe, superficie, fait partie de la
            famille, homme politique, créé en, créée en""",
    },
    "es": {
        "advice_to_the_public": """consulte a su médico, síntomas, efectos secundarios, se recomienda, su médico,
            pacientes, paciente, enfermedad, enfermedades, medicamento, medicamentos, vacuna, vacunación, profesional
            de la salud, si usted, consulte""",
        "reporting_voice": """según un portavoz, según la policía, según las autoridades, portavoz, rueda de prensa,
            informó, aseguró, declaró, efe, la policía, la fiscalía, primer ministro, este lunes, este martes, este
            miércoles, este jueves, este viernes, por ciento, millones de euros, millones de dólares, el ministro, la
            ministra""",
        "programme_language": """partes interesadas, puesta en marcha, de conformidad con, solicitantes, ciudadanía,
            ministerio, ayuntamiento, consejería, administración, trámite, trámites, solicitud, solicitudes, solicitar,
            formulario, requisitos, ayudas, subvención, subvenciones, usuarios, ciudadanos, desarrollo sostenible,
            financiación, unión europea, convocatoria""",
        "encyclopaedic_voice": """se encuentra en, ubicado en, ubicada en, conocido como, conocida como, fue fundada,
            fue fundado, habitantes, nació en, municipio, superficie, estadounidense, forma parte, fundada en, fundado
            en""",
    },
    "it": {
        "advice_to_the_public": """consultate il medico, sintomi, effetti collaterali, si raccomanda, il medico
            curante, pazienti, paziente, malattia, malattie, farmaco, farmaci, vaccino, vaccinazione""",
        "reporting_voice": """secondo un portavoce, secondo la polizia, ha dichiarato, conferenza stampa, comunicato
            stampa, ha affermato, ha aggiunto, dichiara, afferma, sottolinea, ansa, la polizia, i carabinieri, la
            procura, presidente del consiglio, per cento, milioni di euro, miliardi di euro, il ministro,
            casi positivi""",
        "programme_language": """portatori di interesse, attuazione, ai sensi, richiedenti, ministero, regione, giunta,
            assessore, assessorato, provincia, comune di, comuni, amministrazione, deliberazione, delibera, bando,
            bandi, finanziamento, cittadini, unione europea""",
        "encyclopaedic_voice": """si trova, situato, situata, conosciuto come, conosciuta come, fondata nel, abitanti,
            nacque a, viene chiamato, comune italiano, statunitense, fondato nel""",
    },
}
