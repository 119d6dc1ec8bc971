// Documents of the API, as docs/api/api-service.openapi.json describes them.

export type Role = "owner" | "operator" | "auditor" | "developer";

export interface Tokens {
  readonly access_token: string;
  readonly expires_in: number;
  readonly refresh_token: string;
}

export interface Account {
  readonly id: string;
  readonly roles: readonly Role[];
}

export interface Config {
  readonly cluster: string;
  readonly program: string;
  readonly paused: boolean;
  readonly k: number;
}

export interface ClusterStatus {
  readonly status: "healthy" | "degraded" | "unavailable";
  readonly leader: string | null;
  readonly nodes: number | null;
  readonly indexer: {
    readonly has_leader: boolean | null;
    readonly instances: number | null;
    readonly slot: string | null;
    readonly finalized_slot: string | null;
    readonly lag_slots: number | null;
  };
  readonly replicas: readonly { readonly lag_ms: number | null; readonly lag_slots: number | null }[];
  readonly prover: { readonly workers: number | null };
  readonly instances: readonly { readonly service: string; readonly name: string }[] | null;
}

export interface Flags {
  readonly zkp_enabled: boolean;
  readonly rollout_percentage: number;
  readonly version: number;
}

export interface Registry {
  readonly address: string;
  readonly authority: string;
  readonly kind: "holders" | "managed" | "attested";
  readonly depth: number;
  readonly leaf_format: number;
  readonly leaves: string;
  readonly root_ttl_seconds: number;
  readonly sealed: boolean;
  readonly sequence: string;
}

export interface Collection {
  readonly key: string;
  readonly kind: string;
  readonly track: string;
}

export interface Root {
  readonly root: string;
  readonly state: "current" | "kept" | "snapshot";
  readonly leaves: string;
  readonly sequence: string;
  readonly valid_until: number | null;
}

export interface Scope {
  readonly address: string;
  readonly registry: string;
  readonly circuit: string;
  readonly creator: string;
  readonly gate: string | null;
  readonly mode: string;
  readonly opens_at: number;
  readonly closes_at: number;
  readonly relay: readonly string[];
  readonly status: "scheduled" | "open" | "closed";
}

export interface Growth {
  readonly begins: number;
  readonly registered: number | null;
  readonly renewed: number | null;
  readonly evicted: number | null;
}

export interface Uses {
  readonly begins: number;
  readonly verifications: number | null;
  readonly refused: number | null;
}

/** A series whose counts below `k` are null. */
export interface Series<T> {
  readonly k: number;
  readonly data: readonly T[];
}

export interface Relay {
  readonly relayers: readonly string[];
  readonly fees: readonly string[];
  readonly max_payload: number;
  readonly min_validity_seconds: number;
}

export interface LedgerWallet {
  readonly wallet: string;
  readonly balance: string;
  readonly reserved: string;
  readonly entries: string;
  readonly incomplete_seconds: number;
}

export interface LedgerEntry {
  readonly number: string;
  readonly kind: string;
  readonly slot: string;
  readonly fee: string;
  readonly before: string;
  readonly after: string;
  readonly signature: string;
}

export interface ApiKey {
  readonly prefix: string;
  readonly name: string;
  readonly kind: "server" | "publishable";
  readonly permissions: readonly string[];
  readonly origins: readonly string[];
  readonly created_at: number;
  readonly expires_at: number;
}

export interface Webhook {
  readonly id: string;
  readonly url: string;
  readonly types: readonly string[];
  readonly scope: string | null;
  readonly registry: string | null;
  readonly pending: number;
  readonly disabled: string | null;
  readonly created_at: number;
}

export interface Delivery {
  readonly id: string;
  readonly type: string;
  readonly state: "pending" | "delivered" | "dead";
  readonly attempts: number;
  readonly last_status: number | null;
  readonly last_code: string | null;
  readonly next_attempt_at: number | null;
}

export interface AuditRecord {
  readonly number: string;
  readonly at: number;
  readonly event: string;
  readonly code: string | null;
  readonly actor: string | null;
  readonly subject: string | null;
  readonly hash: string;
}

/** A stored checkpoint of the audit log. */
export interface Seal {
  readonly at: number;
  readonly records: string;
  readonly note: string;
}

export interface ChainEvent {
  readonly type: string;
  readonly position: string;
  readonly scope: string | null;
  readonly registry: string | null;
  readonly slot: string;
  readonly timestamp: number;
}

/** What the deployment does: `GET /v1/operator/metrics`. */
export interface Metrics {
  readonly at: number;
  readonly status: ClusterStatus["status"];
  readonly proofs: {
    readonly seconds: number;
    readonly succeeded: number;
    readonly failed: number;
    readonly per_second: number;
    readonly success: number | null;
    readonly p50_ms: number | null;
    readonly p95_ms: number | null;
    readonly p99_ms: number | null;
  };
  readonly queue: { readonly queued: number; readonly running: number; readonly workers: number | null; readonly advised: number | null };
  readonly indexer: { readonly slot: string | null; readonly finalized_slot: string | null; readonly lag_slots: number | null };
  readonly uses: { readonly k: number; readonly hours: readonly Uses[]; readonly days: readonly Uses[] };
  readonly relays: {
    readonly queued: number;
    readonly sent: number;
    readonly confirmed: number;
    readonly finalized: number;
    readonly refused: number;
    readonly failed: number;
    readonly expired: number;
    readonly success: number | null;
    readonly oldest_seconds: number;
    readonly sponsorship_paused: boolean;
  };
  readonly wallets: readonly {
    readonly wallet: string;
    readonly balance: string;
    readonly reserved: string;
    readonly min_balance: string | null;
  }[];
  readonly webhooks: { readonly pending: number; readonly dead: number };
}

export interface Queue {
  readonly queued: number;
  readonly running: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly by_priority: readonly {
    readonly priority: number;
    readonly queued: number;
    readonly running: number;
    readonly oldest_seconds: number;
  }[];
}

export interface Job {
  readonly label: string;
  readonly circuit: string;
  readonly priority: number;
  readonly state: "queued" | "running" | "failed";
  readonly attempts: number;
  readonly stage: string | null;
  /** 0 to 1. */
  readonly progress: number | null;
  readonly eta_ms: number | null;
  readonly error: string | null;
  readonly created_at: number;
  readonly started_at: number | null;
  readonly ended_at: number | null;
}

export interface Workers {
  readonly active: number | null;
  readonly advised: number | null;
  readonly parallel_jobs: number | null;
  readonly arrivals_per_second: number | null;
  readonly service_time_ms: number | null;
  readonly names: readonly string[];
}

/** Measured proving times. */
export interface Profile {
  readonly circuit: string;
  readonly iterations: number;
  readonly threads: number;
  readonly cases: readonly {
    readonly circuit_type: "default" | "optimized";
    readonly network_size: number;
    readonly avg_ms: number;
    readonly min_ms: number;
    readonly max_ms: number;
    readonly p50_ms: number;
    readonly p95_ms: number;
    readonly p99_ms: number;
  }[];
  readonly recommendations: readonly string[];
}

export interface Sponsorship {
  readonly paused: boolean;
  readonly version: number;
}
