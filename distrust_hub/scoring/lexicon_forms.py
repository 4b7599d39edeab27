"""Word groups that mark a form of writing: grammar of a voice, and the furniture of papers, lessons, posts and notices.

Spelling rules as in ``lexicon.py``. An entry with a capital letter matches in that case only, so ``Measured`` is the
opening of an entry that leaves out its subject.
"""

from __future__ import annotations

GRAMMAR = {
    "first_singular": """i, me, my, mine, myself, i'm, i've, i'd, i'll""",
    "first_plural": """we, our, =us, ours, ourselves, we're, we've, we'll""",
    "advice": """you should, should be, should not, should also, you may, you need to, you must, make sure,
        be sure to, ensure that, check with, ask your, talk to your, it is important to, are recommended,
        is recommended, if you have, if you are, do not, can help, may help, may be able to, how to, learn how,
        find out, tips for, steps to, you want to, must be, must not, at least, people who, those who, anyone who,
        everyone, people with""",
    "entry_openings": """Ran, Tried, Started, Finished, Met with, Working on, Running, Checked, Fixed, Added, Wrote,
        Sent, Emailed, Talked, Discussed, Read, Reading, Looked, Looking, Made, Took, Went, Got, Saw, Spent, Began,
        Continued, Continuing, Set up, Tested, Testing, Updated, Repeated, Measured, Weighed, Prepared, Left,
        Arrived, Passed, Sailed, Anchored, Steered, Sounded, Sighted, Observed, Found, Received, Returned,
        Collected, Noted, Note to self, Need to, Should try, Still, Seems, Seem, Looks like, Probably, Not sure,
        Trying, Wrapped up, Moved, Replaced, Removed, Put, Paid, Bought, Called, Visited, Walked, Rose, Dined,
        Attended, Fine weather, Calm, Cloudy, Rained, Wind""",
}

FORMS = {
    "paper_form": """Abstract, Introduction, Methods, Results, Discussion, Conclusions, Conclusion, Background,
        Objective, Objectives, Keywords, Findings, Fig, Figs, Figure, Table, Supplementary, et al, n, p,
        standard deviation, standard error, median, mean, confidence interval, randomised, randomized, replicates,
        replicate, least squares, control group, controls, regression, baseline, held out, null model,
        statistically, p value, sample size, we hypothesised, we hypothesized, we asked whether, was measured,
        were measured, was observed, were observed, were collected, were analysed, were analyzed, we measured,
        we recorded, we report, we estimated, further work, future work, limitations, consistent with, preprint,
        peer review, reviewers, corresponding author""",
    "lesson_form": """Exercise, Exercises, Example, Worked example, Definition, Theorem, Lemma, Proof, Hint,
        Solution, Summary, Problem, Problems, Review questions, Key terms, Chapter, Lesson, Unit, Try it, Suppose,
        Recall, Notice, Note, Let, Find the, Show that, Learning objectives, in this chapter, in this lesson,
        in this section, we call this, is called, are called, called the, defined as, denoted by, it follows that,
        why does, true or false, which of the following, fill in, glossary""",
    "press_form": """for immediate release, press release, media contact, media contacts, press office,
        notes to editors, note to editors, ticker, nasdaq, nyse, chief executive officer, chief executive, ceo,
        chief medical officer, chairman, vice president, managing director, sales director, spokesperson,
        announced today, today announced, today unveiled, unveiled, is pleased to announce, proud to, pleased to,
        delighted, excited to announce, leading provider, a leading, world leading, milestone, launch, launches,
        launched, the company, company, customers, our customers, investors, shareholders, quarter, revenue,
        partnership with, forward looking statements, about us, headquartered, commented, said in a statement""",
    "forum_form": """thread, posting this, post, posts, posted, update, edit, btw, imo, imho, lol, fwiw, ymmv,
        tl dr, thanks in advance, does anyone, has anyone, anyone else, any ideas, anyone know, hi all, hey, guys,
        reply, replies, upvote, my setup, my blog, this blog, last week, last weekend, the other day, this weekend,
        yesterday, don't ask, i finally, honestly, basically, apparently, weird, annoying, stupid, gorgeous,
        terrible, ended up, turned out, figured, no idea, guess, anyway, okay, ok, haha, ugh""",
    "address_form": """good afternoon, good evening, good morning, ladies and gentlemen, thank you for,
        thank you all, friends, colleagues, graduates, distinguished guests, honoured guests, honored guests,
        it is an honor, it is an honour, it is a pleasure, i stand, i stand before you, gathered here,
        i want to speak, i say to you, i say, i ask you, tonight, mr president, mr speaker, mr chairman,
        madam speaker, my fellow, fellow citizens, we gather, those who say, no more, today we, applause, cheers,
        cheers applause""",
    "parliament": """hon friend, hon friends, hon gentleman, hon member, hon members, hon lady, right hon,
        learned friend, learned member, mr speaker, madam speaker, madam deputy speaker, mr deputy speaker,
        noble lord, noble lords, give way, leader of the house, front bench, back benchers, beg to move""",
    "admin_form": """hereby, notice is hereby given, under section, section, sections, subsection, regulation,
        regulations, schedule, applicant, applicants, application, applications, apply, eligible, eligibility, fee,
        fees, consent, permit, permits, licence, license, registered, authorised, authorized, in writing,
        with effect from, comply, compliance, penalty, appeal, appeals, officer, officers, department, directorate,
        ministry, council, authority, authorities, agency, act, the act, provisions, provision, required to,
        must be, may not, no person, any person, residents, travellers, travelers, taxpayers, households, entitled,
        advises, working days, calendar days, guidance, deadline, submit, submitted, proof of""",
}
