"""OpenSMTPD: three mails a session, greylisting and refusals by a filter of ours; it offers no PIPELINING.

Neither TLS nor sign-in, which it has only with TLS: Debian 12's, made for OpenSSL 1.1, fails every handshake
since it is linked with OpenSSL 3 (OpenSMTPD's issue 1239).
"""

from __future__ import annotations

from tests.servers import Server

CONFIG = """
table everybody {{ "@" = "mailbox" }}
filter strict proc-exec "/bin/sh /etc/strict" user mailbox
filter grey proc-exec "/bin/sh /etc/strict grey" user mailbox
smtp max-message-size 200000
smtp limit max-mails 3
listen on 127.0.0.1 port {plain} filter strict
listen on 127.0.0.1 port {few} filter strict
listen on 127.0.0.1 port {grey} filter grey
action keep maildir "/var/mail/box" virtual <everybody>
match from any for any action keep
"""
# smtpd-filters(7), spoken by the only interpreter in this root: first the handshake, then a question a line
FILTER = r"""
while read -r line && [ "$line" != "config|ready" ]; do :; done
echo "register|filter|smtp-in|rcpt-to"
echo "register|filter|smtp-in|commit"
echo "register|ready"
while IFS="|" read -r kind version time in phase session token words; do
    answer="proceed"
    case "$phase:$words" in
        rcpt-to:*nobody@*) answer="reject|550 5.1.1 no mailbox of this name" ;;
        rcpt-to:*policy@*) answer="reject|550 5.7.1 not from you" ;;
        rcpt-to:*full@*) answer="reject|452 4.2.2 the mailbox is full" ;;
        rcpt-to:*goodbye@*) answer="disconnect|421 4.3.2 going down" ;;
        rcpt-to:*reject@*) eval "unwanted_$session=yes" ;;
        rcpt-to:*) eval "unwanted_$session=" ;;
        commit:*) eval "unwanted=\$unwanted_$session"
            [ -z "$unwanted" ] || answer="reject|554 5.7.1 not with this content" ;;
    esac
    if [ "$phase$1" = "rcpt-togrey" ]; then
        case "$seen" in *" $words "*) ;; *) answer="reject|451 4.7.1 greylisted, try again" ;; esac
        seen="$seen $words "
    fi
    echo "filter-result|$session|$token|$answer"
done
"""


class OpenSMTPD(Server):
    name = "OpenSMTPD"
    moods = ("plain", "few", "grey")
    command = ("/usr/sbin/smtpd", "-dv")

    def configure(self) -> None:
        self.folder("var/spool/smtpd", "root", mode=0o711)
        self.folder("var/lib/opensmtpd/empty", "root")
        self.write("etc/smtpd.conf", CONFIG.format(**self.ports))
        self.write("etc/strict", FILTER)
        self.write("etc/mailname", "relay.opensmtpd.example\n")
