"""Wordings that the rule components look for; marks in other languages are in ``rules_foreign.py``.

Same spelling rules as ``lexicon.py``; an entry with a capital letter matches in that case only, so that ``WHO`` is the
organisation and ``who`` is not.
"""

from __future__ import annotations

from distrust_hub.scoring.rules_foreign import FOREIGN_COORDINATED, FOREIGN_MARKERS

CONSENSUS = """widely accepted, generally accepted, universally accepted, widely agreed, experts agree,
        scientists agree, most experts agree, experts say, according to experts, scientific consensus,
        there is consensus, there is a consensus, broad consensus, established fact, well established,
        mainstream view, mainstream science, overwhelming evidence, overwhelming scientific evidence,
        settled science, the science is settled, studies show, studies have shown, research shows,
        research has shown, research confirms, evidence shows, it is well known that, it is widely known,
        most scientists, experts recommend, leading experts, is considered safe, has been debunked, widely regarded,
        widely recognized, widely recognised, allgemein anerkannt, wissenschaftlicher konsens,
        experten sind sich einig, studien zeigen, studien belegen, il est généralement admis,
        consensus scientifique, les experts s'accordent, des études montrent, les études montrent,
        es ampliamente aceptado, consenso científico, los expertos coinciden, los estudios demuestran,
        è ampiamente accettato, consenso scientifico, gli esperti concordano, gli studi dimostrano"""

NEGATION = """not, no, never, nor, without, hardly, few, don't, doesn't, didn't, cannot, can't, isn't, aren't, wasn't,
        once, formerly, wrongly, supposedly, allegedly, nicht, kein, keine, ne, pas, non, sin, tampoco"""

DOUBT = """doubt, doubts, doubted, deny, denies, denied, dispute, disputes, disputed, myth, claim, claims, claimed,
        pretend, pretends, notion, if, whether, nobody, niemand, personne, nadie, nessuno"""

OTHER_SPEAKERS = """he, she, they, i, we, you, it, who, which, that, was, were, is, critics,
        opponents, sceptics, skeptics, building, buildings, headquarters, tower, library, archive, archives"""

SPOKEN_OF = """what, whatever, nobody, none, neither, whether, if, unless, doubt, doubts, doubted, ignore, ignored,
        niemand, personne, nadie, nessuno"""

INSTITUTIONS = {
    "institution_high": """World Health Organization, World Health Organisation, WHO, Centers for Disease Control,
        Centers for Disease Control and Prevention, CDC, Food and Drug Administration, FDA,
        National Institutes of Health, NIH, National Health Service, NHS,
        National Institute for Health and Care Excellence, EMA, European Commission, European Union, United Nations,
        UNESCO, UNICEF, OECD, IPCC, World Bank, International Monetary Fund, IMF, Federal Reserve,
        Environmental Protection Agency, EPA, Surgeon General, White House, Public Health England, Health Canada,
        Robert Koch Institut, RKI, Weltgesundheitsorganisation, Organisation mondiale de la Santé,
        Organisation mondiale de la santé,
        Organización Mundial de la Salud, OMS, Organizzazione Mondiale della Sanità, Bundesregierung,
        Federal Trade Commission, American Medical Association, American Heart Association, American Cancer Society,
        Mayo Clinic, Cochrane Collaboration, Cochrane Library""",
    "institution_body": """ministry of, ministry, department of health, department of, office of the,
        national institute of, national institute, national agency, national council, federal agency, royal society,
        academy of sciences, academy of, institute of medicine, task force, the agency, the committee, the board,
        the council, the bureau, the commission, the board of governors, our agency, the department,
        the administration, ministerio de, el ministerio, ministère de, le ministère, ministero della, il ministero,
        bundesministerium, das bundesministerium, ministerium, gobierno de, gouvernement, governo italiano,
        l'agence nationale""",
}
INSTITUTIONS["institution_high"] += "".join(
    f", {elided}{name}"
    for name in map(str.strip, INSTITUTIONS["institution_high"].split(","))
    if name[0] in "AEIOU"
    for elided in ("l'", "L'", "d'", "dell'", "all'")
) + "".join(f", {name.strip()}'s" for name in INSTITUTIONS["institution_high"].split(","))

JOURNALS = ", ".join(
    f"{where} {title}"
    for where in ("published in", "reported in", "appeared in", "in the journal", "publié dans", "publicado en")
    for title in (
        *("Nature", "Science", "Cell", "The Lancet", "the Lancet", "JAMA", "BMJ", "The BMJ", "the BMJ", "PLOS ONE"),
        *("The New England Journal of Medicine", "the New England Journal of Medicine"),
        "Proceedings of the National Academy of Sciences",
    )
)
"""The title of a journal alone may be a word like any other."""

SPEAKING = """recommends, recommend, advises, announces, announced, has announced, today announced, guidelines,
        guidance, recommendations, issued, issues guidance, is committed, urges, states that, requires,
        will provide, has issued, says, said, warns, warned, confirmed, reports, reported, provides, offers,
        works with, is responsible, oversees, decided, approved, voted, adopted, released, launched, invites, seeks,
        maintains, published today, released today, is pleased, we recommend, encourages, informs, empfiehlt,
        gibt bekannt, teilt mit, weist darauf hin, recommande, annonce, informe, conseille, recomienda, anuncia,
        informa, aconseja, ha anunciado, ha publicado, raccomanda, comunica, consiglia, teilt, teilte, kündigt,
        kündigte, gab bekannt, hat angekündigt, empfahl, warnt, warnte, erklärte, a annoncé, a recommandé, a indiqué,
        a publié, a déclaré, a précisé, a conseillé, annonça, anunció, recomendó, informó, advirtió, señaló, comunicó,
        ha recomendado, ha informado, ha annunciato, ha raccomandato, ha comunicato, ha pubblicato, ha dichiarato,
        annunciò"""

MARKERS = {
    "first_person_observation": """i observed, i have observed, i found that, i have found, i saw, i noticed,
        i perceived, i measured, i weighed, i counted, i examined, i heard, i felt, i smelt, i tasted, i poured,
        i placed, i filled, i tried the experiment, i was present, with my own eyes, i took up, i dissected,
        i collected, i shot, i walked, i rode, we observed that, we saw, we heard, we anchored, we sailed, we landed,
        we passed, we marched, we camped, we encamped, we crossed, we rode""",
    "personal_memory": """i was born, i remember, i can remember, i recollect, i don't remember, when i was, i used to,
        we used to, my father, my mother, my brother, my sister, my wife, my husband, my uncle, my aunt,
        my grandmother, my grandfather, my old, i never saw, i never knew, i married, i lived, i worked""",
    "instrument_measurement": """thermometer, barometer, hygrometer, galvanometer, by observation, by our observations,
        degrees of fahrenheit, deg fahr, fahr, deg, grains of, ounces of, drams, drachms, inches of mercury,
        inches in diameter, inches long, inches in length, feet in length, feet high, specific gravity, on weighing,
        the needle, latitude observed, lat observed, by account, longitude in, fathoms, variation of the compass,
        bushels, cwt, specimens, a specimen, µl of, ml of, mg of, stirred at, incubated at, for min at""",
    "dated_entry": """this day, this morning we, this morning i, this evening, this forenoon, at daylight,
        at day light, at noon, fore part, latter part, the day before, the 1st, the 2d, the 3d, the 4th, inst, ult,
        entry for, dear diary, my diary, rose at, got up at, went to bed, up betimes, fresh gale, fresh gales,
        light airs, light breeze, fresh breeze, moderate breezes, strong breezes, at anchor, today i, today we,
        worked on, todo, still need to, next steps, note to self, lab notebook""",
    "letter_form": """dear sir, my dear sir, my dear, dear madam, dear mother, dear father, dear brother, dear sister,
        dear friend, your obedient servant, your most obedient, yours truly, yours sincerely, yours faithfully,
        yours affectionately, ever yours, your affectionate, i received your letter, your letter of,
        i have the honor to be, i have the honour to be, believe me""",
    "patent_form": """be it known that, what i claim as my invention, what i claim, what we claim,
        having thus described, letters patent, reference being had to, substantially as described,
        substantially as set forth, substantially as and for, a new and useful, new and useful improvement,
        in testimony whereof, in witness whereof, what is claimed is, according to claim, as claimed in claim,
        as recited in claim, as set forth in claim, as defined in claim, wherein said, comprising the steps of""",
    "sworn_testimony": """deposeth and saith, deposes and says, being duly sworn, duly sworn, on his oath,
        upon his oath, upon oath, the deponent, this deponent, cross examined, sworn statement, do solemnly swear,
        so help me god, the prisoner at the bar""",
    "period_spelling": """hath, doth, thou, thee, thy, thine, hast, shalt, shew, shews, shewn, shewed, connexion,
        to morrow, to night, any body, every body, every thing, any thing, some thing, gaol, waggon, waggons, musquet,
        chuse, publick, musick, compleat, betwixt, hither, thither, whence, thence, wherewith, nay, 'tis, 'twas, tis,
        twas, o'er, ne'er, e'er, tho, thro, altho""",
    "spoken_record": """interviewer, interviewee, tape recorded, recorded interview, inaudible, do you read,
        do you copy, roger that, loud and clear, go ahead, over and out""",
    "archive_mark": """transcribed from the original, from the original manuscript, manuscript copy, holograph,
        autograph letter, signed and sealed, l s, in the hand of, postmarked, postmark, typescript, carbon copy,
        war diary, ship's log, log book, logbook, minute book, field notes, field notebook, lab notebook,
        laboratory notebook, specimen no, accession no""",
}
MARKERS["patent_form"] += "".join(f", of claim {number}" for number in range(1, 31))

COORDINATED_MARKERS = {
    "advice_to_the_public": """talk to your, ask your doctor, tell your doctor, see your doctor, your doctor,
        your health care provider, health care provider, healthcare provider, seek medical, medical attention,
        signs and symptoms, symptoms of, symptoms include, risk factors, side effects, people with, patients should,
        patients with, should be offered, is recommended, are recommended, treatment options, may be prescribed,
        you may need, you should, who should, get vaccinated, if you are pregnant""",
    "reporting_voice": """told reporters, said in a statement, in a statement, according to a, according to officials,
        according to police, according to researchers, according to the report, according to reports, spokesman,
        spokeswoman, spokesperson, officials said, police said, declined to comment, reuters, associated press,
        press conference, news conference, news agency, prime minister, was quoted, reported that, said on monday,
        said on tuesday, said on wednesday, said on thursday, said on friday, on monday, on tuesday, on wednesday,
        on thursday, on friday, on saturday, on sunday""",
    "programme_language": """stakeholders, best practices, best practice, committed to, our mission, initiative,
        initiatives, federal agencies, agencies, public comment, eligible, for more information, learn more,
        fiscal year, press release, for immediate release, media contact, guidelines, compliance, implementation,
        pursuant to, policy makers, policymakers, transparency, accountability, our customers, member states""",
    "encyclopaedic_voice": """also known as, is known for, known for, known as, best known for, is located in,
        located in, refers to, is one of the, one of the most, considered one of, is considered, commonly known,
        named after, is a genus, is a species, population of, was founded, founded in, was established, established in,
        is derived from, was an american, was a british, was a german, was a french, is an american""",
}

SINCE = {
    # year from which a thing can be written of: what a text mentions, it cannot be older than
    1930: """television, antibiotic, antibiotics, penicillin, insulin, plastics, nylon, vitamin, vitamins, radar,
        world war i, second world war, world war ii, nazi, nazis""",
    1950: """computer, computers, software, DNA, united nations, nuclear, NATO, european union, transistor, laser,
        MRI, genome, soviet union, cold war, space shuttle, ultrasound, cholesterol, HIV, AIDS""",
    1985: """internet, website, websites, web site, web page, online, email, emails, e mail, www, http, https, wifi,
        blog, blogs, google, facebook, twitter, youtube, github, smartphone, smartphones, apps, mobile app,
        wikipedia, open source, dataset, datasets, url, html, machine learning, covid, covid 19, september 11,
        podcast""",
}
SINCE_GROUPS = {f"since_{year}": entries for year, entries in SINCE.items()}

RULE_GROUPS: dict[str, str] = {
    "consensus": CONSENSUS,
    **INSTITUTIONS,
    "journal": JOURNALS,
    "speaking": SPEAKING,
    **MARKERS,
    **COORDINATED_MARKERS,
    **SINCE_GROUPS,
}

FOREIGN_GROUPS: dict[str, str] = {
    f"{kind}.{language}": entries
    for table in (FOREIGN_MARKERS, FOREIGN_COORDINATED)
    for language, kinds in table.items()
    for kind, entries in kinds.items()
}
