"""The fixed words of letters in their language, with the names and numbers of one letter in them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache

from newsletter.languages import Words, words_for


@dataclass(frozen=True, slots=True)
class LetterLabels:
    """`{newsletter}` is its name, `{time}` how long a link is good for."""

    lasts: str
    not_you: str
    next: str
    leave: str
    change: str

    confirm_subject: str
    confirm_title: str
    confirm_words: str
    confirm_action: str
    confirm_not_you: str

    welcome_subject: str
    welcome_title: str
    welcome_words: str
    welcome_latest: str
    welcome_action: str

    preferences_subject: str
    preferences_title: str
    preferences_words: str
    preferences_action: str

    change_subject: str
    change_title: str
    change_words: str
    change_action: str

    changed_subject: str
    changed_title: str
    changed_words: str

    goodbye_subject: str
    goodbye_title: str
    goodbye_words: str
    goodbye_action: str

    sign_in_subject: str
    sign_in_title: str
    sign_in_words: str
    sign_in_action: str

    alert_title: str
    alert_action: str
    rehearsal: str


def letter_labels(language: str, newsletter: str, minutes: int) -> LetterLabels:
    """The words of one letter, for a language tag such as `uk` or `uk-UA`; English where we have none."""
    words = words_for(language)
    values = {"newsletter": newsletter, "time": _time(words, minutes)}
    labels = _labels_for(language)
    return LetterLabels(
        **{field.name: getattr(labels, field.name).format(**values) for field in fields(LetterLabels)}
    )


def _time(words: Words, minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    if hours and not rest:
        return words.ngettext("{number} hour", "{number} hours", hours).format(number=hours)
    return words.ngettext("{number} minute", "{number} minutes", minutes).format(number=minutes)


@cache
def _labels_for(language: str) -> LetterLabels:
    words = words_for(language)
    return LetterLabels(
        lasts=words.gettext("The link works for {time}."),
        not_you=words.gettext("If you did not ask for it, do nothing: without the link nothing happens."),
        next=words.gettext("What to do next:"),
        leave=words.gettext("Unsubscribe"),
        change=words.gettext("Your preferences"),
        confirm_subject=words.gettext("Please confirm: {newsletter}"),
        confirm_title=words.gettext("One click, and you are in"),
        confirm_words=words.gettext(
            "Somebody asked us to send {newsletter} to this address. Was it you? Then please confirm it."
        ),
        confirm_action=words.gettext("Yes, send it to me"),
        confirm_not_you=words.gettext(
            "If it was not you, do nothing: we send nothing without your confirmation."
        ),
        welcome_subject=words.gettext("Welcome to {newsletter}"),
        welcome_title=words.gettext("You are in"),
        welcome_words=words.gettext(
            "Thank you. {newsletter} comes to this address from the next edition on."
        ),
        welcome_latest=words.gettext("The latest edition leads with"),
        welcome_action=words.gettext("Read the latest edition"),
        preferences_subject=words.gettext("Your link to your preferences"),
        preferences_title=words.gettext("Your preferences"),
        preferences_words=words.gettext(
            "Here is the link you asked for. With it you can see what we keep about you, "
            "change your address, or have yourself forgotten."
        ),
        preferences_action=words.gettext("Open your preferences"),
        change_subject=words.gettext("Please confirm your new address"),
        change_title=words.gettext("Is this your new address?"),
        change_words=words.gettext(
            "Somebody asked us to send here what we sent to another address so far. Was it "
            "you? Then please confirm it."
        ),
        change_action=words.gettext("Yes, use this address"),
        changed_subject=words.gettext("Your address was changed"),
        changed_title=words.gettext("Your address was changed"),
        changed_words=words.gettext(
            "What we sent to this address goes to another one from now on. If that was not "
            "you, please answer this mail."
        ),
        goodbye_subject=words.gettext("You have left {newsletter}"),
        goodbye_title=words.gettext("Goodbye"),
        goodbye_words=words.gettext(
            "We no longer send {newsletter} to this address. Was it a slip? One click takes it back."
        ),
        goodbye_action=words.gettext("Undo"),
        sign_in_subject=words.gettext("Your link to sign in"),
        sign_in_title=words.gettext("Sign in"),
        sign_in_words=words.gettext(
            "Here is the link you asked for. It signs you in once, in the browser that opens it."
        ),
        sign_in_action=words.pgettext("button", "Sign in"),
        alert_title=words.gettext("From the newsletter program"),
        alert_action=words.gettext("See the draft"),
        rehearsal=words.gettext("Rehearsal"),
    )
