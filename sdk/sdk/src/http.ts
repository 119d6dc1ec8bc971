import type { Disclosure, OnRequest, Shown } from "./disclosure.js";
import { BautaError } from "./error.js";

/** A request to a service. */
export interface ServiceRequest {
  /** The route with its parameters. */
  readonly path: string;
  /** The route without its parameters, for the disclosure. */
  readonly route: string;
  /** What the request shows besides the network address. */
  readonly shows: readonly Shown[];
  /** The body: JSON, or bytes of the type `type`. With one, the request is a POST. */
  readonly body?: unknown;
  /** The content type of a body of bytes. */
  readonly type?: string;
  /** Further fields of the header. */
  readonly fields?: Readonly<Record<string, string>>;
  /** Whether the request is sent directly even if others go through a relay of Oblivious HTTP. */
  readonly direct?: boolean;
  /** An API key. */
  readonly key?: string | undefined;
  /** The longest answer in bytes. The default is 1 MiB. */
  readonly limit?: number;
  /** How the browser's cache is used. */
  readonly cache?: RequestCache;
  readonly signal?: AbortSignal | undefined;
}

/** A request as it is sent. */
export interface Message {
  readonly method: string;
  /** The route with its parameters. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array<ArrayBuffer> | null;
  /** The longest answer in bytes. */
  readonly limit: number;
  readonly signal: AbortSignal;
}

/** Sends requests through a relay of Oblivious HTTP, and reports that the relay sees the client. */
export type Tunnel = (message: Message, report: () => void) => Promise<Response>;

const DEFAULT_LIMIT = 1 << 20;
/** The time within which an answer must be complete: of the default length, or longer. */
const [SHORT_MS, LONG_MS] = [60_000, 300_000] as const;
const MAX_PROBLEM = 16 << 10;

/** An error answer of a service. */
export class Refusal extends BautaError {
  constructor(
    readonly status: number,
    /** The service's own error code. */
    readonly problem: string,
    detail: string,
  ) {
    super("api-refused", `the service answered ${status} ${problem}: ${detail}`, remedyOf(status));
  }
}

/** Returns whether an error says that a service can't answer now, and can do so later. */
export function isTransient(error: unknown): error is BautaError {
  if (error instanceof Refusal) return error.status === 429 || error.status >= 500;
  return error instanceof BautaError && error.code === "api-unreachable";
}

/** Returns whether an error says that the API does not know something. */
export function isUnknown(error: unknown): boolean {
  return error instanceof Refusal && error.status === 404;
}

function remedyOf(status: number): string {
  if (status === 429) return "Wait a minute, then retry.";
  return status >= 500 ? "Retry later." : "See the error codes in docs/api-service.md.";
}

/** A client of the API, of the prover service, or of a host of files. */
export class Service {
  readonly url: string;

  constructor(
    url: string | URL,
    private readonly to: Exclude<Disclosure["to"], "node">,
    private readonly onRequest: OnRequest | undefined,
    private readonly tunnel?: Tunnel,
  ) {
    this.url = String(url).replace(/\/+$/, "");
  }

  /** Whether this is the prover service. */
  get isProver(): boolean {
    return this.to === "prover";
  }

  /** Returns a client of another service, which reports its requests as this one does. */
  other(url: string | URL, to: "prover" | "file" | "ohttp-relay"): Service {
    return new Service(url, to, this.onRequest);
  }

  /** Reports a request before it is sent. */
  #disclose(request: string, shows: readonly Shown[], isOblivious = false): void {
    const seen: readonly Shown[] = isOblivious ? shows : ["network address", ...shows];
    this.onRequest?.({ to: this.to, host: new URL(this.url).host, request, shows: seen });
  }

  /** Returns the bytes of an answer. */
  async bytes(request: ServiceRequest): Promise<Uint8Array<ArrayBuffer>> {
    const { route, limit = DEFAULT_LIMIT, signal } = request;
    const bytes = await timeLimited(signal, limit > DEFAULT_LIMIT ? LONG_MS : SHORT_MS, async (limited) => {
      const response = await this.answer(request, limited);
      if (!response.ok) throw await refusal(response);
      return boundedBody(response, limit).catch((cause) => this.#failed(cause, signal));
    });
    if (!bytes) throw malformed(`the answer of ${route} has more than ${limit} bytes`);
    return bytes;
  }

  /** Reports and sends a request. `limited` ends it, and is aborted with its signal. */
  async answer(request: ServiceRequest, limited: AbortSignal): Promise<Response> {
    const { path, route, shows, body, type, fields, key, signal, direct, limit = DEFAULT_LIMIT, cache = "default" } = request;
    const method = body === undefined ? "GET" : "POST";
    const headers: Record<string, string> = { ...fields };
    if (body !== undefined) headers["content-type"] = type ?? "application/json";
    if (key !== undefined) headers["authorization"] = `Bearer ${key}`;
    const isBytes = body instanceof Uint8Array;
    const bytes = body === undefined ? null : isBytes ? Uint8Array.from(body) : new TextEncoder().encode(JSON.stringify(body));
    if (this.tunnel && !direct) {
      const report = () => this.#disclose(`${method} ${route}`, shows, true);
      return this.tunnel({ method, path, headers, body: bytes, limit, signal: limited }, report);
    }
    this.#disclose(`${method} ${route}`, shows);
    const options: RequestInit = { method, headers, body: bytes, signal: limited, cache };
    return send(this.url + path, options).catch((cause) => this.#failed(cause, signal));
  }

  #failed(cause: unknown, signal: AbortSignal | undefined): never {
    if (signal?.aborted) throw signal.reason;
    throw new BautaError("api-unreachable", `the service ${this.url} does not answer: ${String(cause)}`, "Retry later.", {
      cause,
    });
  }

  /** Returns the JSON object of an answer. */
  async json(request: ServiceRequest): Promise<Reader> {
    // A browser repeats a stale read by itself, and such a request would not be reported.
    const bytes = await this.bytes({ ...request, cache: "no-cache" });
    try {
      return new Reader(JSON.parse(new TextDecoder().decode(bytes)), request.route);
    } catch (error) {
      if (error instanceof BautaError) throw error;
      throw malformed(`the answer of ${request.route} is not JSON`);
    }
  }
}

async function refusal(response: Response): Promise<Refusal> {
  const bytes = await boundedBody(response, MAX_PROBLEM).catch(() => undefined);
  let problem: { code?: unknown; detail?: unknown } = {};
  try {
    problem = JSON.parse(new TextDecoder().decode(bytes)) ?? {};
  } catch {
    // A proxy in between can answer with any text.
  }
  const text = (value: unknown) => (typeof value === "string" ? value.slice(0, 500) : "");
  return new Refusal(response.status, text(problem.code) || "error", text(problem.detail) || "no description");
}

/**
 * Sends a request without credentials. A redirect is an error, because its target would get a
 * request that was not reported.
 */
export function send(url: string | URL | Request, options: RequestInit): Promise<Response> {
  return fetch(url, { ...options, credentials: "omit", redirect: "error" });
}

/** Calls `work` with a signal that is aborted with `signal`, or after a limit of time. */
export async function timeLimited<T>(
  signal: AbortSignal | undefined,
  ms: number,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  const controller = new AbortController();
  const abort = () => controller.abort(signal!.reason);
  const late = () => controller.abort(new DOMException(`no complete answer within ${ms / 1000} seconds`, "TimeoutError"));
  const timer = setTimeout(late, ms);
  signal?.addEventListener("abort", abort);
  try {
    return await work(controller.signal);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  }
}

/** Creates the error for an answer that is not as described. */
export function malformed(message: string): BautaError {
  return new BautaError("api-malformed", message, "Use another API, or update the SDK.");
}

/** Reads the fields of a JSON object that the caller doesn't trust. */
export class Reader {
  readonly #object: Record<string, unknown>;

  constructor(
    value: unknown,
    private readonly name: string,
  ) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw malformed(`${name} is not an object`);
    this.#object = value as Record<string, unknown>;
  }

  /** Returns a text. */
  text(field: string): string {
    return this.#typed(field, "string") as string;
  }

  /** Returns a text, or `null`. */
  optional(field: string): string | null {
    return this.#object[field] == null ? null : this.text(field);
  }

  boolean(field: string): boolean {
    return this.#typed(field, "boolean") as boolean;
  }

  /** Returns an integer of at least 0. */
  count(field: string): number {
    const value = this.#typed(field, "number") as number;
    if (!Number.isSafeInteger(value) || value < 0) throw malformed(`${this.name}: ${field} is not a count`);
    return value;
  }

  /** Returns a value that `read` converts from a text. */
  value<T>(field: string, read: (text: string) => T): T {
    const text = this.text(field);
    try {
      return read(text);
    } catch (error) {
      if (error instanceof BautaError) throw error;
      throw malformed(`${this.name}: ${field} is invalid: ${(error as Error).message}`);
    }
  }

  /** Returns the objects of a list. */
  list(field: string): Reader[] {
    return this.#array(field).map((value) => new Reader(value, `${this.name}: ${field}`));
  }

  /** Returns the texts of a list, converted by `read`. */
  values<T>(field: string, read: (text: string) => T): T[] {
    return this.#array(field).map((value) => new Reader({ value }, `${this.name}: ${field}`).value("value", read));
  }

  object(field: string): Reader {
    return new Reader(this.#object[field], `${this.name}: ${field}`);
  }

  #array(field: string): unknown[] {
    const value = this.#object[field];
    if (!Array.isArray(value)) throw malformed(`${this.name}: ${field} is not a list`);
    return value;
  }

  #typed(field: string, type: string): unknown {
    const value = this.#object[field];
    if (typeof value !== type) throw malformed(`${this.name}: ${field} is not a ${type}`);
    return value;
  }
}

/** Reads an unsigned integer of 64 bits in decimal digits. */
export function unsigned(text: string): bigint {
  if (!/^\d{1,20}$/.test(text) || BigInt(text) >= 1n << 64n) throw new RangeError("it must be an integer of 64 bits");
  return BigInt(text);
}

/**
 * Reads a body of at most `limit` bytes. Returns `undefined` if it is longer, and reads no more of
 * it.
 */
export async function boundedBody(response: Response, limit: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const parts: Uint8Array[] = [];
  let length = 0;
  const reader = response.body?.getReader();
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
    if (done) break;
    length += value.length;
    if (length > limit) {
      await reader?.cancel();
      return undefined;
    }
    parts.push(value);
  }
  return concat(parts);
}

/** Joins byte strings. */
export function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}
