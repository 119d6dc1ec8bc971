// A prover in the process of the tests: poseidon-lite and the package's derivation of secrets, and
// no proof.

import { getAddressDecoder } from "@solana/kit";
import { poseidon1, poseidon3, poseidon5 } from "poseidon-lite";

import { secretOf, type SecretEntry } from "../src/identity.ts";
import {
  deriveSecret,
  field,
  fieldFromBytes,
  fieldToBytes,
  type EntrySecret,
  type Identity,
  type Prover,
  type ProvingKey,
} from "../src/index.ts";

/** The proof that the prover makes. It is the only one that it calls valid. */
export const PROOF = new Uint8Array(256).fill(1);

/** Opens a master secret, and derives the secret of an entry. */
async function open({ key, iv, sealed, registry, entryId, counter }: EntrySecret): Promise<Uint8Array> {
  const master = new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv }, key, sealed));
  return deriveSecret(master, getAddressDecoder().decode(registry), fieldFromBytes(entryId), counter);
}

/** Returns the secret of an entry of an identity. */
export async function secretIn(identity: Identity, entry: SecretEntry): Promise<bigint> {
  return fieldFromBytes(await open(secretOf(identity, entry)));
}

export class FalseProver implements Prover {
  constructor(
    readonly key: ProvingKey,
    private readonly forge: (output: Uint8Array) => void = () => undefined,
  ) {}

  #hasKey = false;

  async commitment(secret: EntrySecret): Promise<Uint8Array> {
    return fieldToBytes(field(poseidon1([fieldFromBytes(await open(secret))])));
  }

  async nullifier(secret: EntrySecret, scope: Uint8Array): Promise<Uint8Array> {
    const [bytes, entryId] = [fieldFromBytes(await open(secret)), fieldFromBytes(secret.entryId)];
    return fieldToBytes(field(poseidon3([bytes, entryId, fieldFromBytes(scope)])));
  }

  async prove(secret: EntrySecret, inputs: Uint8Array, load: () => Promise<Uint8Array>): Promise<Uint8Array> {
    // As the prover of the package, it loads the key once.
    if (!this.#hasKey) await load();
    this.#hasKey = true;
    const at = (number: number) => fieldFromBytes(inputs.slice(32 * number, 32 * number + 32));
    const [root, scope, claim, context] = [at(2), at(3), at(4), at(5)];
    const nullifier = fieldFromBytes(await this.nullifier(secret, fieldToBytes(scope)));
    const digest = poseidon5([root, nullifier, scope, claim, context]);
    const values = [root, nullifier, scope, claim, context, digest].map((value) => fieldToBytes(field(value)));
    const output = Uint8Array.from(Buffer.concat([PROOF, ...values]));
    this.forge(output);
    return output;
  }

  async verify(_: Uint8Array, proof: Uint8Array): Promise<boolean> {
    return Buffer.from(PROOF).equals(proof);
  }

  /** Seals nothing: the false prover service does not open it. */
  async seal(): Promise<Uint8Array> {
    return new Uint8Array(200);
  }

  end(): void {}
}
