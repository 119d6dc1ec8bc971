#!/bin/sh
# Generates passwords and keys for compose.yml in a new folder: FOLDER, or `secrets` beside this
# script.
#   SOLANA_RPC_URL=https://..,https://.. SOLANA_WS_URL=wss://.. sh make-secrets.sh \
#       [--development-keys] [FOLDER]
# With --development-keys the prover accepts development keys. Anyone can forge proofs with them:
# use them only for tests, and never where something of value is at stake.
set -eu
umask 077
development=
if [ "${1:-}" = --development-keys ]; then
    development=yes
    shift
fi
folder=${1:-$(dirname "$0")/secrets}
: "${SOLANA_RPC_URL:?set it to the URLs of the nodes for the indexer: SOLANA_RPC_URL=https://...}"
case "$SOLANA_RPC_URL${SOLANA_WS_URL:-}" in
    *[\"\\[:space:]]*) echo "SOLANA_RPC_URL and SOLANA_WS_URL must be URLs separated by commas, without quotes, backslashes or spaces" >&2; exit 2 ;;
    *) ;;
esac
if [ -e "$folder" ]; then
    echo "$folder exists already; it is not replaced, because its passwords and keys are in use" >&2
    exit 1
fi
mkdir -p "$folder"
random() { od -An -N"$1" -tx1 /dev/urandom | tr -d ' \n'; }
# Prints one item of the list in each line.
items() { printf '%s\n' "$1" | tr ',' '\n' | sed '/^$/d'; }
postgres=$(random 16)
indexer=$(random 16)
prover=$(random 16)
api=$(random 16)
redis=$(random 16)
printf %s "$postgres" > "$folder/postgres_password"
random 16 > "$folder/grafana_password"
cat > "$folder/redis.conf" <<END
requirepass $redis
maxmemory 256mb
maxmemory-policy allkeys-lru
save ""
END
cat > "$folder/owner.toml" <<END
database_url = "postgres://bauta:$postgres@postgres:5432/bauta"
END
# The users of the services have only the permissions of their roles (docs/store.md). The file can
# run again.
cat > "$folder/users.sql" <<END
DO \$\$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['indexer', 'prover', 'api'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            EXECUTE format('CREATE ROLE %I', name);
        END IF;
        EXECUTE format('GRANT %I TO %I', 'bauta_' || name, name);
    END LOOP;
END \$\$;
ALTER ROLE indexer LOGIN PASSWORD '$indexer';
ALTER ROLE prover LOGIN PASSWORD '$prover';
ALTER ROLE api LOGIN PASSWORD '$api';
END
cat > "$folder/indexer.toml" <<END
database_url = "postgres://indexer:$indexer@postgres:5432/bauta"
database_migrate = false
websockets = [$(items "${SOLANA_WS_URL:-}" | sed 's/.*/"&"/' | paste -s -d ',' -)]
$(items "$SOLANA_RPC_URL" | sed 's/.*/\n[[nodes]]\nurl = "&"/')
END
expiry=$(($(date +%s) + 365 * 86400))
hashed() { printf %s "$1" | sha256sum | cut -d ' ' -f 1; }
# The API keys of the first client, one for each service. A client of the API service shows its key
# to that service. Only the operator's key may administrate the prover service. The configurations
# have only the hashes.
prefix=$(random 4)
secret=$(random 32)
printf '%s\n' "bauta_${prefix}_$secret" > "$folder/api_key"
admin_prefix=$(random 4)
admin_secret=$(random 32)
printf '%s\n' "bauta_${admin_prefix}_$admin_secret" > "$folder/admin_key"
client_prefix=$(random 4)
client_secret=$(random 32)
printf '%s\n' "bauta_${client_prefix}_$client_secret" > "$folder/api_service_key"
# The API key of the API service at the prover service.
api_prefix=$(random 4)
api_secret=$(random 32)
# The API reads verifying keys from the first node.
cat > "$folder/api.toml" <<END
database_url = "postgres://api:$api@postgres:5432/bauta"
redis_url = "redis://:$redis@redis:6379"
solana_rpc_url = "$(items "$SOLANA_RPC_URL" | head -n 1)"
api_keys = "$client_prefix:$(hashed "$client_secret"):prove+trees:$expiry"

[prover]
url = "http://prover:3001"
api_key = "bauta_${api_prefix}_$api_secret"

# Uploads of trees are off until database_url names a user with the role bauta_uploads.
[uploads]

# The relay is off until payers names a wallet (docs/api-service.md).
[relay]
key = "$(random 32)"
nodes = [$(items "$SOLANA_RPC_URL" | sed 's/.*/"&"/' | paste -s -d ',' -)]
payers = []
# "SCOPE=LAMPORTS": a scope that is paid for, and its lamports for each day.
sponsored = []
END
cat > "$folder/prover.toml" <<END
database_url = "postgres://prover:$prover@postgres:5432/bauta"
redis_url = "redis://:$redis@redis:6379"
witness_key_ring = "/var/lib/bauta/witness.keys"
cache_key = "$(random 32)"
cache_dir = "/var/lib/bauta/cache"
api_keys = "$prefix:$(hashed "$secret"):prove:$expiry,$admin_prefix:$(hashed "$admin_secret"):admin:$expiry,$api_prefix:$(hashed "$api_secret"):prove:$expiry"
END
if [ -n "$development" ]; then
    echo "allow_development_keys = true" >> "$folder/prover.toml"
    # The compose file mounts this file, so it must exist. Nothing reads it.
    : > "$folder/prover.key"
    next="the prover accepts development keys: anyone can forge proofs with them"
else
    echo 'key_files = ["/run/secrets/prover_key"]' >> "$folder/prover.toml"
    next="next, copy the key from the ceremony to prover.key in this folder, readable for all (chmod 644)"
fi
# The files are readable for the users of the containers. The folder is accessible only to its
# owner.
chmod 700 "$folder"
chmod 644 "$folder"/*
# No container needs the key itself.
chmod 600 "$folder/api_key" "$folder/admin_key" "$folder/api_service_key"
echo "created $folder; $next"
echo "$folder/api_key is the first client's API key for the prover service: it may request proofs"
echo "$folder/admin_key is the operator's API key for the prover service: it may administrate"
echo "$folder/api_service_key is the client's API key for the API service; all expire in a year"
