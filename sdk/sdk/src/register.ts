// Registers an asset.

import type { Bauta } from "./bauta.js";
import type { Chain } from "./chain.js";
import { BautaError } from "./error.js";
import type { Field } from "./field.js";
import type { Service } from "./http.js";
import type { Identity, Registration, remember, SecretEntry, update } from "./identity.js";
import type { Membership } from "./members.js";
import { entryIdOf } from "./protocol.js";
import { registrationInstruction } from "./registration.js";
import { sendInstruction } from "./sending.js";
import type { Vault } from "./vault.js";

/** A registration whose index is known. */
export type Located = Registration & { readonly index: bigint };

/** What a registration needs of a client. */
export interface Registering {
  readonly api: Service;
  readonly chain: Chain;
  readonly vault: Vault;
  readonly remember: typeof remember;
  readonly update: typeof update;
  commitmentOf(identity: Identity, entry: SecretEntry): Promise<Field>;
  /** Repeats a request while its answer is missing. */
  followed<T>(request: () => Promise<T>): Promise<T>;
  locate(identity: Identity, registration: Registration, commitment: Field): Promise<Located | undefined>;
  membership(identity: Identity, registration: Registration): Promise<Membership | undefined>;
}

/** Registers an asset, and waits until it has a leaf. */
export async function register(client: Registering, what: Parameters<Bauta["register"]>[0]): Promise<Membership> {
  const { identity, registry, asset, owner, signal } = what;
  const entryId = await entryIdOf(asset);
  const earlier = (await identity.registrations()).find((known) => known.registry === registry && known.asset === asset);
  // A commitment is registered once, so that two registrations can't be linked.
  const counter = earlier ? earlier.counter + 1 : 0;
  const commitment = await client.commitmentOf(identity, { registry, entryId, counter });
  const wanted = { registry, asset, commitment, owner, signal };
  const build = () => registrationInstruction(client.api, client.chain, client.vault, wanted);
  const instruction = await client.followed(build);
  // Stored first: a registration whose counter is lost would have to be searched for.
  const registration = { registry, asset, counter, ...(earlier?.index === undefined ? {} : { index: earlier.index }) };
  await client.remember(identity, registration);
  try {
    await sendInstruction(client.chain, owner, instruction, signal);
  } catch (error) {
    // After any other error, the transaction may have been executed with this counter.
    if (error instanceof BautaError && error.code === "wallet-refused") {
      await client.update(identity, registration, (known) => (known?.counter === counter ? earlier : known));
    }
    throw error;
  }
  const located = await client.followed(async () => {
    const found = await client.locate(identity, registration, commitment);
    if (!found) throw behind();
    return found;
  });
  return client.followed(async () => {
    const found = await client.membership(identity, located);
    if (found?.counter !== counter) throw behind();
    return found;
  });
}

function behind(): BautaError {
  return new BautaError("api-behind", "the API or the nodes do not have the registration yet", "Retry later, or use another API.");
}
