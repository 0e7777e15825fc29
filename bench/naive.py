"""The sender that everybody writes first, for comparison: jinja2, EmailMessage, smtplib, one by one.

    python -m bench.naive FOLDER PORT MAILS

`mail.html` and `mail.txt` in the folder are the finished parts of the very edition that our engine
sends, with {{ }} for its holes: the naive sender needs no MJML and no CSS, and still renders each
reader's mail as a whole. It records nothing.
"""

from __future__ import annotations

import json
import smtplib
import sys
from dataclasses import asdict
from email.message import EmailMessage
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, Template, select_autoescape

from bench.meter import Stopwatch, peak_memory

SITE = "http://127.0.0.1:8000"


def main() -> None:
    folder, port, mails = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    themes = Environment(loader=FileSystemLoader(Path(folder)), autoescape=select_autoescape())
    html, text = themes.get_template("mail.html"), themes.get_template("mail.txt")
    watch = Stopwatch()
    with smtplib.SMTP("127.0.0.1", port) as smtp:
        for number in range(mails):
            smtp.send_message(_message(html, text, number))
    print(json.dumps(asdict(watch.read()) | {"peak": peak_memory()}))


def _message(html: Template, text: Template, number: int) -> EmailMessage:
    address, token = f"reader.{number}@readers.example", f"{number:064x}"
    values = {
        "greeting": f"Good morning, Zoë Reader {number}.",
        "email": address,
        "unsubscribe_url": f"{SITE}/unsubscribe/{token}",
        "preferences_url": f"{SITE}/preferences/{token}",
        "web_url": f"{SITE}/n/town/2026-02-18",
    }
    message = EmailMessage()
    message["From"] = "Town Today <news@town.example>"
    message["To"] = f"Zoë Reader {number} <{address}>"
    message["Subject"] = "The night ferry sails again"
    message["Message-ID"] = f"<{token}@town.example>"
    message["List-Unsubscribe"] = f"<{values['unsubscribe_url']}>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(text.render(values))
    message.add_alternative(html.render(values), subtype="html")
    return message


if __name__ == "__main__":
    main()
