#!/bin/sh
# Does what the original image does. Runs the server as user postgres. If the data folder is empty,
# first creates a database owned by POSTGRES_USER, with a server that answers only on its socket.
# Runs any other command unchanged.
set -eu
if [ "$1" = postgres ] && [ "$(id -u)" = 0 ]; then
    chown postgres "$PGDATA"
    chmod 700 "$PGDATA"
    exec setpriv --reuid postgres --regid postgres --init-groups sh "$0" "$@"
fi
if [ "$1" = postgres ] && [ ! -s "$PGDATA/PG_VERSION" ]; then
    initdb --username "$POSTGRES_USER" --pwfile "$POSTGRES_PASSWORD_FILE" >/dev/null
    echo "host all all all scram-sha-256" >> "$PGDATA/pg_hba.conf"
    echo "listen_addresses = '*'" >> "$PGDATA/postgresql.conf"
    pg_ctl --wait --options "-c listen_addresses=''" start >/dev/null
    psql --username "$POSTGRES_USER" --dbname postgres --command "CREATE DATABASE \"$POSTGRES_DB\"" \
        2>/dev/null || psql --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" --command "SELECT 1" >/dev/null
    pg_ctl --wait --mode fast stop >/dev/null
fi
exec "$@"
