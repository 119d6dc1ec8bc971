#!/bin/sh
# Makes new passwords and keys for compose.yml in a folder, `secrets` beside this script unless one is given. Never overwrites.
#   SOLANA_RPC_URL=https://..,https://.. SOLANA_WS_URL=wss://.. sh make-secrets.sh [--development-keys] [FOLDER]
# With --development-keys the prover takes keys with which anybody can forge proofs: for trying it out, never where anything of value is.
set -eu
umask 077
development=
if [ "${1:-}" = --development-keys ]; then
    development=yes
    shift
fi
folder=${1:-$(dirname "$0")/secrets}
: "${SOLANA_RPC_URL:?say which nodes the indexer asks: SOLANA_RPC_URL=https://...}"
case "$SOLANA_RPC_URL${SOLANA_WS_URL:-}" in
    *[\"\\[:space:]]*) echo "SOLANA_RPC_URL and SOLANA_WS_URL are URLs separated by commas, without quotes, backslashes and spaces" >&2; exit 2 ;;
    *) ;;
esac
if [ -e "$folder" ]; then
    echo "$folder is there already: what it holds decrypts what is stored, so it isn't replaced" >&2
    exit 1
fi
mkdir -p "$folder"
random() { od -An -N"$1" -tx1 /dev/urandom | tr -d ' \n'; }
# One item a line.
items() { printf '%s\n' "$1" | tr ',' '\n' | sed '/^$/d'; }
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
websockets = [$(items "${SOLANA_WS_URL:-}" | sed 's/.*/"&"/' | paste -s -d ',' -)]
$(items "$SOLANA_RPC_URL" | sed 's/.*/\n[[nodes]]\nurl = "&"/')
END
cat > "$folder/prover.toml" <<END
database_url = "postgres://bauta:$postgres@postgres:5432/bauta"
redis_url = "redis://:$redis@redis:6379"
witness_keys = "$(date -u +%Y-%m-%d):$(random 32)"
cache_key = "$(random 32)"
cache_dir = "/var/lib/bauta/cache"
END
if [ -n "$development" ]; then
    echo "allow_development_keys = true" >> "$folder/prover.toml"
    # The compose file gives it to the containers, and nothing reads it.
    : > "$folder/prover.key"
    next="its prover takes development keys: anybody can forge proofs for them"
else
    echo 'key_files = ["/run/secrets/prover_key"]' >> "$folder/prover.toml"
    next="now put the ceremony's key there as prover.key, readable for all (chmod 644)"
fi
# The containers' users read their files; the folder is this user's alone.
chmod 700 "$folder"
chmod 644 "$folder"/*
echo "made $folder; $next"
