"""The site's whole surface, by hand: a new route must be added here, with its rights."""

from newsletter.web.rights import Rights

EDITION = "/desk/editions/{newsletter}/{slug}"
SENDING = f"{EDITION}/sending"
ROUTES = {
    ("/", "GET HEAD"): Rights.ANYBODY,
    ("/n/{newsletter}/feed.xml", "GET HEAD"): Rights.ANYBODY,
    ("/n/{newsletter}/feed.json", "GET HEAD"): Rights.ANYBODY,
    ("/sitemap.xml", "GET HEAD"): Rights.ANYBODY,
    ("/robots.txt", "GET HEAD"): Rights.ANYBODY,
    ("/n/{newsletter}", "GET HEAD"): Rights.ANYBODY,
    ("/n/{newsletter}/{slug}", "GET HEAD"): Rights.ANYBODY,
    ("/", "POST"): Rights.ANYBODY,
    ("/embed/{newsletter}", "GET HEAD"): Rights.ANYBODY,
    ("/embed/{newsletter}", "POST"): Rights.ANYBODY,
    ("/embed/{newsletter}.js", "GET HEAD"): Rights.ANYBODY,
    ("/confirm/{token}", "GET HEAD"): Rights.HOLDER,
    ("/confirm/{token}", "POST"): Rights.HOLDER,
    ("/preferences", "GET HEAD"): Rights.ANYBODY,
    ("/preferences", "POST"): Rights.ANYBODY,
    ("/unsubscribe/{token}", "GET HEAD"): Rights.HOLDER,
    ("/unsubscribe/{token}", "POST"): Rights.HOLDER,
    ("/preferences/{token}", "GET HEAD"): Rights.HOLDER,
    ("/preferences/{token}", "POST"): Rights.HOLDER,
    ("/healthz", "GET HEAD"): Rights.ANYBODY,
    ("/readyz", "GET HEAD"): Rights.ANYBODY,
    ("/static/{version}/{name}", "GET HEAD"): Rights.ANYBODY,
    ("/desk/sign-in", "GET HEAD"): Rights.ANYBODY,
    ("/desk/sign-in", "POST"): Rights.ANYBODY,
    ("/desk/sign-in-link", "POST"): Rights.ANYBODY,
    ("/desk/sign-in/{token}", "GET HEAD"): Rights.ANYBODY,
    ("/desk/sign-in/{token}", "POST"): Rights.ANYBODY,
    ("/desk/sign-out", "POST"): Rights.EDITOR,
    ("/desk/account", "GET HEAD"): Rights.EDITOR,
    ("/desk/account/password", "POST"): Rights.EDITOR,
    ("/desk/account/end-session", "POST"): Rights.EDITOR,
    ("/desk", "GET HEAD"): Rights.EDITOR,
    ("/desk/stop-all", "POST"): Rights.PUBLISHER,
    ("/desk/resume-all", "POST"): Rights.PUBLISHER,
    ("/desk/use-relay", "POST"): Rights.PUBLISHER,
    ("/desk/probe-relay", "POST"): Rights.PUBLISHER,
    ("/desk/stream", "GET HEAD"): Rights.EDITOR,
    **{
        (f"{EDITION}{page}", "GET HEAD"): Rights.EDITOR
        for page in ("", "/entry", "/waive", "/preview", "/compare", "/out", "/history")
    },
    **{
        (f"{EDITION}/{act}", "POST"): Rights.EDITOR
        for act in (
            "pin",
            "unpin",
            "move",
            "drop",
            "put-back",
            "reword",
            "picture",
            "subject",
            "preheader",
            "add",
            "write",
            "restore",
            "waive",
            "test",
            "extra",
        )
    },
    (f"{EDITION}/decide/{{act}}", "GET HEAD"): Rights.PUBLISHER,
    **{
        (f"{EDITION}/{act}", "POST"): Rights.PUBLISHER
        for act in ("approve", "withdraw", "hold", "skip", "unskip", "send", "undo")
    },
    (f"{SENDING}", "GET HEAD"): Rights.EDITOR,
    (f"{SENDING}/missing", "GET HEAD"): Rights.PUBLISHER,
    (f"{SENDING}/sure/{{act}}", "GET HEAD"): Rights.PUBLISHER,
    **{
        (f"{SENDING}/{act}", "POST"): Rights.PUBLISHER
        for act in ("pause", "resume", "cancel", "use-relay", "count-sent", "resend", "send-missing")
    },
}
DESK_ROUTES = {key: rights for key, rights in ROUTES.items() if key[0].startswith("/desk")}
POST_ROUTES = [
    path.replace("{token}", "x").replace("{newsletter}", "post")
    for path, methods in ROUTES
    if methods == "POST"
]
