"""`newsletter editions pin | move | drop | reword`: an editor's hand on an edition."""

from __future__ import annotations

from typing import Annotated

import typer

from newsletter.cli.console import finish, foreign
from newsletter.cli.options import command, runtime
from newsletter.config import NewsletterSettings
from newsletter.errors import Misuse
from newsletter.models import Slot
from newsletter.runtime import Runtime
from newsletter.services import gathering, shaping, status
from newsletter.services.shaping import Edited, Hand

WHO = "ops"

EditionName = Annotated[str, typer.Argument(help="NEWSLETTER/SLUG, for instance town/today.")]
Which = Annotated[str, typer.Argument(metavar="ARTICLE", help="Its number or its address.")]
Version = Annotated[
    int | None, typer.Option(help="The version that you saw; refused if the same was changed since.")
]
InSlot = Annotated[Slot | None, typer.Option(help="The slot; lead makes it the lead story.")]
InSection = Annotated[str | None, typer.Option(help="The section, for headlines.")]


def register(room: typer.Typer) -> None:
    command(room, "pin")(pin)
    command(room, "move")(move)
    command(room, "drop")(drop)
    command(room, "reword")(reword)


def pin(
    edition: EditionName,
    which: Which,
    slot: InSlot = None,
    section: InSection = None,
    position: Annotated[int | None, typer.Option(help="Its place there, from 1.", min=1)] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Let the machine place it again.")] = False,
    version: Version = None,
) -> None:
    """Keep an article in an edition, whatever the machine would do.

    Example: newsletter editions pin town/today 12 --slot lead
    """
    opened, newsletter, slug = _opened(edition)
    article, now, hand = _article(opened, which), opened.clock.now(), Hand(WHO, version)
    if undo:
        edited = shaping.unpin(opened, newsletter, slug, article, now, hand)
    else:
        edited = shaping.pin(
            opened, newsletter, slug, article, now, hand, slot=slot, section=section, position=position
        )
    _tell(newsletter, edited, "unpinned" if undo else "pinned")


def move(
    edition: EditionName,
    which: Which,
    to: Annotated[int | None, typer.Option(help="Its place in slot and section, from 1.", min=1)] = None,
    slot: InSlot = None,
    section: InSection = None,
    version: Version = None,
) -> None:
    """Put an entry elsewhere in its edition, where it stays.

    Example: newsletter editions move town/today 12 --to 1
    """
    opened, newsletter, slug = _opened(edition)
    edited = shaping.move(
        opened, newsletter, slug, _article(opened, which), opened.clock.now(), Hand(WHO, version),
        slot=slot, section=section, position=to,
    )  # fmt: skip
    _tell(newsletter, edited, "moved")


def drop(
    edition: EditionName,
    which: Which,
    undo: Annotated[bool, typer.Option("--undo", help="Put it back.")] = False,
    version: Version = None,
) -> None:
    """Take an article and its story out of an edition; the next in line moves up.

    Example: newsletter editions drop town/today 12
    """
    opened, newsletter, slug = _opened(edition)
    act = shaping.put_back if undo else shaping.drop
    edited = act(opened, newsletter, slug, _article(opened, which), opened.clock.now(), Hand(WHO, version))
    _tell(newsletter, edited, "put back" if undo else "dropped")


def reword(
    edition: EditionName,
    which: Annotated[str, typer.Argument(metavar="[ARTICLE]", help="Its number or address.")] = "",
    headline: Annotated[str | None, typer.Option(help="A headline of your own.")] = None,
    summary: Annotated[str | None, typer.Option(help="A summary of your own.")] = None,
    picture: Annotated[str | None, typer.Option(help="A picture's address, or none.")] = None,
    picture_alt: Annotated[str | None, typer.Option(help="What the picture shows.")] = None,
    subject: Annotated[str | None, typer.Option(help="A subject of your own for the edition.")] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Give the words back that came.")] = False,
    version: Version = None,
) -> None:
    """Give an entry your own words or picture, or without ARTICLE the edition its subject.

    Example: newsletter editions reword town/today 12 --headline "Ferry resumes"
    """
    opened, newsletter, slug = _opened(edition)
    now, hand = opened.clock.now(), Hand(WHO, version)
    given = {"headline": headline, "summary": summary, "picture": picture, "picture_alt": picture_alt}
    has_words = any(text is not None for text in given.values())
    has_subject = subject is not None
    if (has_subject or has_words != (not undo)) if which else (has_words or has_subject == undo):
        raise Misuse(
            "Name an ARTICLE with --headline, --summary or --picture, or --subject alone; --undo takes none.",
            next_step="newsletter editions reword --help",
        )
    if not which:
        edited = shaping.set_subject(opened, newsletter, slug, subject or "", now, hand)
    else:
        words = dict.fromkeys(given, "") if undo else given
        edited = shaping.reword(opened, newsletter, slug, _article(opened, which), now, hand, **words)
    _tell(newsletter, edited, "reworded")


def _opened(edition: str) -> tuple[Runtime, NewsletterSettings, str]:
    opened = runtime()
    return opened, *status.split_name(opened, edition, opened.clock.now())


def _article(opened: Runtime, which: str) -> int:
    return gathering.show_article(opened, which).article.id or 0


def _tell(newsletter: NewsletterSettings, edited: Edited, act: str) -> None:
    name = f"{newsletter.slug}/{edited.edition.slug}"
    withdrawn = f" Its approval is withdrawn; to give it again: newsletter editions approve {name}"
    finish(
        {
            "edition": name, "version": edited.edition.version, "state": edited.edition.state,
            "act": act, "told": edited.told, "approval_withdrawn": edited.withdrawn,
        },
        lambda c: c.print(
            foreign(
                f"{name}: {act} {edited.told}. It is version {edited.edition.version} now."
                + (withdrawn if edited.withdrawn else "")
            )
        ),
    )  # fmt: skip
