#!/bin/sh
# Fills an empty data folder from a backup and the archived log. Start Postgres on it afterwards. It
# replays the log, up to its end or to a time, and then accepts writes. The indexer continues from
# the checkpoint in the database.
#
#   restore.sh [--until '2026-01-31 12:00:00+00'] BACKUP ARCHIVE DATA
set -eu
usage() {
    echo "usage: restore.sh [--until TIME] BACKUP ARCHIVE DATA" >&2
    exit 2
}
until=
if [ "${1:-}" = --until ]; then
    [ $# -ge 2 ] || usage
    until=$2
    shift 2
fi
[ $# -eq 3 ] || usage
backup=$1 archive=$2 data=$3
case "$archive$until" in
    *[\'\"\\%]*) echo "restore.sh: ARCHIVE and TIME can't contain quotes, backslashes or %" >&2; exit 2 ;;
    *) ;;
esac
if [ ! -f "$backup/base/backup_manifest" ]; then
    echo "restore.sh: $backup is not a backup: base/backup_manifest is missing; name a folder that backup.sh made" >&2
    exit 1
fi
if [ -d "$data" ] && [ -n "$(ls -A "$data")" ]; then
    echo "restore.sh: $data is not empty: use an empty folder, a restore never overwrites a database" >&2
    exit 1
fi
pg_verifybackup --quiet "$backup/base"
mkdir -p "$data"
cp -a "$backup/base/." "$data/"
chmod 700 "$data"
{
    echo "restore_command = 'cp \"$archive/%f\" \"%p\"'"
    echo "recovery_target_action = 'promote'"
    [ -z "$until" ] || echo "recovery_target_time = '$until'"
} >>"$data/postgresql.auto.conf"
touch "$data/recovery.signal"
