// The chain of hashes of the audit log, and its signed checkpoints: docs/api-service.md, Audit log.

import type { AuditRecord } from "./types.js";

const DOMAIN = new TextEncoder().encode("bauta audit log v1");
/** The type of Ed25519 keys in signed notes. */
const ED25519 = 1;

/** The end of a chain. */
export interface Head {
  readonly records: bigint;
  readonly hash: Uint8Array<ArrayBuffer>;
}

export const EMPTY: Head = { records: 0n, hash: new Uint8Array(32) };

/** A record breaks the chain. */
export class Broken extends Error {
  constructor(
    readonly record: bigint,
    why: string,
  ) {
    super(`Record ${record} breaks the chain: ${why}.`);
  }
}

/** Adds records to a chain. Fails at the first one that breaks it. */
export async function extend(head: Head, records: readonly AuditRecord[]): Promise<Head> {
  let { records: number, hash } = head;
  for (const record of records) {
    number += 1n;
    if (BigInt(record.number) !== number) throw new Broken(number, `the log continues with record ${record.number}`);
    hash = await hashOf(hash, record);
    if (hex(hash) !== record.hash) throw new Broken(number, "its hash is not that of its contents and of the record before");
  }
  return { records: number, hash };
}

async function hashOf(previous: Uint8Array, record: AuditRecord): Promise<Uint8Array<ArrayBuffer>> {
  const parts = [DOMAIN, previous, bytesOf(BigInt(record.number)), bytesOf(BigInt(record.at))];
  for (const text of [record.event, record.code, record.actor, record.subject]) {
    if (text === null) {
      parts.push(Uint8Array.of(0));
    } else {
      const bytes = new TextEncoder().encode(text);
      parts.push(Uint8Array.of(1), bytesOf(BigInt(bytes.length)), bytes);
    }
  }
  return new Uint8Array(await crypto.subtle.digest("SHA-256", joined(parts)));
}

/** Reads a signed note. Fails if `publicKey` (`NAME+ID+KEY`) has not signed it. */
export async function openNote(note: string, publicKey: string): Promise<Head> {
  const [, keyId = "", key = ""] = /^.+?\+([0-9a-f]{8})\+(.+)$/.exec(publicKey) ?? [];
  const [text, signatures = ""] = note.split("\n\n");
  const signed = fromBase64(/^— \S+ (\S+)$/m.exec(signatures)?.[1] ?? "");
  const bytes = fromBase64(key);
  if (bytes[0] !== ED25519 || hex(signed.slice(0, 4)) !== `0x${keyId}`) throw new Error("The checkpoint is not signed with the key of the log.");
  const imported = await crypto.subtle.importKey("raw", bytes.slice(1), "Ed25519", false, ["verify"]);
  const message = new TextEncoder().encode(`${text}\n`);
  if (!(await crypto.subtle.verify("Ed25519", imported, signed.slice(4), message))) throw new Error("The signature of the checkpoint is not valid.");
  const [, records = "", hash = ""] = text!.split("\n");
  return { records: BigInt(records), hash: fromBase64(hash) };
}

/** Returns 8 bytes, the most significant first. */
function bytesOf(value: bigint): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigInt64(0, value);
  return bytes;
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export const hex = (bytes: Uint8Array) => `0x${[...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;

const fromBase64 = (text: string) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
