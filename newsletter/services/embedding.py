"""The sign-up box for other people's pages, printed for copying: a form, a livelier form, a frame."""

from __future__ import annotations

from enum import StrEnum
from html import escape

from newsletter.config import NewsletterSettings
from newsletter.errors import Refused
from newsletter.languages import words_for
from newsletter.runtime import Runtime
from newsletter.schedule import describe


class Kind(StrEnum):
    FORM = "form"
    MODULE = "module"
    FRAME = "frame"


FRAME_HEIGHT = 440  # pixels; enough for the box on a phone


def box(runtime: Runtime, newsletter: NewsletterSettings, kind: Kind) -> str:
    """HTML to paste. `form` needs no script and leads to our page; `module` answers in its place; `frame` is
    our own page in theirs. Raises Refused when nobody may sign up."""
    if not newsletter.sign_up:
        raise Refused(
            f"{newsletter.slug} takes no new readers.",
            next_step=f'set sign_up = true under [[newsletters]] slug = "{newsletter.slug}"',
        )
    address = f"{runtime.public_url}/embed/{newsletter.slug}"
    if kind is Kind.FRAME:
        return (
            f'<iframe src="{escape(address)}"\n  title="{escape(newsletter.name)}" loading="lazy"\n'
            f'  style="width:100%;max-width:560px;height:{FRAME_HEIGHT}px;border:0"></iframe>\n'
        )
    form = _form(runtime, newsletter, address, livelier=kind is Kind.MODULE)
    return form + (
        f'<script type="module" src="{escape(address)}.js"></script>\n' if kind is Kind.MODULE else ""
    )


def _form(runtime: Runtime, newsletter: NewsletterSettings, address: str, *, livelier: bool) -> str:
    spoken = words_for(newsletter.language)
    day = runtime.clock.now().astimezone(newsletter.zone).date()
    words = {
        "done": spoken.gettext("Look into your mailbox: we have mailed you a link."),
        "mistyped": spoken.gettext("That is no mail address. Please look at it once more."),
        "failed": spoken.gettext("That did not work. Please try again in a minute."),
        "sending": spoken.gettext("Sending…"),
    }
    data = ["  data-newsletter-box", *(f'  data-{name}="{escape(text)}"' for name, text in words.items())]
    lines = [
        '<form method="post"', f'  action="{escape(address)}"', *(data if livelier else []), ">",
        f"<p><strong>{escape(newsletter.name)}</strong></p>",
        *([f"<p>{escape(newsletter.description)}</p>"] if newsletter.description else []),
        f"<p>{escape(describe(newsletter, day))}</p>",
        f'<input type="hidden" name="form" value="{runtime.links.form()}">',
        '<p style="position:absolute;left:-9999px" aria-hidden="true"><label>',
        escape(spoken.gettext("Leave this empty")),
        '<input name="website" tabindex="-1" autocomplete="off"></label></p>',
        "<p><label>", escape(spoken.gettext("Your mail address")),
        '<input type="email" name="address" required',
        '  autocomplete="email" maxlength="320"></label>',
        f'<button type="submit">{escape(spoken.gettext("Subscribe"))}</button></p>',
        *(['<p role="status"></p>'] if livelier else []), "</form>", "",
    ]  # fmt: skip
    return "\n".join(lines)
