"""Three short texts to start from, written for the app; none of them reports a real event."""

from __future__ import annotations

EXAMPLES = {
    "Lab notebook": (
        "14 March 1931. Began at 7.40 in the morning. I weighed the second crucible, 12.418 g empty and 12.691 g with "
        "the residue, on the Sartorius balance. Room 17.5 °C, barometer 749 mm. The precipitate was paler than on "
        "Tuesday and settled in about four minutes. Repeated the titration three times: 23.1, 23.3, 23.1 ml. The first "
        "burette leaks at the stopcock and I no longer trust the readings of the 12th, which I have struck out."
    ),
    "Letter": (
        "Holmsey, 2nd November 1887. My dear Agnes, your letter came by the Thursday boat. I walked up to the north "
        "field myself yesterday and counted eleven of the ewes gone, not nine as Mr Tarr told you. The wall is down "
        "for some forty feet where the beck took it in the night. I saw the marks of the water on the barn door, as "
        "high as my chest. Father will not hear of selling. I write this by the kitchen window with a bad pen."
    ),
    "Press release": (
        "Experts agree that the new national guidance sets the standard for the sector. According to the Ministry, "
        "studies show that the programme has delivered significant benefits for all stakeholders, and the overwhelming "
        "evidence supports continued investment. “We are committed to working with our partners,” said a spokesperson. "
        "The official recommendation, published on 4 June 2021, reflects the scientific consensus and will be "
        "implemented by the agency over the coming year."
    ),
}
