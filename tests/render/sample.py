"""Editions of an invented town paper, for every test that needs one: full, shortest, right to left."""

from __future__ import annotations

from newsletter.values import EditionView, Picture, Section, SocialLink, Story

PAPER = "https://harbour.example"
PICTURES = "https://pictures.harbour.example"
NEUTRAL = {
    "greeting": "Good morning.",
    "email": "reader@example.org",
    "unsubscribe_url": f"{PAPER}/unsubscribe/token-for-the-sample",
    "preferences_url": f"{PAPER}/preferences/token-for-the-sample",
    "web_url": f"{PAPER}/n/morning/2026-02-18",
}


def picture(name: str, width: int = 1600, height: int = 900, alt: str = "") -> Picture:
    return Picture(f"{PICTURES}/{name}.jpg", width, height, alt)


def story(slug: str, title: str, summary: str = "", byline: str = "", **more: object) -> Story:
    return Story(title=title, url=f"{PAPER}/{slug}", summary=summary, byline=byline, **more)  # type: ignore[arg-type]


LEAD = story(
    "ferry-returns",
    "The night ferry sails again, after eleven winters and one very long argument",
    "The Marigold left the north quay at ten past midnight with 214 passengers, two bicycles and a piano."
    " For the island’s bakers it means fresh flour before dawn; for the council, an end to a quarrel that"
    " outlasted three mayors.",
    "Ines Halloran",
    kicker="Harbour",
    picture=picture("ferry", alt="A white ferry leaving a lit quay at night"),
)

TOWN = Section(
    "Town",
    (
        story(
            "library-hours",
            "Library to stay open until ten as exam season begins",
            "Students had asked for longer evenings since autumn. The council found the money in an unused"
            " budget for fog horns.",
            "Tom Adeyemi",
            picture=picture("library", 1200, 900),
        ),
        story("bridge", "Swing bridge closed for repairs until Friday", "", "Mara Lindqvist"),
        story(
            "market",
            "Saturday market moves indoors while the square is repaved",
            "",
            "Tom Adeyemi",
            picture=picture("market", 1600, 1067),
        ),
        story("council", "Seven things the council decided while nobody was looking", "", "Ines Halloran"),
    ),
)
HARBOUR = Section(
    "Harbour & Sea",
    (
        story(
            "herring",
            "Herring are back, and so are the seals",
            "Landings doubled in a fortnight. Fishermen say the seals have noticed too, and one of them has"
            " learned to open a crate.",
            "Piet de Groot",
            picture=picture("herring", 900, 900),
        ),
        story("pilot", "Youngest pilot in the harbour’s history is 24", "", "Mara Lindqvist"),
        story("tide", "High spring tide on Thursday: where the water will stand", "", "The weather desk"),
    ),
)
LIFE = Section(
    "Life",
    (
        story(
            "soup",
            "A fish soup for people who have no time and one pot",
            "Twenty minutes, nine ingredients, and the trick with the fennel.",
            "Amalia Ferri",
            picture=picture("soup", 800, 1200),
        ),
        story("choir", "The choir that rehearses in a boiler room", "", "Amalia Ferri", kicker="Sunday read"),
    ),
)
SPORT = Section(
    "Sport",
    (
        story(
            "regatta",
            "Rowers win by a hand’s breadth in fog so thick that nobody saw it",
            "The finish had to be decided by sound.",
            "Piet de Groot",
        ),
        story("chess", "Chess club, aged eleven to ninety-one, goes to the final", "", "Tom Adeyemi"),
    ),
)
VIDEO = story(
    "videos/lighthouse",
    "Inside the lighthouse that still has a keeper",
    "She has climbed its 183 steps twice a day for thirty years.",
    picture=picture("lighthouse", alt="A lighthouse at dusk"),
    duration="4:12",
)
NOTE = Story(
    title="",
    url="",
    html="<p>Yesterday we gave the wrong time for high water. It is <b>14:20</b>, not 12:40;"
    ' <a href="https://harbour.example/corrections">the tables are here</a>. We are sorry.</p>',
    text="Yesterday we gave the wrong time for high water. It is 14:20, not 12:40; the tables are here:"
    " https://harbour.example/corrections. We are sorry.",
    byline="Ines Halloran, editor",
)
SPONSOR = Story(
    title="Tideline Bakery",
    url="https://tideline.example/breakfast",
    text="Bread from the night’s first batch, at your door by seven. The first loaf is free this week.",
)


def full() -> EditionView:
    """Every slot filled."""
    return EditionView(
        newsletter="The Harbour Gazette",
        slug="2026-02-18",
        promise="The town and the sea, in five minutes",
        date="Wednesday, 18 February 2026",
        schedule="Daily at 9am ET",
        subject="The night ferry sails again",
        preheader="Also: herring and seals return, the bridge is shut until Friday, and a soup in one pot",
        language="en",
        direction="ltr",
        lead=LEAD,
        sections=(TOWN, HARBOUR, LIFE, SPORT),
        more_url=f"{PAPER}/latest",
        home_url=PAPER,
        postal_address="The Harbour Gazette, 4 Customs House Lane, Port Ellery",
        intro="The ferry is back, the bridge is not, and the seals have opinions.",
        video=VIDEO,
        note=NOTE,
        sponsor=SPONSOR,
        social=(
            SocialLink("Mastodon", "https://social.example/@harbour"),
            SocialLink("Instagram", "https://pictures.example/harbour"),
            SocialLink("RSS", f"{PAPER}/feed.xml"),
        ),
    )


def shortest() -> EditionView:
    """The least that an edition may be: a lead and one section, no picture, nothing else."""
    return EditionView(
        newsletter="The Harbour Gazette",
        slug="2026-02-19",
        promise="",
        date="Thursday, 19 February 2026",
        schedule="",
        subject="A quiet day",
        preheader="",
        language="en",
        direction="ltr",
        lead=story("quiet", "Nothing happened, and everyone is well"),
        sections=(Section("Town", (story("bridge-again", "The bridge is still shut"),)),),
        more_url="",
        home_url="",
        postal_address="4 Customs House Lane, Port Ellery",
    )


def ukrainian() -> EditionView:
    """A Cyrillic edition with labels of its own."""
    return EditionView(
        newsletter="Портовий вісник",
        slug="2026-02-18",
        promise="Місто й море за п’ять хвилин",
        date="середа, 18 лютого 2026 року",
        schedule="Щодня о 9:00",
        subject="Нічний пором знову ходить",
        preheader="А ще: оселедець повернувся, міст закрито до п’ятниці",
        language="uk",
        direction="ltr",
        lead=story(
            "ferry-uk",
            "Нічний пором знову ходить — уперше за одинадцять зим",
            "«Чорнобривець» відійшов від північного причалу о десятій хвилині на першу.",
            "Інеса Галоран",
            picture=picture("ferry", alt="Білий пором біля освітленого причалу"),
        ),
        sections=(Section("Місто", (story("bridge-uk", "Міст закрито на ремонт до п’ятниці", "", "Мара"),)),),
        more_url=f"{PAPER}/uk/latest",
        home_url=f"{PAPER}/uk",
        postal_address="Портовий вісник, вул. Митна, 4, Порт-Еллері",
        video=story("videos/lighthouse-uk", "На маяку, де ще є доглядач", picture=picture("lighthouse")),
    )


def many(stories: int) -> EditionView:
    """A lead and `stories` more, five to a section, all with picture, byline and a long address."""
    base = full()
    made = [
        story(
            f"2026/02/18/a-story-with-a-long-address-number-{i}?utm_source=newsletter&utm_medium=mail",
            f"Number {i}: a headline of the usual length, with a verb and a place in it",
            "A summary of two sentences, as feeds have them. It says who, what and where, but not why.",
            "Ines Halloran and Tom Adeyemi",
            picture=picture(f"a-picture-with-a-long-name-{i}", 1600, 1067, "A harbour"),
        )
        for i in range(stories)
    ]
    fives = [tuple(made[i : i + 5]) for i in range(0, stories, 5)]
    sections = tuple(Section(f"Section {n}", five) for n, five in enumerate(fives, 1))
    return EditionView(**{**{f: getattr(base, f) for f in base.__slots__}, "sections": sections})
