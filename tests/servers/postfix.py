"""Postfix: TLS demanded, sign-in by Cyrus SASL, greylisting by a policy service, refusals by its tables."""

from __future__ import annotations

import socketserver
import threading

from tests.servers import PASSWORD, USER, Server, uid_of

MAIN = """
compatibility_level = 3.6
queue_directory = /var/spool/postfix
data_directory = /var/lib/postfix
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
shlib_directory = /usr/lib/postfix
import_environment = MAIL_CONFIG
maillog_file = /var/log/postfix
myhostname = relay.postfix.example
mydestination =
alias_maps =
local_recipient_maps =
mynetworks =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
message_size_limit = 200000
smtputf8_autodetect_classes = all
virtual_mailbox_domains = regexp:/etc/postfix/everybody
virtual_mailbox_maps = static:box/
virtual_mailbox_base = /var/mail
virtual_uid_maps = static:{mailbox}
virtual_gid_maps = static:{mailbox}
smtpd_error_sleep_time = 0
smtpd_tls_chain_files = /etc/postfix/tls.pem
smtpd_tls_security_level = encrypt
smtpd_sasl_auth_enable = yes
smtpd_sasl_local_domain = relay.postfix.example
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_recipient_restrictions = check_recipient_access regexp:/etc/postfix/recipients
header_checks = regexp:/etc/postfix/headers
"""
WITHOUT = (
    "-o smtpd_tls_security_level=none -o smtpd_sasl_auth_enable=no"
    " -o smtpd_relay_restrictions=reject_unauth_destination"
)
SERVICES = """
{starttls} inet n - n - - smtpd
{login} inet n - n - - smtpd -o smtpd_sasl_path=login
{plain} inet n - n - - smtpd {without}
{grey} inet n - n - - smtpd {without}
  -o smtpd_recipient_restrictions=check_policy_service,inet:127.0.0.1:{policy}
{silent} inet n - n - - smtpd {without} -o smtpd_discard_ehlo_keywords=size
  -o message_size_limit=20000
{waiting} inet n - n - - smtpd {without} -o smtpd_discard_ehlo_keywords=pipelining
{small} inet n - n - - smtpd {without} -o message_size_limit=20000
{few} inet n - n - - smtpd {without}
  -o smtpd_client_message_rate_limit=3 -o smtpd_client_event_limit_exceptions=
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
virtual unix - n n - - virtual
postlog unix-dgram n - n - 1 postlogd
"""
REFUSED = """
/^nobody/ 550 5.1.1 no mailbox of this name
/^policy/ 550 5.7.1 not from you
/^full/ 452 4.2.2 the mailbox is full
/^goodbye/ 421 4.3.2 going down
"""
START = f"""
printf {PASSWORD} | saslpasswd2 -p -c -f /etc/postfix/sasl/passwords -u relay.postfix.example {USER}
exec /usr/lib/postfix/sbin/master -d -c /etc/postfix
"""
QUEUES = (
    *("active", "bounce", "corrupt", "defer", "deferred", "flush"),
    *("hold", "incoming", "private", "saved", "trace"),
)


class Postfix(Server):
    name = "Postfix"
    moods = ("starttls", "login", "plain", "grey", "silent", "small", "waiting", "few")
    command = ("/bin/sh", "-euc", START)

    def configure(self) -> None:
        self.policy = Greylist()
        for queue in QUEUES:
            self.folder(f"var/spool/postfix/{queue}", "postfix", mode=0o700)
        self.folder("var/spool/postfix/pid", "root")
        self.folder("var/spool/postfix/public", "postfix", "postdrop", 0o710)
        self.folder("var/spool/postfix/maildrop", "postfix", "postdrop", 0o730)
        self.folder("var/lib/postfix", "postfix", mode=0o700)
        self.write("etc/postfix/main.cf", MAIN.format(mailbox=uid_of("mailbox")))
        services = SERVICES.format(**self.ports, without=WITHOUT, policy=self.policy.port)
        self.write("etc/postfix/master.cf", services)
        self.write("etc/postfix/tls.pem", self.certificate, 0o600)
        self.write("etc/postfix/everybody", "/./ yes\n")
        self.write("etc/postfix/recipients", REFUSED)
        self.write("etc/postfix/headers", "/^To:.*reject/ REJECT not with this content\n")
        self.folder("etc/postfix/sasl", "root", "postfix", 0o2755)  # what is created there is of its group
        for name, mechanisms in (("smtpd", "PLAIN LOGIN"), ("login", "LOGIN")):
            keys = (
                "pwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: /etc/postfix/sasl/passwords\n"
            )
            self.write(f"etc/postfix/sasl/{name}.conf", f"{keys}mech_list: {mechanisms}\n")

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        self.policy.shutdown()
        self.policy.server_close()


class Greylist(socketserver.ThreadingTCPServer):
    """A policy service, as Postfix asks one: whoever writes to somebody for the first time waits."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Asked)
        self.port = int(self.server_address[1])
        self.seen: set[str] = set()
        threading.Thread(target=self.serve_forever, name="greylist", daemon=True).start()


class Asked(socketserver.StreamRequestHandler):
    server: Greylist

    def handle(self) -> None:
        asked: dict[str, str] = {}
        for line in self.rfile:
            name, _, value = line.decode().strip().partition("=")
            asked[name] = value
            if not name:
                self.wfile.write(f"action={self.answer(asked)}\n\n".encode())
                asked = {}

    def answer(self, asked: dict[str, str]) -> str:
        who = f"{asked['sender']} {asked['recipient']}"
        is_known = who in self.server.seen
        self.server.seen.add(who)
        return "DUNNO" if is_known else "DEFER_IF_PERMIT greylisted, try again"
