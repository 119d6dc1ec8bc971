// What an operator has to look at, by the limits of deploy/prometheus/alerts.yml.

import { count, duration, share, short, sol } from "./format.js";
import type { ClusterStatus, Config, Flags, Metrics } from "./types.js";

const MAX_LAG_SLOTS = 150;
const MAX_WAITING_SECONDS = 300;
const MIN_SUCCESS = 0.99;
const MAX_P95_MS = 5_000;
const MAX_BACKLOG = 100;

export interface Alert {
  readonly kind: "bad" | "warn";
  readonly text: string;
}

/** Returns the alerts, the worst first. What was not read gives none. */
export function alertsOf(status?: ClusterStatus, metrics?: Metrics, flags?: Flags, config?: Config): Alert[] {
  const alerts: Alert[] = [];
  const bad = (text: string) => alerts.push({ kind: "bad", text });
  const warn = (text: string) => alerts.push({ kind: "warn", text });
  if (status) {
    const { indexer } = status;
    if (status.status === "unavailable") bad("The database does not answer.");
    if (indexer.has_leader === false) bad("No indexer follows the chain.");
    if ((indexer.lag_slots ?? 0) > MAX_LAG_SLOTS) bad(`The database is ${count(indexer.lag_slots!)} slots behind the node.`);
    for (const { lag_slots } of status.replicas) {
      if (lag_slots === null) bad("A replica of the database does not answer.");
      else if (lag_slots > MAX_LAG_SLOTS) warn(`A replica of the database is ${count(lag_slots)} slots behind.`);
    }
  }
  if (config?.paused) bad("The admin has paused the program: it refuses all verifications.");
  if (flags && !flags.zkp_enabled) bad("The flag zkp_enabled is off: the API refuses proofs and relays.");
  if (flags && flags.zkp_enabled && flags.rollout_percentage < 100) warn(`Proofs and relays are open for ${flags.rollout_percentage} % of the clients.`);
  if (metrics) {
    const { proofs, queue, relays, wallets, webhooks } = metrics;
    if (proofs.success !== null && proofs.success < MIN_SUCCESS) bad(`${share(proofs.success)} of the jobs of the last five minutes succeeded.`);
    if ((proofs.p95_ms ?? 0) > MAX_P95_MS) warn(`The 95th percentile of proofs is ${duration(proofs.p95_ms!)}.`);
    if (queue.queued > MAX_BACKLOG) warn(`${count(queue.queued)} jobs wait for a worker.`);
    if (queue.workers !== null && queue.advised !== null && queue.workers < queue.advised) {
      warn(`${queue.workers} of the ${queue.advised} advised workers run.`);
    }
    if (relays.success !== null && relays.success < MIN_SUCCESS) bad(`${share(relays.success)} of the relayed transactions of the last day succeeded.`);
    if (relays.oldest_seconds > MAX_WAITING_SECONDS) warn(`The oldest relay has waited for ${duration(relays.oldest_seconds * 1_000)}.`);
    if (relays.sponsorship_paused) warn("The sponsorship of relays is paused.");
    for (const { wallet, balance, reserved, min_balance } of wallets) {
      const free = BigInt(balance) - BigInt(reserved);
      if (min_balance !== null && free <= BigInt(min_balance)) bad(`The wallet ${short(wallet)} of the relay has only ${sol(free)} left.`);
    }
    if (webhooks.dead > 0) warn(`${count(webhooks.dead)} messages to webhooks were given up in the last day.`);
  }
  return alerts.sort((a, b) => a.kind.localeCompare(b.kind));
}
