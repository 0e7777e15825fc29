#!/bin/sh
# Fetches what the tests need beside Python packages, where it may: on Debian as root.
# Elsewhere it says what is missing; a story without its tool is then reported by name.
set -eu

have() { command -v "$1" >/dev/null 2>&1; }

missing=""
have chromium || missing="$missing chromium"
have opendkim-testmsg || [ -x /usr/sbin/opendkim-testmsg ] || missing="$missing opendkim-tools"
[ -d /usr/share/fonts/truetype/liberation ] || missing="$missing fonts-liberation"
[ -z "$missing" ] && exit 0

if have apt-get && [ "$(id -u)" = 0 ]; then
    apt-get -qq update
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends -y $missing >/dev/null
else
    echo "Missing for some tests:$missing (on Debian: sudo apt-get install$missing)" >&2
fi
