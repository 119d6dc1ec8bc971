import { notLoaded } from "./error.js";

/** A build of the module: `fused` needs relaxed SIMD. */
export type Build = "fused" | "baseline";

/** A proving key that the dApp pins. */
export interface ProvingKey {
  /** The SHA-256 of the file, as `bauta-circuits web-key` prints it. */
  readonly sha256: string;
  /** Where the file is. The default is the API. */
  readonly url?: string | URL;
}

/** A master secret of 32 bytes that a key seals with AES-GCM. The page can't read it. */
export interface SealedMaster {
  readonly key: CryptoKey;
  readonly iv: Uint8Array<ArrayBuffer>;
  readonly sealed: Uint8Array<ArrayBuffer>;
}

/**
 * The secret of an entry of a registry. It is derived in the worker, and overwritten after its use.
 */
export interface EntrySecret extends SealedMaster {
  /** The address of the registry: 32 bytes. */
  readonly registry: Uint8Array;
  /** The entry id: 32 big-endian bytes. */
  readonly entryId: Uint8Array;
  /** The number of times that the member has replaced the secret. */
  readonly counter: number;
}

/**
 * How a secret is sealed: HPKE with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and ChaCha20Poly1305.
 */
export interface SealRequest {
  /** The public key: 32 bytes. */
  readonly publicKey: Uint8Array;
  readonly info: Uint8Array;
  /** The associated data. */
  readonly associated: Uint8Array;
  /** The plaintext before the secret, which is 64 hexadecimal digits, and after it. */
  readonly before: Uint8Array;
  readonly after: Uint8Array;
}

/**
 * Computes with secrets, and makes proofs. {@link createProver} creates one; a dApp can have its
 * own.
 */
export interface Prover {
  /** The pinned proving key. A prover without one makes no proofs. */
  readonly key: ProvingKey | undefined;
  /** Computes the commitment to a secret: 32 big-endian bytes. */
  commitment(secret: EntrySecret): Promise<Uint8Array>;
  /** Computes the nullifier of a secret in a scope: 32 big-endian bytes, as the scope element. */
  nullifier(secret: EntrySecret, scope: Uint8Array): Promise<Uint8Array>;
  /**
   * Makes a proof from the inputs of docs/web-prover.md without the secret, and verifies it.
   *
   * @param load Returns the proving key. It is called if the prover does not have the key yet.
   * @returns The proof (256 bytes), then root, nullifier, scope, claim, context and digest.
   */
  prove(
    secret: EntrySecret,
    inputs: Uint8Array,
    load: () => Promise<Uint8Array>,
    signal?: AbortSignal,
  ): Promise<Uint8Array>;
  /**
   * Returns whether a proof is valid. The verifying key (576 bytes) and the proof (256 bytes) are
   * as the program takes them, and the digest is 32 big-endian bytes.
   */
  verify(verifyingKey: Uint8Array, proof: Uint8Array, digest: Uint8Array): Promise<boolean>;
  /**
   * Seals the secret of an entry to a prover service, which makes a proof instead of this device.
   *
   * @returns The encapsulated key (32 bytes), then the ciphertext.
   */
  seal(secret: EntrySecret, request: SealRequest): Promise<Uint8Array>;
  /** Ends the workers. The next call starts them again. */
  end(): void;
}

/** The parts of a worker of browsers and of Node.js that the prover needs. */
export interface WorkerLike {
  postMessage(message: unknown): void;
  terminate(): unknown;
  on?(event: "message" | "error", listener: (value: never) => void): unknown;
  ref?(): void;
  unref?(): void;
  onmessage?: unknown;
  onerror?: unknown;
}

/** How a prover is created. */
export interface ProverOptions {
  /** The pinned proving key. Without it, the prover makes no proofs. */
  readonly key?: ProvingKey;
  /**
   * The folder with `fused.wasm` and `baseline.wasm`, or a function that loads a module. The
   * default is the folder `assets` of the package, which Node.js and most bundlers find.
   */
  readonly wasm?: string | URL | ((build: Build) => Promise<WebAssembly.Module>);
  /** The number of workers. Two are faster and need twice the memory. The default is 1. */
  readonly workers?: 1 | 2;
  /**
   * Starts a worker of `assets/worker.js`, or of `assets/sealing-worker.js` if `sealing` is true.
   * Without it, a worker is started from a `blob:` URL.
   */
  readonly worker?: (sealing: boolean) => WorkerLike;
  /** The builds to try, in their order. */
  readonly builds?: readonly Build[];
}

/**
 * Creates a prover. It loads its code and starts its workers at the first call, and ends the
 * workers after 30 idle seconds.
 */
export function createProver(options: ProverOptions = {}): Prover {
  return new LazyProver(options);
}

/** Loads the prover at the first call, because most visits of a page need none. */
class LazyProver implements Prover {
  readonly key: ProvingKey | undefined;
  #loaded: Promise<Prover> | undefined;

  constructor(private readonly options: ProverOptions) {
    this.key = options.key;
  }

  commitment: Prover["commitment"] = async (...what) => (await this.#load()).commitment(...what);
  nullifier: Prover["nullifier"] = async (...what) => (await this.#load()).nullifier(...what);
  prove: Prover["prove"] = async (...what) => (await this.#load()).prove(...what);
  verify: Prover["verify"] = async (...what) => (await this.#load()).verify(...what);
  seal: Prover["seal"] = async (...what) => (await this.#load()).seal(...what);

  end(): void {
    void this.#loaded?.then((prover) => prover.end());
  }

  #load(): Promise<Prover> {
    const loaded = (this.#loaded ??= import("./workers.js").then(
      ({ WasmProver }) => new WasmProver(this.options),
      (cause: unknown) => Promise.reject(notLoaded("the code of the prover", cause)),
    ));
    loaded.catch(() => (this.#loaded = undefined));
    return loaded;
  }
}
