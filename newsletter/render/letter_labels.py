"""The fixed words of letters, by language, with the names and numbers of one letter in them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any


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


ENGLISH = LetterLabels(
    lasts="The link works for {time}.",
    not_you="If you did not ask for it, do nothing: without the link nothing happens.",
    next="What to do next:",
    leave="Unsubscribe",
    change="Your preferences",
    confirm_subject="Please confirm: {newsletter}",
    confirm_title="One click, and you are in",
    confirm_words="Somebody asked us to send {newsletter} to this address. Was it you? Then please confirm"
    " it.",
    confirm_action="Yes, send it to me",
    confirm_not_you="If it was not you, do nothing: we send nothing without your confirmation.",
    welcome_subject="Welcome to {newsletter}",
    welcome_title="You are in",
    welcome_words="Thank you. {newsletter} comes to this address from the next edition on.",
    welcome_latest="The latest edition leads with",
    welcome_action="Read the latest edition",
    preferences_subject="Your link to your preferences",
    preferences_title="Your preferences",
    preferences_words="Here is the link you asked for. With it you can see what we keep about you, change"
    " your address, or have yourself forgotten.",
    preferences_action="Open your preferences",
    change_subject="Please confirm your new address",
    change_title="Is this your new address?",
    change_words="Somebody asked us to send here what we sent to another address so far. Was it you? Then"
    " please confirm it.",
    change_action="Yes, use this address",
    changed_subject="Your address was changed",
    changed_title="Your address was changed",
    changed_words="What we sent to this address goes to another one from now on. If that was not you, please"
    " answer this mail.",
    goodbye_subject="You have left {newsletter}",
    goodbye_title="Goodbye",
    goodbye_words="We no longer send {newsletter} to this address. Was it a slip? One click takes it back.",
    goodbye_action="Undo",
    sign_in_subject="Your link to sign in",
    sign_in_title="Sign in",
    sign_in_words="Here is the link you asked for. It signs you in once, in the browser that opens it.",
    sign_in_action="Sign in",
    alert_title="From the newsletter program",
    alert_action="See the draft",
    rehearsal="Rehearsal",
)

UKRAINIAN = LetterLabels(
    lasts="Посилання дійсне {time}.",
    not_you="Якщо ви цього не просили, нічого не робіть: без посилання нічого не станеться.",
    next="Що робити далі:",
    leave="Відписатися",
    change="Ваші налаштування",
    confirm_subject="Підтвердьте, будь ласка: {newsletter}",
    confirm_title="Один клік, і ви з нами",
    confirm_words="Хтось попросив надсилати «{newsletter}» на цю адресу. Це ви? Тоді підтвердьте, будь"
    " ласка.",
    confirm_action="Так, надсилайте",
    confirm_not_you="Якщо це не ви, нічого не робіть: без підтвердження ми нічого не надсилаємо.",
    welcome_subject="Вітаємо: {newsletter}",
    welcome_title="Ви з нами",
    welcome_words="Дякуємо. «{newsletter}» надходитиме на цю адресу, починаючи з наступного випуску.",
    welcome_latest="Головне в останньому випуску",
    welcome_action="Читати останній випуск",
    preferences_subject="Посилання на ваші налаштування",
    preferences_title="Ваші налаштування",
    preferences_words="Ось посилання, яке ви просили. За ним можна побачити, що ми про вас зберігаємо,"
    " змінити адресу або попросити забути вас.",
    preferences_action="Відкрити налаштування",
    change_subject="Підтвердьте, будь ласка, нову адресу",
    change_title="Це ваша нова адреса?",
    change_words="Хтось попросив надсилати сюди те, що досі надходило на іншу адресу. Це ви? Тоді"
    " підтвердьте, будь ласка.",
    change_action="Так, ця адреса",
    changed_subject="Вашу адресу змінено",
    changed_title="Вашу адресу змінено",
    changed_words="Те, що надходило на цю адресу, відтепер надходить на іншу. Якщо це не ви, дайте відповідь"
    " на цей лист.",
    goodbye_subject="Ви відписалися: {newsletter}",
    goodbye_title="До побачення",
    goodbye_words="Ми більше не надсилаємо «{newsletter}» на цю адресу. Це помилка? Один клік усе поверне.",
    goodbye_action="Повернути",
    sign_in_subject="Посилання для входу",
    sign_in_title="Вхід",
    sign_in_words="Ось посилання, яке ви просили. Воно діє один раз, у браузері, в якому його відкрито.",
    sign_in_action="Увійти",
    alert_title="Від програми розсилки",
    alert_action="Переглянути чернетку",
    rehearsal="Репетиція",
)

LABELS = {"en": ENGLISH, "uk": UKRAINIAN}
# Minutes and hours, after any number that we use
_UNITS = {"en": ("{} minutes", "{} hours"), "uk": ("{} хв", "{} год")}


def letter_labels(language: str, newsletter: str, minutes: int) -> LetterLabels:
    """The words of one letter, for a language tag such as `uk` or `uk-UA`; English where we have none."""
    tag = language.lower().partition("-")[0]
    tag = tag if tag in LABELS else "en"
    values: dict[str, Any] = {"newsletter": newsletter, "time": _time(tag, minutes)}
    words = LABELS[tag]
    return LetterLabels(
        **{field.name: getattr(words, field.name).format(**values) for field in fields(LetterLabels)}
    )


def _time(tag: str, minutes: int) -> str:
    in_minutes, in_hours = _UNITS[tag]
    if minutes >= 120 and minutes % 60 == 0:
        return in_hours.format(minutes // 60)
    return in_minutes.format(minutes)
