#!/bin/sh
# Makes new passwords and keys for compose.yml in a folder, `secrets` beside this script unless one is given. Never overwrites.
#   SOLANA_RPC_URL=https://... SOLANA_WS_URL=wss://... sh make-secrets.sh [FOLDER]
set -eu
umask 077
folder=${1:-$(dirname "$0")/secrets}
: "${SOLANA_RPC_URL:?say which node the indexer asks: SOLANA_RPC_URL=https://...}"
if [ -e "$folder" ]; then
    echo "$folder is there already: what it holds decrypts what is stored, so it isn't replaced" >&2
    exit 1
fi
mkdir -p "$folder"
random() { od -An -N"$1" -tx1 /dev/urandom | tr -d ' \n'; }
postgres=$(random 16)
redis=$(random 16)
printf %s "$postgres" > "$folder/postgres_password"
random 16 > "$folder/grafana_password"
cat > "$folder/redis.conf" <<END
requirepass $redis
maxmemory 256mb
maxmemory-policy allkeys-lru
save ""
END
cat > "$folder/indexer.toml" <<END
database_url = "postgres://bauta:$postgres@postgres:5432/bauta"
websockets = [$([ -z "${SOLANA_WS_URL:-}" ] || printf '"%s"' "$SOLANA_WS_URL")]

[[nodes]]
url = "$SOLANA_RPC_URL"
END
cat > "$folder/prover.toml" <<END
database_url = "postgres://bauta:$postgres@postgres:5432/bauta"
redis_url = "redis://:$redis@redis:6379"
witness_keys = "$(date +%Y-%m-%d):$(random 32)"
cache_key = "$(random 32)"
cache_dir = "/var/lib/bauta/cache"
key_files = ["/run/secrets/prover_key"]
END
# The containers' users read their files; the folder is this user's alone.
chmod 700 "$folder"
chmod 644 "$folder"/*
echo "made $folder; now put the ceremony's key there as prover.key"
