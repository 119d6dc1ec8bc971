#!/bin/sh
# Postgres's archive_command: keeps a finished segment of the write-ahead log.
#
#   archive_mode = on
#   archive_timeout = 60          # at most so many seconds of work are outside the archive
#   archive_command = '/usr/local/lib/bauta/archive-wal.sh /var/backups/bauta/wal %p %f'
#
# Answers success only when the segment is on disk under its name. A segment that is there already must be the same one.
set -eu
if [ $# -ne 3 ]; then
    echo "usage: archive-wal.sh ARCHIVE PATH NAME" >&2
    exit 2
fi
archive=$1 path=$2 name=$3
if [ -e "$archive/$name" ]; then
    cmp -s "$path" "$archive/$name" && exit 0
    echo "archive-wal.sh: $archive/$name holds another segment: two servers must not share an archive" >&2
    exit 1
fi
partial="$archive/.$name.partial"
cp "$path" "$partial"
sync "$partial"
mv "$partial" "$archive/$name"
sync "$archive"
