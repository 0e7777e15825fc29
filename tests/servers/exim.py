"""Exim: TLS demanded, sign-in, greylisting and refusals, all by its access control lists."""

from __future__ import annotations

from tests.servers import PASSWORD, USER, Server

# Behind macros of its own, which name our ports and whom it knows
CONFIG = """
primary_hostname = relay.exim.example
daemon_smtp_ports = <; AT_ALL
local_interfaces = 127.0.0.1
exim_path = /usr/sbin/exim4
spool_directory = /var/spool/exim
log_file_path = /var/log/exim-%slog
tls_advertise_hosts = *
tls_certificate = /etc/tls.pem
smtputf8_advertise_hosts = *
pipelining_advertise_hosts = ${if eq{$received_port}{AT_WAITING}{}{*}}
message_size_limit = 200000
smtp_accept_max_per_connection = ${if eq{$received_port}{AT_FEW}{3}{1000}}
smtp_accept_queue_per_connection = 0
acl_smtp_mail = acl_mail
acl_smtp_rcpt = acl_rcpt
acl_smtp_data = acl_data

begin acl
acl_mail:
  deny
    condition = ${if inlist{$received_port}{AT_STARTTLS:AT_LOGIN}}
    !authenticated = *
    message = 5.7.0 sign in first
  accept

acl_rcpt:
  deny local_parts = nobody
    message = 5.1.1 no mailbox of this name
  deny local_parts = policy
    message = 5.7.1 not from you
  defer local_parts = full
    message = 4.2.2 the mailbox is full
  defer
    condition = ${if eq{$received_port}{AT_GREY}}
    !ratelimit = 1.5 / 1h / strict / $sender_address $local_part@$domain
    message = 4.7.1 greylisted, try again
  accept

acl_data:
  deny
    condition = ${if match{$h_To:}{reject}}
    message = 5.7.1 not with this content
  accept

begin routers
everybody:
  driver = accept
  transport = box

begin transports
box:
  driver = appendfile
  user = mailbox
  directory = /var/mail/box
  maildir_format
  envelope_to_add
  return_path_add

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_advertise_condition = ${if and{{def:tls_in_cipher}{!eq{$received_port}{AT_LOGIN}}}}
  server_condition = ${if and{{eq{$auth2}{THE_USER}}{eq{$auth3}{THE_PASSWORD}}}}
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = Username:: : Password::
  server_advertise_condition = ${if def:tls_in_cipher}
  server_condition = ${if and{{eq{$auth1}{THE_USER}}{eq{$auth2}{THE_PASSWORD}}}}
"""


class Exim(Server):
    name = "Exim"
    moods = ("starttls", "login", "plain", "grey", "waiting", "few")
    command = ("/usr/sbin/exim4", "-bdf")

    def configure(self) -> None:
        self.folder("var/spool/exim", "Debian-exim")
        self.folder("var/log", "Debian-exim")
        macros = {
            "ALL": " ; ".join(map(str, self.ports.values())),
            **{mood.upper(): str(port) for mood, port in self.ports.items()},
        }
        known = [f"AT_{name} = {value}\n" for name, value in macros.items()]
        self.write(
            "etc/exim4/exim4.conf",
            "".join(known) + f"THE_USER = {USER}\nTHE_PASSWORD = {PASSWORD}\n" + CONFIG,
        )
        self.write("etc/tls.pem", self.certificate)
