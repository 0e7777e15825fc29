"""`newsletter editions preview | check`: the mail before it is one, and what keeps it from going out."""

from __future__ import annotations

import os
import secrets
import tempfile
import webbrowser
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from newsletter.cli.console import finish, foreign, note
from newsletter.cli.options import command, runtime
from newsletter.cli.shaping import WHO, EditionName, Version
from newsletter.config import NewsletterSettings
from newsletter.errors import Misuse, Refused
from newsletter.runtime import Runtime
from newsletter.services import checking, looking, previewing, rehearsing, sending, status, waiving
from newsletter.services.checking import Preflight
from newsletter.values import Finding, Look, Severity

GLYPHS = {Severity.BLOCKER: "■", Severity.WARNING: "▲"}


def register(room: typer.Typer) -> None:
    command(room, "preview")(preview)
    command(room, "check")(check)


def preview(
    edition: EditionName,
    reader: Annotated[
        str, typer.Option("--as", metavar="SUBSCRIBER", help="Whose copy: an address or a number.")
    ] = "",
    opens: Annotated[bool, typer.Option("--open", help="Show the page in the browser.")] = False,
    diff: Annotated[
        Literal["yesterday", "approved"] | None, typer.Option(help="What reads otherwise than there.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="DIR", help="Where; else a new private folder.")
    ] = None,
) -> None:
    """Write the mail as HTML, text and .eml, as it would go out now. Its links change nothing.

    Example: newsletter editions preview town/today --diff yesterday -o previews
    """
    opened = runtime()
    now = opened.clock.now()
    newsletter, slug = status.split_name(opened, edition, now)
    rehearsal = rehearsing.rehearse(opened, newsletter, now, slug=slug)
    letterhead = sending.letterhead(opened, newsletter, rehearsal.edition)
    mail = previewing.fill(opened, rehearsal.rendition, letterhead, reader)
    lines: tuple[str, ...] = ()
    if diff is not None:
        lines = previewing.differences(opened, newsletter, rehearsal.edition, rehearsal.rendition, diff)
    folder = output or Path(tempfile.mkdtemp(prefix="newsletter-"))
    parts = {"html": mail.html.encode(), "txt": mail.text.encode(), "eml": mail.message}
    files = write_into(folder, {f"{newsletter.slug}-{slug}.{kind}": text for kind, text in parts.items()})
    if opens and not webbrowser.open(files[0].absolute().as_uri()):
        note("No browser could be opened here.")

    finish(
        {"edition": f"{newsletter.slug}/{slug}", "files": list(map(str, files)), "diff": list(lines)},
        lambda console: _show_written(console, files, lines, compared=diff is not None),
    )


def _show_written(console: Console, files: Sequence[Path], lines: Sequence[str], *, compared: bool) -> None:
    for line in (*files, *lines):
        console.print(foreign(line), soft_wrap=True)
    if compared and not lines:
        console.print("It reads the same.")


def check(
    edition: EditionName,
    links: Annotated[
        bool, typer.Option("--links", help="Look at its links and pictures first, now.")
    ] = False,
    waive: Annotated[
        str, typer.Option(metavar="CODE[:ARTICLE]", help="Let these warnings stand; needs --why.")
    ] = "",
    why: Annotated[str, typer.Option(help="The reason for --waive, which stays on the record.")] = "",
    version: Version = None,
) -> int:
    """Preflight: what keeps an edition from going out, and what you may want to look at.

    Shows what was seen of its links when they were last looked at. Ends with exit code 3 when it is blocked.

    Example: newsletter editions check town/today --waive no-alt --why "a map"
    """
    opened = runtime()
    now = opened.clock.now()
    newsletter, slug = status.split_name(opened, edition, now)
    if why and not waive:
        raise Misuse("--why says why a warning is waived.", next_step="name the warning with --waive CODE")
    if links:
        _look(opened, newsletter, slug, now)
    if waive:
        code, article = _named(waive)
        waiving.waive(opened, newsletter, slug, code, article, now, who=WHO, why=why, version=version)
    found = checking.check(opened, newsletter, slug, now)
    name = f"{newsletter.slug}/{slug}"
    finish(
        {
            "edition": name, "version": found.edition.version, "blocked": found.is_blocked,
            "bytes": found.size, "findings": [asdict(finding) for finding in found.findings],
            "addresses": found.addresses, "seen": found.seen, "seen_at": found.seen_at,
        },
        lambda console: _show(console, name, found),
    )  # fmt: skip
    return Refused.exit_code if found.is_blocked else 0


def _named(waive: str) -> tuple[str, int | None]:
    code, colon, article = waive.partition(":")
    if colon and not (article.isascii() and article.isdecimal() and len(article) < 19):
        raise Misuse(
            f"{article[:40]!r} is no article's number.",
            next_step=f"write --waive {code[:40]}:12, or leave it out",
        )
    return code, int(article) if colon else None


def _look(opened: Runtime, newsletter: NewsletterSettings, slug: str, now: datetime) -> None:
    """With each address told as it comes: a round takes up to a minute."""

    def saw(look: Look) -> None:
        note(f"{look.address}: {look.trouble or 'ok'} ({look.ms} ms)")

    looking.look_now(opened, newsletter, slug, now, saw=saw)


def _show(console: Console, name: str, found: Preflight) -> None:
    for finding in found.findings:
        _tell(console, finding)
    verdict = "may not go out" if found.is_blocked else "may go out"
    seen = f", the last at {found.seen_at:%d %b %H:%M} UTC" if found.seen_at else ""
    console.print(foreign(f"{found.seen} of {found.addresses} links and pictures were looked at{seen}."))
    console.print(
        foreign(f"{name}, version {found.edition.version}, {found.size // 1000} kB of HTML, {verdict}.")
    )


def _tell(console: Console, finding: Finding) -> None:
    if waiver := finding.waiver:
        console.print(foreign(f"○ {finding.code}: {finding.sentence}"))
        console.print(foreign(f"  waived by {waiver.who} in version {waiver.version}: {waiver.why}"))
        return
    console.print(foreign(f"{GLYPHS[finding.severity]} {finding.code}: {finding.sentence}"))
    console.print(foreign(f"  → {finding.mend}"), soft_wrap=True)


def write_into(folder: Path, files: dict[str, bytes]) -> tuple[Path, ...]:
    """Write files that only their owner can read, each whole or not at all, in place of earlier ones.

    Nothing is written through a link: neither the folder nor a file in it may be one.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError as error:
        raise Misuse(
            f"{folder} is no folder to write into: {error.strerror}.", next_step="name another folder with -o"
        ) from error
    try:
        for name in files:
            if (folder / name).is_symlink():
                raise Misuse(
                    f"{folder / name} is a link; nothing was written.",
                    next_step="name another folder with -o",
                )
        for name, content in files.items():
            _write(opened, folder, name, content)
    finally:
        os.close(opened)
    return tuple(folder / name for name in files)


def _write(opened: int, folder: Path, name: str, content: bytes) -> None:
    draft = f".{name}.{secrets.token_hex(8)}"
    number = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=opened)
    try:
        with os.fdopen(number, "wb") as file:
            file.write(content)
        os.replace(draft, name, src_dir_fd=opened, dst_dir_fd=opened)
    except OSError as error:
        os.unlink(draft, dir_fd=opened)
        raise Misuse(
            f"{folder / name} cannot be written: {error.strerror}.", next_step="name another folder with -o"
        ) from error
