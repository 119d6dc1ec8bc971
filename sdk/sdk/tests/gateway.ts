// A relay of Oblivious HTTP with a gateway behind it. The gateway decrypts with the recipient's side
// of HPKE, and encrypts responses with the algorithms of Node.js.

import { createCipheriv, hkdfSync, randomBytes } from "node:crypto";

import { Chacha20Poly1305 } from "@hpke/chacha20poly1305";
import { CipherSuite, HkdfSha256 } from "@hpke/core";
import { DhkemX25519HkdfSha256 } from "@hpke/dhkem-x25519";

import { serve, type Answer } from "./world.ts";

const suite = new CipherSuite({ kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead: new Chacha20Poly1305() });
const ALGORITHMS = [0, 1, 0, 3];

/** What the gateway has decrypted. */
export interface Inner {
  readonly line: string;
  readonly headers: Readonly<Record<string, string>>;
}

export class TestGateway {
  /** The requests that the relay has passed on. */
  readonly inner: Inner[] = [];
  /** The lengths of the requests that the relay has seen. */
  readonly lengths: number[] = [];
  /** What the relay answers instead, to a request with this number. */
  instead: (sealed: Buffer | undefined) => Answer | undefined = () => undefined;
  #keys!: CryptoKeyPair;
  #id = 0;
  keys!: Buffer;
  url!: string;

  /** Starts a relay of a gateway that passes requests on to `api`. */
  static async start(api: string): Promise<TestGateway> {
    const gateway = new TestGateway();
    await gateway.replaceKeys();
    gateway.url = `${await serve((_, __, bytes) => gateway.#relay(api, bytes))}/relay`;
    return gateway;
  }

  /** Draws other keys. The gateway no longer knows those before. */
  async replaceKeys(): Promise<void> {
    this.#id += 1;
    this.#keys = await suite.kem.generateKeyPair();
    const key = Buffer.from(await suite.kem.serializePublicKey(this.#keys.publicKey));
    const config = Buffer.concat([Buffer.from([this.#id, 0, 0x20]), key, Buffer.from([0, 4, ...ALGORITHMS])]);
    // A key that this client can't use comes first.
    const unusable = Buffer.from([0, 0, 0x10, ...randomBytes(65), 0, 4, ...ALGORITHMS]);
    this.keys = Buffer.concat([unusable, config].flatMap((one) => [Buffer.from([0, one.length]), one]));
  }

  async #relay(api: string, request: Buffer): Promise<Answer> {
    this.lengths.push(request.length);
    const before = this.instead(undefined);
    if (before) return before;
    if (request[0] !== this.#id) return { status: 422, body: { code: "unknown_ohttp_key", detail: "read the keys again" } };
    const enc = request.subarray(7, 39);
    const info = Buffer.concat([Buffer.from("message/bhttp request\0"), request.subarray(0, 7)]);
    const recipient = await suite.createRecipientContext({ recipientKey: this.#keys, enc: Uint8Array.from(enc), info: Uint8Array.from(info) });
    const inner = Buffer.from(await recipient.open(Uint8Array.from(request.subarray(39))));
    const secret = Buffer.from(await recipient.export(Buffer.from("message/bhttp response"), 32));
    const nonce = randomBytes(32);
    const salt = Buffer.concat([enc, nonce]);
    const derive = (label: string, length: number) => Buffer.from(hkdfSync("sha256", secret, salt, label, length));
    const cipher = createCipheriv("chacha20-poly1305", derive("key", 32), derive("nonce", 12), { authTagLength: 16 });
    const answered = await this.#answer(api, inner);
    const sealed = Buffer.concat([nonce, cipher.update(answered), cipher.final(), cipher.getAuthTag()]);
    return this.instead(sealed) ?? { body: sealed };
  }

  async #answer(api: string, message: Buffer): Promise<Buffer> {
    let at = 1;
    const integer = () => {
      const bytes = 1 << (message[at]! >> 6);
      const value = message.readUIntBE(at, bytes) % 2 ** (8 * bytes - 2);
      at += bytes;
      return value;
    };
    const part = () => {
      const length = integer();
      return message.subarray(at, (at += length));
    };
    const [method, scheme, authority, path] = [part(), part(), part(), part()].map(String);
    if (message[0] !== 0 || scheme !== "https" || !authority) throw new Error("this is not a request of Binary HTTP");
    const end = integer() + at;
    const headers: Record<string, string> = {};
    while (at < end) headers[String(part())] = String(part());
    const body = part();
    if (!message.subarray(at).every((byte) => byte === 0)) throw new Error("the padding is not zero");
    this.inner.push({ line: `${method} ${path}`, headers });
    const response = await fetch(api + path, { method: method!, headers, body: method === "GET" ? null : Uint8Array.from(body) });
    const content = Buffer.from(await response.arrayBuffer());
    const fields = ["content-type", response.headers.get("content-type")!].map((text) => Buffer.concat([Buffer.from([text.length]), Buffer.from(text)]));
    const section = Buffer.concat(fields);
    const length = Buffer.alloc(4);
    length.writeUInt32BE((content.length | 0x8000_0000) >>> 0);
    const status = Buffer.from([0x40 | (response.status >> 8), response.status & 0xff]);
    // An informational response comes first, and padding follows.
    const parts = [Buffer.from([1, 0x40, 103, 0]), status, Buffer.from([section.length]), section, length, content, Buffer.alloc(500)];
    return Buffer.concat(parts);
  }
}
