#!/bin/sh
# The archive_command of Postgres: copies a finished segment of the write-ahead log to the archive.
#
#   archive_mode = on
#   archive_timeout = 60          # the longest time in seconds that is not in the archive
#   archive_command = '/usr/local/lib/bauta/archive-wal.sh /var/backups/bauta/wal %p %f'
#
# It succeeds only if the segment is on disk under its name. A segment that is already in the
# archive must have the same content.
set -eu
if [ $# -ne 3 ]; then
    echo "usage: archive-wal.sh ARCHIVE PATH NAME" >&2
    exit 2
fi
archive=$1 path=$2 name=$3
if [ -e "$archive/$name" ]; then
    cmp -s "$path" "$archive/$name" && exit 0
    echo "archive-wal.sh: $archive/$name has another content: use one archive for each server" >&2
    exit 1
fi
partial="$archive/.$name.partial"
cp "$path" "$partial"
sync "$partial"
mv "$partial" "$archive/$name"
sync "$archive"
