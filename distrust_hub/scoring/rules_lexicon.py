"""Wordings that the rule components look for, in six languages. Same spelling rules as ``lexicon.py``; an entry with a
capital letter matches in that case only, so that ``WHO`` is the organisation and ``who`` is not.
"""

from __future__ import annotations

CONSENSUS = """widely accepted, generally accepted, universally accepted, widely agreed, experts agree,
        scientists agree, most experts agree, experts say, according to experts, scientific consensus,
        there is consensus, there is a consensus, broad consensus, established fact, well established,
        mainstream view, mainstream science, overwhelming evidence, overwhelming scientific evidence,
        settled science, the science is settled, studies show, studies have shown, research shows,
        research has shown, research confirms, evidence shows, it is well known that, it is widely known,
        most scientists, experts recommend, leading experts, is considered safe, has been debunked,
        widely regarded, widely recognized, widely recognised, allgemein anerkannt, wissenschaftlicher konsens,
        experten sind sich einig, studien zeigen, studien belegen, il est généralement admis,
        consensus scientifique, les experts s'accordent, des études montrent, les études montrent,
        es ampliamente aceptado, consenso científico, los expertos coinciden, los estudios demuestran,
        è ampiamente accettato, consenso scientifico, gli esperti concordano, gli studi dimostrano"""

NEGATION = """do not, does not, did not, don't, doesn't, didn't, not, no, never, cannot, can't, isn't, aren't,
        nor, without, hardly, few, nicht, kein, keine, ne, pas, non, sin, tampoco"""

INSTITUTIONS = {
    "institution_high": """World Health Organization, World Health Organisation, WHO, Centers for Disease Control,
        Centers for Disease Control and Prevention, CDC, Food and Drug Administration, FDA,
        National Institutes of Health, NIH, National Health Service, NHS,
        National Institute for Health and Care Excellence, EMA, European Commission, European Union,
        United Nations, UNESCO, UNICEF, OECD, IPCC, World Bank, International Monetary Fund, IMF, Federal Reserve,
        Environmental Protection Agency, EPA, Surgeon General, White House, Public Health England, Health Canada,
        Robert Koch Institut, RKI, Weltgesundheitsorganisation, Organisation mondiale de la Santé,
        Organización Mundial de la Salud, OMS, Organizzazione Mondiale della Sanità, Bundesregierung,
        Federal Trade Commission, American Medical Association, American Heart Association,
        American Cancer Society, Mayo Clinic, Cochrane""",
    "institution_body": """ministry of, ministry, department of health, department of, office of the,
        national institute of, national institute, national agency, national council, federal agency,
        royal society, academy of sciences, academy of, institute of medicine, task force, the agency,
        the commission, the board of governors, our agency, the department, the administration, ministerio de,
        el ministerio, ministère de, le ministère, ministero della, il ministero, bundesministerium,
        das bundesministerium, ministerium, gobierno de, gouvernement, governo italiano""",
}

SPEAKING = """recommends, recommend, advises, announces, announced, has announced, today announced, guidelines,
        guidance, recommendations, issued, issues guidance, is committed, urges, states that, requires,
        will provide, has issued, published today, released today, is pleased, we recommend, encourages, informs,
        empfiehlt, gibt bekannt, teilt mit, weist darauf hin, recommande, annonce, informe, conseille, recomienda,
        anuncia, informa, aconseja, ha anunciado, ha publicado, raccomanda, comunica, consiglia"""

MARKERS = {
    "first_person_observation": """i observed that, i have observed, i found that, i have found, i saw that,
        i saw the, i noticed that, i perceived that, i measured, i weighed, i counted, i tried the experiment,
        we observed, we measured, i was present, with my own eyes, i remember when, i remember that, i took up,
        i dissected, i collected, ich habe beobachtet, ich beobachtete, ich sah, ich fand, ich habe gesehen,
        j'ai observé, j'ai vu, je vis, j'ai trouvé, nous avons vu, he observado, he visto, yo vi, observé,
        hemos visto, ho osservato, ho visto, vidi, abbiamo visto, observavi, ego vidi, inveni, vidimus,
        observavimus""",
    "instrument_measurement": """the thermometer stood, thermometer stood at, the barometer, barometer stood,
        by the thermometer, by observation, by our observations, degrees of fahrenheit, deg fahr, fahr, grains of,
        ounces of, inches of mercury, inches in diameter, inches long, specific gravity, on weighing, the needle,
        latitude observed, lat observed, by account, longitude in, fathoms water, fathoms of water,
        variation of the compass, the galvanometer, µl of, ml of, mg of, stirred at, incubated at, for min at,
        zoll, linien, grad reaumur, pouces, lignes, pulgadas, leguas, pollici, libbre""",
    "dated_entry": """this day, this morning we, this morning i, this evening, this forenoon, at daylight,
        at day light, at noon, fore part, latter part, the day before, a m, p m, entry for, dear diary, my diary,
        rose at, got up at, went to bed, up betimes, heute morgen, diesen morgen, ce matin, ce soir, esta mañana,
        esta tarde, stamattina, questa mattina, hodie""",
    "letter_form": """dear sir, my dear sir, my dear, dear madam, dear mother, dear father, dear brother,
        dear sister, dear friend, your obedient servant, your most obedient, yours truly, yours sincerely,
        yours faithfully, yours affectionately, ever yours, your affectionate, i received your letter,
        your letter of, i have the honor to be, i have the honour to be, believe me, sehr geehrter herr,
        lieber freund, liebe mutter, ihr ergebenster, mein lieber, monsieur, mon cher, ma chère,
        votre très humble, muy señor mío, querido amigo, estimado señor, su seguro servidor, caro amico,
        carissimo, illustrissimo signore, s v b e e v, vale, salutem dicit""",
    "patent_form": """be it known that, what i claim as my invention, what i claim, what we claim,
        having thus described, letters patent, reference being had to, substantially as described,
        substantially as set forth, substantially as and for, a new and useful, new and useful improvement,
        in testimony whereof, in witness whereof, patentanspruch, patentansprüche, brevet d'invention""",
    "sworn_testimony": """deposeth and saith, deposes and says, being duly sworn, duly sworn, on his oath,
        upon his oath, upon oath, the deponent, this deponent, cross examined, sworn statement, do solemnly swear,
        so help me god, the prisoner at the bar, eidesstattlich, déposé sous serment, bajo juramento,
        sotto giuramento""",
    "spoken_record": """interviewer, interviewee, narrator, q and, tape recorded, recorded interview, inaudible,
        laughter, do you read, do you copy, roger, loud and clear, go ahead, over and out""",
    "archaic_foreign": """seyn, sey, bey, thun, thut, theil, theile, nöthig, itzt, allhier, dieweil, welcherley,
        hierauff, auff, unnd, vnd, vnnd, wol, estoit, avoit, estoient, avoient, étoit, étoient, pouvoit, faisoit,
        esté, mesme, roy, loix, françois, dixo, dexar, fixo, muger, assí, vuestra merced, vuesa merced,
        vuestra majestad, egli è, imperocché, perciocché, dipoi, eziandio, conciosiacosaché, siccome, hora, havea,
        haveva, huomo, quibus, quoque, autem, igitur, ejus, hujus, cujus, quidem, itaque, apud, inter, rerum""",
    "archive_mark": """transcribed from the original, from the original manuscript, manuscript copy, holograph,
        autograph letter, signed and sealed, l s, in the hand of, postmarked, postmark, typescript, carbon copy,
        war diary, ship's log, log book, logbook, minute book, field notes, field notebook, lab notebook,
        laboratory notebook, specimen no, accession no, logbuch, tagebuch, journal de bord, cuaderno de campo""",
}

RULE_GROUPS: dict[str, str] = {"consensus": CONSENSUS, **INSTITUTIONS, "speaking": SPEAKING, **MARKERS}
