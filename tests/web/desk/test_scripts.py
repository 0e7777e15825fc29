"""Our scripts are few, short and our own: a page has no others."""

from __future__ import annotations

from newsletter.web.assets import ASSETS

PUBLIC = ("box.js", "press.js")


def test_each_of_our_scripts_is_ours_and_short() -> None:
    scripts = {
        name: body.decode() for name, body in ASSETS.items() if name.endswith(".js") and name not in PUBLIC
    }
    assert len(scripts) == 13
    for name, text in scripts.items():
        assert text.startswith("// newsletter, the desk: "), name
        assert len(text.splitlines()) <= 80, name
    assert sum(len(text.splitlines()) for text in scripts.values()) <= 460
