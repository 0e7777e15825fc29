"""The site's whole surface, by hand: a new route must be added here, with its rights."""

from newsletter.web.rights import Rights

ROUTES = {
    ("/", "GET HEAD"): Rights.ANYBODY,
    ("/n/{newsletter}/feed.xml", "GET HEAD"): Rights.ANYBODY,
    ("/n/{newsletter}/feed.json", "GET HEAD"): Rights.ANYBODY,
    ("/sitemap.xml", "GET HEAD"): Rights.ANYBODY,
    ("/robots.txt", "GET HEAD"): Rights.ANYBODY,
    ("/n/{newsletter}", "GET HEAD"): Rights.ANYBODY,
    ("/n/{newsletter}/{slug}", "GET HEAD"): Rights.ANYBODY,
    ("/unsubscribe/{token}", "GET HEAD"): Rights.HOLDER,
    ("/unsubscribe/{token}", "POST"): Rights.HOLDER,
    ("/preferences/{token}", "GET HEAD"): Rights.HOLDER,
    ("/preferences/{token}", "POST"): Rights.HOLDER,
    ("/healthz", "GET HEAD"): Rights.ANYBODY,
    ("/readyz", "GET HEAD"): Rights.ANYBODY,
    ("/static/{version}/{name}", "GET HEAD"): Rights.ANYBODY,
}
POST_ROUTES = [path.replace("{token}", "x") for path, methods in ROUTES if methods == "POST"]
