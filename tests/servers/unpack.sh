#!/bin/sh
# Unpacks mail servers from Debian's packages, each into a small root folder of its own that needs
# nothing else: sh unpack.sh FOLDER. Nothing is installed; what is there already stays as it is.
set -eu

mkdir -p "$1"
roots="$(cd "$1" && pwd)"

libraries() {  # what the programs below a folder are linked with
    inner="$(find "$1" -name '*.so*' -exec dirname {} + | sort -u | paste -sd: -)"
    find "$1" -type f \( -perm -u+x -o -name '*.so*' \) -exec sh -c '
        for file; do LD_LIBRARY_PATH='"$inner"' ldd "$file" 2>/dev/null || true; done' sh {} + |
        grep -oE '/[^ ]+ \(0x' | cut -d' ' -f1 | grep -v "^$1/" | sort -u
}

unpack() {  # NAME PACKAGE…
    root="$roots/$1"
    [ ! -f "$root/.complete" ] || return 0
    shift
    rm -rf "$root"
    mkdir -p "$root/packages/partial"
    DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends --reinstall --download-only \
        -o "Dir::Cache::archives=$root/packages" install "$@" >/dev/null
    for package in "$root"/packages/*.deb; do dpkg-deb -x "$package" "$root"; done
    rm -rf "$root/packages" "$root/usr/share/doc" "$root/usr/share/man"
    mkdir -p "$root/bin" "$root/dev" "$root/etc" "$root/run" "$root/tmp" "$root/var"
    cp /bin/sh "$root/bin/sh"
    libraries "$root" | while read -r library; do
        mkdir -p "$root$(dirname "$library")"
        cp "$library" "$root$library"
    done
    touch "$root/.complete"
}

unpack postfix postfix libsasl2-modules sasl2-bin
unpack exim exim4-daemon-light exim4-base
unpack opensmtpd opensmtpd
