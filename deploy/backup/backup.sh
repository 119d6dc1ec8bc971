#!/bin/sh
# Makes a backup of the whole Postgres server. It has two parts: a verified copy of the server's
# files, and a dump of the database. With the archived log, the copy restores any later time
# (restore.sh). Any later version of Postgres can read the dump (pg_restore).
#
#   PGHOST=.. PGPORT=.. PGUSER=.. PGPASSFILE=.. backup.sh DATABASE DIRECTORY [KEEP_DAYS]
#
# The user needs REPLICATION and read permissions. The script reads user and password only from
# the variables of libpq, because other users can see command lines. A backup gets its name, which
# is its time in UTC, after it is complete and verified. With KEEP_DAYS, older backups are deleted,
# but never the newest one. The log that only they needed (DIRECTORY/wal) is deleted too.
set -eu
if [ $# -lt 2 ] || [ $# -gt 3 ]; then
    echo "usage: backup.sh DATABASE DIRECTORY [KEEP_DAYS]" >&2
    exit 2
fi
database=$1 directory=$2 keep=${3:-}
case $keep in
    *[!0-9]*) echo "backup.sh: KEEP_DAYS must be a whole number of days, not '$keep'" >&2; exit 2 ;;
esac
umask 077
name=$(date -u +%Y%m%dT%H%M%SZ)
partial="$directory/.$name.partial"
mkdir "$partial"
trap 'rm -rf "$partial"' EXIT

pg_basebackup --pgdata "$partial/base" --wal-method stream --checkpoint fast
pg_verifybackup --quiet "$partial/base"
pg_dumpall --roles-only --no-role-passwords --file "$partial/roles.sql"
pg_dump --format custom --file "$partial/database.dump" "$database"
pg_restore --list "$partial/database.dump" >/dev/null
sync
mv "$partial" "$directory/$name"
trap - EXIT
echo "$directory/$name"

[ -n "$keep" ] || exit 0
find "$directory" -mindepth 1 -maxdepth 1 -type d -name '????????T??????Z' ! -name "$name" -mtime +"$keep" \
    -exec rm -rf {} +
# The oldest backup that is left names the first segment that a restore can need.
oldest=$(find "$directory" -mindepth 1 -maxdepth 1 -type d -name '????????T??????Z' | sort | head -n 1)
if [ -d "$directory/wal" ]; then
    first=$(sed -n 's/^START WAL LOCATION: .*(file \([0-9A-F]*\))$/\1/p' "$oldest/base/backup_label")
    pg_archivecleanup "$directory/wal" "$first"
fi
