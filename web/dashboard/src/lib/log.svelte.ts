import { EMPTY, extend, hex, openNote, type Head } from "./audit.js";
import { Problem, Unreachable } from "./problem.js";
import type { Session } from "./session.svelte.js";
import type { AuditRecord, Seal } from "./types.js";

/** Number of records that the page keeps. All are hashed. */
const KEPT = 500;
/** Number of compared checkpoints that the page keeps. All are compared. */
const KEPT_SEALS = 100;
/** Time between two looks for new records, in milliseconds. */
const INTERVAL = 10_000;
/** Time before a request that failed is repeated, in milliseconds. */
const PAUSE = 2_000;

/** A page of a list. */
interface Page<T> {
  readonly data: T[];
  readonly next: string | null;
}

/** A stored checkpoint, and what its comparison with the records has shown. */
export interface ComparedSeal {
  readonly at: number;
  readonly records: bigint;
  readonly result: "agrees" | "other hash" | "other key" | "missing records";
}

/**
 * The audit log: read from its first record, checked in this page, and compared with each checkpoint
 * that the service has stored.
 */
export class Log {
  /** The newest records, newest first. */
  records = $state.raw<readonly AuditRecord[]>([]);
  /** The number of records whose hashes are right. */
  checked = $state(0n);
  /** Whether all records were read. */
  isComplete = $state(false);
  /** The checkpoints that were compared, newest first. */
  seals = $state.raw<readonly ComparedSeal[]>([]);
  /** The numbers of checkpoints that agree with the records, and that do not. */
  agreeing = $state(0);
  contradicting = $state(0);
  /** The number of records of the newest checkpoint, which agrees with the records. */
  sealed = $state.raw<bigint>();
  /** The signer of the checkpoint: its name and key. */
  signer = $state("");
  /** What is wrong with the log, or why it can't be read. */
  error = $state.raw<unknown>();
  #head: Head = EMPTY;
  /** The hashes of all records. That of record 1 is the first. */
  #hashes: string[] = [];
  #cursor: string | null = null;
  #sealCursor: string | null = null;
  /** The checkpoints up to this number of records were compared. */
  #sealsTo = 0n;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isStopped = false;

  constructor(private readonly session: Session) {}

  /** Reads what is new, checks it, and continues until `stop`. */
  async follow(): Promise<void> {
    let wait = INTERVAL;
    try {
      // First, so that a record that is not right is found even if the service signs nothing.
      await this.#readRecords();
      const { note, public_key } = await this.session.api.get<{ note: string; public_key: string }>("/v1/audit/checkpoint");
      const signed = await openNote(note, public_key);
      const { seals, cursor } = await this.#newSeals();
      // Now there are all records that the checkpoints name.
      await this.#readRecords();
      if (this.#isStopped) return;
      for (const seal of seals) await this.#compare(seal, public_key);
      this.#sealCursor = cursor;
      this.signer = public_key;
      if (this.#hashAt(signed.records) !== hex(signed.hash)) {
        throw new Error(`The newest checkpoint has another hash for record ${signed.records} than the log.`);
      }
      this.sealed = signed.records;
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

  /** Reads and checks the records that are new. */
  async #readRecords(): Promise<void> {
    for await (const { data, next } of this.#pages<AuditRecord>("/v1/audit", this.#cursor)) {
      // A page that was the last one is read again, because it can have grown.
      const fresh = data.filter(({ number }) => BigInt(number) > this.#head.records);
      this.#head = await extend(this.#head, fresh);
      this.#hashes.push(...fresh.map(({ hash }) => hash));
      this.records = [...[...fresh].reverse(), ...this.records].slice(0, KEPT);
      this.checked = this.#head.records;
      this.#cursor = next ?? this.#cursor;
    }
    this.isComplete = true;
  }

  /** Returns the checkpoints that were not compared yet, the oldest first, and the last page of them. */
  async #newSeals(): Promise<{ seals: Seal[]; cursor: string | null }> {
    const seals: Seal[] = [];
    let cursor = this.#sealCursor;
    for await (const { data, next } of this.#pages<Seal>("/v1/audit/seals", cursor)) {
      seals.push(...data.filter(({ records }) => BigInt(records) > this.#sealsTo));
      cursor = next ?? cursor;
    }
    return { seals, cursor };
  }

  async *#pages<T>(path: string, from: string | null): AsyncGenerator<Page<T>> {
    for (let cursor = from; !this.#isStopped; ) {
      const parameters = new URLSearchParams({ limit: "100", ...(cursor ? { cursor } : {}) });
      const page = await this.session.api.get<Page<T>>(`${path}?${parameters}`);
      yield page;
      if (page.next === null) return;
      cursor = page.next;
    }
  }

  /** Compares the records with a checkpoint. */
  async #compare(seal: Seal, publicKey: string): Promise<void> {
    const records = BigInt(seal.records);
    const result = await openNote(seal.note, publicKey).then(
      (head): ComparedSeal["result"] => {
        const known = this.#hashAt(head.records);
        if (known === undefined) return "missing records";
        return known === hex(head.hash) && head.records === records ? "agrees" : "other hash";
      },
      () => "other key" as const,
    );
    this.#sealsTo = records;
    if (result === "agrees") this.agreeing += 1;
    else this.contradicting += 1;
    this.seals = [{ at: seal.at, records, result }, ...this.seals].slice(0, KEPT_SEALS);
  }

  /** Returns the hash of the chain up to a record. */
  #hashAt(record: bigint): string | undefined {
    return record === 0n ? hex(EMPTY.hash) : this.#hashes[Number(record) - 1];
  }
}
