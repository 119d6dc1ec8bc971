// Messages of Binary HTTP with known length (RFC 9292).

import { concat, malformed } from "./http.js";

type Bytes = Uint8Array<ArrayBuffer>;

const REQUEST = 0;
const RESPONSE = 1;
/** A request has one of few lengths, up to the largest one: longer requests are not padded. */
const [SMALLEST, LARGEST] = [1 << 10, 1 << 16] as const;
/** Statuses whose responses have no body. */
const WITHOUT_BODY = [204, 205, 304];

const encoder = new TextEncoder();

/** A request. */
interface Request {
  readonly method: string;
  readonly authority: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | null;
}

/** Writes a request, and pads it with zeros: the relay sees its length. */
export function writeRequest({ method, authority, path, headers, body }: Request): Bytes {
  const fields = Object.entries(headers).flatMap(([name, value]) => [sized(name), sized(value)]);
  const message = concat([
    Uint8Array.of(REQUEST),
    ...[method, "https", authority, path].map(sized),
    sized(concat(fields)),
    sized(body ?? new Uint8Array()),
  ]);
  let length = SMALLEST;
  while (length < message.length) length *= 2;
  return length > LARGEST ? message : concat([message, new Uint8Array(length - message.length)]);
}

/** Reads a response. */
export function readResponse(message: Uint8Array): Response {
  const parts = new Parts(message);
  if (parts.integer() !== RESPONSE) throw malformed("the response of the gateway is not one of known length");
  let status: number;
  let fields: Parts;
  do {
    status = parts.integer();
    fields = new Parts(parts.next());
  } while (status < 200 && !parts.isOver);
  const body = parts.isOver ? new Uint8Array() : parts.next();
  if (status < 200 || status > 599) throw malformed(`the response of the gateway has the status ${status}`);
  const headers = new Headers();
  try {
    while (!fields.isOver) headers.append(fields.text(), fields.text());
  } catch (cause) {
    throw malformed(`the response of the gateway has an invalid field: ${String(cause)}`);
  }
  return new Response(WITHOUT_BODY.includes(status) ? null : Uint8Array.from(body), { status, headers });
}

/** The parts of a message, one after the other. */
class Parts {
  #at = 0;

  constructor(private readonly bytes: Uint8Array) {}

  get isOver(): boolean {
    return this.#at === this.bytes.length;
  }

  /** Reads an integer (RFC 9000, section 16). */
  integer(): number {
    const [first] = this.#take(1);
    const rest = this.#take((1 << (first! >> 6)) - 1);
    return rest.reduce((value, byte) => value * 256 + byte, first! & 0x3f);
  }

  /** Reads bytes after their length. */
  next(): Uint8Array {
    return this.#take(this.integer());
  }

  text(): string {
    return new TextDecoder().decode(this.next());
  }

  #take(length: number): Uint8Array {
    const start = this.#at;
    if (start + length > this.bytes.length) throw malformed("the response of the gateway ends too early");
    this.#at += length;
    return this.bytes.subarray(start, this.#at);
  }
}

/** Returns bytes or a text after their length. */
function sized(part: Uint8Array | string): Bytes {
  const bytes = typeof part === "string" ? encoder.encode(part) : part;
  return concat([integer(bytes.length), bytes]);
}

/** Writes an integer below 2³⁰ (RFC 9000, section 16). */
function integer(value: number): Bytes {
  if (value < 1 << 6) return Uint8Array.of(value);
  const wide = value < 1 << 14 ? 2 : 4;
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  const used = bytes.slice(4 - wide);
  used[0]! |= wide === 2 ? 0x40 : 0x80;
  return used;
}
