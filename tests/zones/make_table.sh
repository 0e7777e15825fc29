#!/bin/sh
# Writes due_instants.csv by other means than the program: GNU date for 09:00 on every day, and
# arithmetic on zdump's transitions for minutes around the gaps and folds of each zone.
#
#   tests/zones/make_table.sh [ZONEINFO_FOLDER] > tests/zones/due_instants.csv
#
# The folder defaults to the tzdata package that the lock pins, so that the table does not depend on
# the machine. Needs GNU date, zdump and awk.
#
# Columns: zone, local minute, first day, last day, the UTC instant of the first day. On the days up
# to the last one the instant is exactly 24 hours later each time.
set -eu
export LC_ALL=C

here=$(cd "$(dirname "$0")" && pwd)
TZDIR=${1:-$(echo "$here"/../../.venv/lib/python3.*/site-packages/tzdata/zoneinfo)}
export TZDIR
test -f "$TZDIR/Europe/Berlin" || { echo "no zones in $TZDIR" >&2; exit 1; }

zones="America/New_York Europe/Berlin Europe/Kyiv America/Santiago Africa/Cairo
       Asia/Beirut America/Havana Australia/Lord_Howe Asia/Kolkata"
days=$(mktemp)
trap 'rm -f "$days"' EXIT
seq 0 1825 | sed 's/.*/2026-01-01 12:00 UTC + & days/' | TZ=UTC0 date -f - +%F > "$days"

# Epoch seconds of nine o'clock on every day, folded into runs of days that are 24 hours apart.
nine() {
    sed 's/$/ 09:00/' "$days" | TZ=$1 date -f - '+%F %s' | awk -v zone="$1" '
        function close_run() { if (NR > 1) print zone, "09:00", first, last, at }
        $2 != before + 86400 { close_run(); first = $1; at = $2 }
        { last = $1; before = $2 }
        END { close_run() }'
}

# A transition at T from offset b to offset a. A minute w, read as if it were UTC, is in the old time
# (the first pass of a fold included) when w < T + b; in the gap when then w < T + a; else in the new.
changes() {
    zdump -v -c 2026,2031 "$1" | awk -v zone="$1" '
        BEGIN { for (i = 1; i <= 12; i++) month[substr("JanFebMarAprMayJunJulAugSepOctNovDec", 3*i-2, 3)] = i }
        function day_number(y, m, d) {
            if (m < 3) { y--; m += 12 }
            return 365*y + int(y/4) - int(y/100) + int(y/400) + int((153*m - 457)/5) + d - 719469
        }
        function iso(day, y, m) {
            for (y = 2031; day_number(y, 1, 1) > day; y--);
            for (m = 12; day_number(y, m, 1) > day; m--);
            return sprintf("%04d-%02d-%02d", y, m, day - day_number(y, m, 1) + 1)
        }
        function rows(T, b, a, day,   i, n, walls, hm, w, at) {
            n = split("00:00 00:30 01:45 02:00 02:15 02:30 03:00 23:30", walls, " ")
            for (i = 1; i <= n; i++) {
                split(walls[i], hm, ":")
                w = day*86400 + hm[1]*3600 + hm[2]*60
                at = w < T + b ? w - b : w < T + a ? T : w - a
                print zone, walls[i], iso(day), iso(day), at
            }
        }
        # zone Sun Mar 8 07:00:00 2026 UT = Sun Mar 8 03:00:00 2026 EDT isdst=1 gmtoff=-14400
        $NF ~ /^gmtoff=/ && $6 >= 2026 && $6 <= 2030 {
            split($5, t, ":"); split($NF, offset, "=")
            T = day_number($6, month[$3], $4)*86400 + t[1]*3600 + t[2]*60 + t[3]
            if (T == previous + 1 && offset[2] != old) {
                one = int((T + old)/86400); other = int((T + offset[2])/86400)
                rows(T, old, offset[2], one)
                if (other != one) rows(T, old, offset[2], other)
            }
            previous = T; old = offset[2]
        }'
}

echo "zone,local,first,last,instant"
for zone in $zones; do
    nine "$zone"
    changes "$zone"
done | while read -r zone wall first last at; do
    echo "$zone,$wall,$first,$last,$(TZ=UTC0 date -d "@$at" +%FT%H:%MZ)"
done
