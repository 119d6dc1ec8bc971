// Oblivious HTTP (RFC 9458), so that the API does not learn the network address of a request:
// docs/api-service.md, Oblivious HTTP.
//
//   client --encrypted--> relay, which knows the address --> gateway of the API, which decrypts
//
// A gateway that could make a client read its keys again, and repeat a request, would learn whose
// address the request has. So the keys are read once. If the gateway does not know them, they are
// read again at a random time, and the caller decides whether to repeat the request.

import { Chacha20Poly1305 } from "@hpke/chacha20poly1305";
import { CipherSuite, HkdfSha256 } from "@hpke/core";
import { DhkemX25519HkdfSha256 } from "@hpke/dhkem-x25519";

import { readResponse, writeRequest } from "./binary-http.js";
import { equal } from "./bytes.js";
import { BautaError } from "./error.js";
import { concat, malformed, Refusal, type Message, type Service } from "./http.js";

/** A relay of Oblivious HTTP, which passes requests on to the API without the client's address. */
export interface ObliviousHttp {
  /** The URL of the relay. The relay and the API must have different operators. */
  readonly relay: string | URL;
  /**
   * A second source of the keys of the gateway, for example a server of the dApp. Both sources must
   * give the same. Without it, an API can recognise a client by a key that it gives to no other.
   */
  readonly keys?: string | URL;
}

type Bytes = Uint8Array<ArrayBuffer>;

const ROUTE = "/.well-known/ohttp-gateway";
const MAX_KEYS = 4_096;
/** The keys are read again within this time, at a random moment. */
const REREAD_MS = 600_000;
/** DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305 (RFC 9180, section 7). */
const KEM = 0x0020;
const [KDF, AEAD] = [0x0001, 0x0003] as const;
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
/** An answer has at most this many bytes besides its body, and is padded to a power of two. */
const MAX_FIELDS = 4_096;

const text = new TextEncoder();

/** A key of the gateway. */
interface GatewayKey {
  /** The number of the key and the algorithms: the begin of each request. */
  readonly header: Bytes;
  readonly publicKey: Bytes;
}

/** The gateway of an API, and the relay before it. */
export class Gateway {
  #key: Promise<GatewayKey> | undefined;
  /** Whether the gateway has refused the key, until it is read again. */
  #isRefused = false;
  readonly #relay: Service;
  readonly #second: Service | undefined;

  constructor(
    private readonly api: Service,
    { relay, keys }: ObliviousHttp,
  ) {
    this.#relay = api.other(relay, "ohttp-relay");
    this.#second = keys === undefined ? undefined : api.other(keys, "file");
  }

  /** Sends a request through the relay. `report` reports what the gateway sees. */
  async send(message: Message, report: () => void): Promise<Response> {
    if (this.#isRefused) throw unknownKey();
    const reading = (this.#key ??= this.#read());
    const key = await reading.catch((error: unknown) => {
      // Nothing was sent yet, so the next request can read the keys again.
      if (this.#key === reading) this.#key = undefined;
      throw error;
    });
    const { method, path, headers, body, limit, signal } = message;
    const plain = writeRequest({ method, authority: new URL(this.api.url).host, path, headers, body });
    const { encapsulated, open } = await encapsulate(key, plain);
    report();
    const sealed = await this.#relay
      .bytes({
        path: "",
        route: new URL(this.#relay.url).pathname,
        shows: [],
        body: encapsulated,
        type: "message/ohttp-req",
        limit: 2 * (limit + MAX_FIELDS),
        cache: "no-store",
        signal,
      })
      .catch((error: unknown) => {
        if (!isUnknownKey(error)) throw error;
        this.#refuse();
        throw unknownKey();
      });
    return readResponse(await open(sealed));
  }

  async #read(): Promise<GatewayKey> {
    const read = (service: Service, path: string, route: string) =>
      service.bytes({ path, route, shows: [], limit: MAX_KEYS });
    const [keys, others] = await Promise.all([
      read(this.api, ROUTE, ROUTE),
      this.#second && read(this.#second, "", new URL(this.#second.url).pathname),
    ]);
    if (others && !equal(keys, others)) throw falseKey(`${this.#second!.url} gives other keys than ${this.api.url}`);
    return keyIn(keys);
  }

  /** Refuses requests until the key was read again, at a random time. */
  #refuse(): void {
    if (this.#isRefused) return;
    this.#isRefused = true;
    this.#readLater();
  }

  #readLater(): void {
    const share = crypto.getRandomValues(new Uint32Array(1))[0]! / 2 ** 32;
    const again = async () => {
      try {
        this.#key = Promise.resolve(await this.#read());
        this.#isRefused = false;
      } catch {
        this.#readLater();
      }
    };
    const timer: unknown = setTimeout(() => void again(), share * REREAD_MS);
    // A process of Node.js can end before.
    (timer as { unref?(): void }).unref?.();
  }
}

/** Returns the first key of a list that this client can use (RFC 9458, section 3). */
function keyIn(list: Uint8Array): GatewayKey {
  const view = new DataView(list.buffer, list.byteOffset, list.byteLength);
  try {
    for (let at = 0; at < list.length; ) {
      const end = at + 2 + view.getUint16(at);
      const [kem, algorithms] = [view.getUint16(at + 3), at + 5 + KEY_BYTES];
      if (kem === KEM && end <= list.length) {
        for (let pair = algorithms + 2; pair < Math.min(end, algorithms + 2 + view.getUint16(algorithms)); pair += 4) {
          if (view.getUint16(pair) !== KDF || view.getUint16(pair + 2) !== AEAD) continue;
          const header = concat([list.subarray(at + 2, at + 5), list.subarray(pair, pair + 4)]);
          return { header, publicKey: list.slice(at + 5, algorithms) as Bytes };
        }
      }
      at = end;
    }
  } catch {
    // The list ends within a key.
  }
  throw falseKey("it has no key for DHKEM(X25519), HKDF-SHA256 and ChaCha20-Poly1305");
}

/** Encrypts a request. `open` decrypts its response (RFC 9458, section 4). */
async function encapsulate({ header, publicKey }: GatewayKey, request: Bytes) {
  const aead = new Chacha20Poly1305();
  const suite = new CipherSuite({ kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead });
  const info = concat([text.encode("message/bhttp request\0"), header]);
  const recipientPublicKey = await suite.kem.deserializePublicKey(publicKey).catch((cause: unknown) => {
    throw falseKey(String(cause));
  });
  const sender = await suite.createSenderContext({ recipientPublicKey, info });
  const enc = new Uint8Array(sender.enc);
  const sealed = new Uint8Array(await sender.seal(request));
  const secret = await sender.export(text.encode("message/bhttp response"), KEY_BYTES);
  const open = async (response: Uint8Array): Promise<Bytes> => {
    const salt = concat([enc, response.subarray(0, KEY_BYTES)]);
    const base = await crypto.subtle.importKey("raw", secret, "HKDF", false, ["deriveBits"]);
    const derive = (label: string, bytes: number) =>
      crypto.subtle.deriveBits({ name: "HKDF", hash: "SHA-256", salt, info: text.encode(label) }, base, 8 * bytes);
    const [key, nonce] = await Promise.all([derive("key", KEY_BYTES), derive("nonce", NONCE_BYTES)]);
    try {
      return new Uint8Array(await aead.createEncryptionContext(key).open(nonce, response.slice(KEY_BYTES), new Uint8Array()));
    } catch {
      throw malformed("the response of the gateway can't be decrypted: the relay has changed or replaced it");
    }
  };
  return { encapsulated: concat([header, enc, sealed]), open };
}

/** Returns whether the gateway refused the key. A relay can leave out the gateway's explanation. */
function isUnknownKey(error: unknown): boolean {
  return error instanceof Refusal && [400, 422].includes(error.status) && ["unknown_ohttp_key", "error"].includes(error.problem);
}

function unknownKey(): BautaError {
  return new BautaError(
    "unknown-ohttp-key",
    "the gateway does not know the key of this client, which is read again within ten minutes",
    "Repeat the request in ten minutes. It is not repeated by itself, because that would show its sender.",
  );
}

function falseKey(reason: string): BautaError {
  return new BautaError("false-ohttp-key", `the keys of the gateway are not usable: ${reason}`, "Retry later, or use another API.");
}
