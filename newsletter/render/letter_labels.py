"""The fixed words of letters in their language, with the names and numbers of one letter in them."""

from __future__ import annotations

from dataclasses import dataclass, fields

from newsletter.languages import Words, words_for


def N_(sentence: str) -> str:  # noqa: N802 - the mark by which catalogues find what is said elsewhere
    return sentence


@dataclass(frozen=True, slots=True)
class LetterLabels:
    """`{newsletter}` is its name, `{time}` how long a link is good for."""

    lasts: str = N_("The link works for {time}.")
    not_you: str = N_("If you did not ask for it, do nothing: without the link nothing happens.")
    next: str = N_("What to do next:")
    leave: str = N_("Unsubscribe")
    change: str = N_("Your preferences")

    confirm_subject: str = N_("Please confirm: {newsletter}")
    confirm_title: str = N_("One click, and you are in")
    confirm_words: str = N_(
        "Somebody asked us to send {newsletter} to this address. Was it you? Then please confirm it."
    )
    confirm_action: str = N_("Yes, send it to me")
    confirm_not_you: str = N_("If it was not you, do nothing: we send nothing without your confirmation.")

    welcome_subject: str = N_("Welcome to {newsletter}")
    welcome_title: str = N_("You are in")
    welcome_words: str = N_("Thank you. {newsletter} comes to this address from the next edition on.")
    welcome_latest: str = N_("The latest edition leads with")
    welcome_action: str = N_("Read the latest edition")

    preferences_subject: str = N_("Your link to your preferences")
    preferences_title: str = N_("Your preferences")
    preferences_words: str = N_(
        "Here is the link you asked for. With it you can see what we keep about you, change your "
        "address, or have yourself forgotten."
    )
    preferences_action: str = N_("Open your preferences")

    change_subject: str = N_("Please confirm your new address")
    change_title: str = N_("Is this your new address?")
    change_words: str = N_(
        "Somebody asked us to send here what we sent to another address so far. Was it you? Then "
        "please confirm it."
    )
    change_action: str = N_("Yes, use this address")

    changed_subject: str = N_("Your address was changed")
    changed_title: str = N_("Your address was changed")
    changed_words: str = N_(
        "What we sent to this address goes to another one from now on. If that was not you, "
        "please answer this mail."
    )

    goodbye_subject: str = N_("You have left our newsletters")
    goodbye_title: str = N_("Goodbye")
    goodbye_words: str = N_(
        "You get no more newsletters from us. If that was a slip, or somebody else did it with one of "
        "your mails, your own page brings each of them back with one click."
    )
    goodbye_action: str = N_("Bring them back")

    sign_in_subject: str = N_("Your link to sign in")
    sign_in_title: str = N_("Sign in")
    sign_in_words: str = N_(
        "Here is the link you asked for. It signs you in once, in the browser that opens it."
    )
    sign_in_action: str = N_("Sign me in")

    alert_title: str = N_("From the newsletter program")
    alert_action: str = N_("See the draft")

    rehearsal: str = N_("Rehearsal")


def letter_labels(language: str, newsletter: str, minutes: int) -> LetterLabels:
    """The words of one letter, for a language tag such as `uk` or `uk-UA`; English where we have none."""
    words = words_for(language)
    values = {"newsletter": newsletter, "time": _time(words, minutes)}
    return LetterLabels(
        **{field.name: words.gettext(str(field.default)).format(**values) for field in fields(LetterLabels)}
    )


def _time(words: Words, minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    if hours and not rest:
        return words.ngettext("{number} hour", "{number} hours", hours).format(number=hours)
    return words.ngettext("{number} minute", "{number} minutes", minutes).format(number=minutes)
