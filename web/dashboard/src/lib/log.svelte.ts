import { EMPTY, extend, hex, openNote, type Head } from "./audit.js";
import { Problem, Unreachable } from "./problem.js";
import type { Session } from "./session.svelte.js";
import type { AuditRecord } from "./types.js";

/** Number of records that the page keeps. All are hashed. */
const KEPT = 500;
/** Time between two looks for new records, in milliseconds. */
const INTERVAL = 10_000;
/** Time before a request that failed is repeated, in milliseconds. */
const PAUSE = 2_000;

/** The audit log: read from its first record, and checked in this page. */
export class Log {
  /** The newest records, newest first. */
  records = $state.raw<readonly AuditRecord[]>([]);
  /** The number of records whose hashes are right. */
  checked = $state(0n);
  /** Whether all records were read. */
  isComplete = $state(false);
  /** The number of records of the signed checkpoint that the chain agrees with. */
  sealed = $state.raw<bigint>();
  /** The signer of the checkpoint: its name and key. */
  signer = $state("");
  /** What is wrong with the log, or why it can't be read. */
  error = $state.raw<unknown>();
  #head: Head = EMPTY;
  #cursor: string | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isStopped = false;

  constructor(private readonly session: Session) {}

  /** Reads what is new, checks it, and continues until `stop`. */
  async follow(): Promise<void> {
    let wait = INTERVAL;
    try {
      const checkpoint = await this.session.api.get<{ note: string; public_key: string }>("/v1/audit/checkpoint");
      const signed = await openNote(checkpoint.note, checkpoint.public_key);
      // Records after the checkpoint can already be here. Its own hash is compared on the way.
      const isHere = this.#head.records === signed.records ? hex(this.#head.hash) : await this.#readTo(signed.records);
      if (isHere !== undefined && isHere !== hex(signed.hash)) throw new Error(`The signed checkpoint has another hash for record ${signed.records}.`);
      if (isHere !== undefined) [this.sealed, this.signer] = [signed.records, checkpoint.public_key];
      this.error = undefined;
    } catch (error) {
      this.error = error;
      const isPassing = error instanceof Unreachable || (error instanceof Problem && (error.status === 429 || error.status >= 500));
      if (!isPassing) return;
      wait = error instanceof Problem ? (error.retryAfter ?? 0) * 1_000 + PAUSE : PAUSE;
    }
    if (!this.#isStopped) this.#timer = setTimeout(() => void this.follow(), wait);
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  /** Reads and checks all records. Returns the hash of one of them, if it was among those read. */
  async #readTo(wanted: bigint): Promise<string | undefined> {
    let found: string | undefined;
    for (;;) {
      const parameters = new URLSearchParams({ limit: "100", ...(this.#cursor ? { cursor: this.#cursor } : {}) });
      const page = await this.session.api.get<{ data: AuditRecord[]; next: string | null }>(`/v1/audit?${parameters}`);
      // A page that was the last one is read again, because it can have grown.
      const fresh = page.data.filter(({ number }) => BigInt(number) > this.#head.records);
      this.#head = await extend(this.#head, fresh);
      found = fresh.find(({ number }) => BigInt(number) === wanted)?.hash ?? found;
      this.records = [...[...fresh].reverse(), ...this.records].slice(0, KEPT);
      this.checked = this.#head.records;
      if (page.next === null || this.#isStopped) break;
      this.#cursor = page.next;
    }
    this.isComplete = true;
    return found;
  }
}

