// Reads the program's settings, scopes, circuits and registries from the chain, and checks them.

import type { Address, EncodedAccount } from "@solana/kit";
import {
  BAUTA_PROGRAM_ADDRESS,
  decodeCircuit,
  decodeConfig,
  decodeHolding,
  decodeRegistry,
  decodeScope,
  findCircuitPdaOf,
  findConfigPda,
  findHoldingPda,
  findRegistryPda,
  findScopePda,
  RegistryKind,
  ScopeMode,
  type Circuit,
  type Config,
  type Holding,
  type Registry,
} from "@bauta/program";

import { equal, sha256, toHex } from "./bytes.js";
import { genesisOf, isMainnet, tagOf, type Cluster } from "./cluster.js";
import { BautaError } from "./error.js";
import { fieldFromBytes, fieldToHex, type Field } from "./field.js";
import { unknownAccount, type Nodes, type Send } from "./nodes.js";
import { scopeElement } from "./protocol.js";
import type { Depth } from "./tree.js";

/** A scope whose account and circuit were checked. */
export interface Scope {
  /** The scope account. */
  readonly address: Address;
  /** The registry whose members may prove. */
  readonly registry: Address;
  /** The circuit account. */
  readonly circuit: Address;
  /** The SHA-256 of the circuit's verifying key. */
  readonly vkHash: string;
  /** The verifying key: 576 bytes, as docs/protocol.md, section 5, defines them. */
  readonly verifyingKey: Uint8Array;
  /** The field element that nullifiers are derived from. */
  readonly element: Field;
  /** `snapshot` accepts one root, `live` the current roots of the registry. */
  readonly mode: "snapshot" | "live";
  /** The accepted root of a snapshot. */
  readonly root: Field | null;
  /** The only accepted claim, or `null` if there is none. */
  readonly requiredClaim: Field | null;
  /** The address that must sign each verification, or `null`. */
  readonly gate: Address | null;
  /** The depth of the registry's tree. */
  readonly depth: Depth;
  /** From when the scope accepts verifications, in Unix seconds. */
  readonly opensAt: bigint;
  /** From when the scope refuses verifications, in Unix seconds. */
  readonly closesAt: bigint;
  /** Whether the creator closed the scope. */
  readonly closed: boolean;
}

/** A registry and the roots that it accepts, according to the nodes. */
export interface RegistryState {
  readonly address: Address;
  readonly tree: Address;
  readonly kind: RegistryKind;
  readonly depth: Depth;
  readonly leaves: bigint;
  /** The current root. */
  readonly current: Field;
  /** The root that was chosen to prove at. Without a choice, it is the current one. */
  readonly chosen: Field;
  /** Returns whether the registry accepts a root now. */
  accepts(root: Field): boolean;
}

const NO_ADDRESS = "11111111111111111111111111111111";
const CEREMONY = 1;
/** The status of a circuit that is not suspended. */
const ACTIVE = 0;

const readGenesis: Send<string> = (rpc) => rpc.getGenesisHash().send();

/** Reads the chain of a pinned cluster. */
export class Chain {
  readonly #tag: Uint8Array;
  #cluster: Promise<void> | undefined;

  constructor(
    private readonly pinned: Cluster,
    readonly nodes: Nodes,
  ) {
    this.#tag = tagOf(pinned);
  }

  /**
   * Checks once that more than half of the nodes are of the pinned cluster, and that the program
   * has its tag.
   */
  checkCluster(): Promise<void> {
    const checked = (this.#cluster ??= this.#checkCluster());
    checked.catch(() => (this.#cluster = undefined));
    return checked;
  }

  async #checkCluster(): Promise<void> {
    const genesis = genesisOf(this.pinned);
    if (genesis !== undefined) {
      await this.nodes.decided("getGenesisHash", [], readGenesis, (given) => {
        if (this.nodes.accepted(given, [genesis], (hash, pinned) => hash === pinned) !== undefined) return;
        const other = given.find((hash) => hash !== genesis);
        throw wrongCluster(`a node has the genesis hash ${other}, and the pinned cluster has ${genesis}`);
      });
    }
    const { clusterTag } = await this.#config();
    if (!equal(clusterTag, this.#tag)) {
      throw wrongCluster(`the program has the tag ${toHex(clusterTag)}, and ${toHex(this.#tag)} is pinned`);
    }
  }

  async #config(): Promise<Config> {
    const [address] = await findConfigPda();
    const account = await this.nodes.account(address, []);
    if (!account) throw wrongCluster("the program is not initialised on the nodes' cluster");
    return decoded(account, decodeConfig);
  }

  /** Reads a scope and its circuit, and checks both. */
  async scope(address: Address): Promise<Scope> {
    await this.checkCluster();
    const account = await this.nodes.account(address, ["scope"]);
    if (!account) throw unknownAccount(address);
    const data = decoded(account, decodeScope);
    const [derived] = await findScopePda({ registry: data.registry, creator: data.creator, nonce: data.nonce });
    if (derived !== address) throw falseAccount(address, "its registry, creator and nonce have another address");
    const element = await scopeElement(this.#tag, BAUTA_PROGRAM_ADDRESS, address);
    if (!equal(data.scope, hexBytes(element))) {
      throw new BautaError(
        "false-scope",
        `the element of the scope ${address} is not the one of its address on the pinned cluster`,
        "Use another node: this one serves a scope of another cluster.",
      );
    }
    if (data.auxiliaryRegistry !== NO_ADDRESS) throw unknownStatement("the scope has an auxiliary registry");
    const circuit = await this.#circuit(data.circuit);
    if (circuit.depth !== data.depth || circuit.leafFormat !== data.leafFormat) {
      throw falseCircuit(data.circuit, "the scope has another depth or leaf format");
    }
    return {
      address,
      registry: data.registry,
      circuit: data.circuit,
      vkHash: toHex(circuit.vkHash),
      verifyingKey: Uint8Array.from(circuit.verifyingKey),
      element,
      mode: data.mode === ScopeMode.Snapshot ? "snapshot" : "live",
      root: data.mode === ScopeMode.Snapshot ? elementOf(data.root, address) : null,
      requiredClaim: data.hasRequiredClaim ? elementOf(data.requiredClaim, address) : null,
      gate: data.gate === NO_ADDRESS ? null : data.gate,
      depth: data.depth as Depth,
      opensAt: data.opensAt,
      closesAt: data.closesAt,
      closed: data.status !== 0,
    };
  }

  /** Refuses if the program accepts no verifications at all now, or none of the circuit. */
  async checkAccepting(circuit: Address, now: bigint): Promise<void> {
    const [{ paused }, { status, retiresAt }] = await Promise.all([this.#config(), this.#circuit(circuit)]);
    if (paused !== 0) throw notOpen("the program is paused", "Retry when its admin has resumed it.");
    if (retiresAt !== 0n && now >= retiresAt) {
      throw notOpen(`the circuit ${circuit} is retired`, "Use a scope with another circuit.");
    }
    if (status !== ACTIVE) {
      throw notOpen(`the circuit ${circuit} is suspended`, "Retry when the program's admin has resumed it.");
    }
  }

  async #circuit(address: Address): Promise<Circuit> {
    const account = await this.nodes.account(address, ["circuit"]);
    if (!account) throw unknownAccount(address);
    const data = decoded(account, decodeCircuit);
    if (!equal(await sha256(data.verifyingKey), data.vkHash)) throw falseCircuit(address, "its key has another hash");
    const derived = await findCircuitPdaOf(data).then(
      ([found]) => found,
      () => undefined,
    );
    if (derived !== address) throw falseCircuit(address, "its key and its metadata have another address");
    const name = new TextDecoder().decode(Uint8Array.from(data.statement)).replace(/\0+$/, "");
    if (name !== "ownership" || data.version !== 1 || data.leafFormat !== 1) {
      throw unknownStatement(`the circuit ${address} proves ${name}, version ${data.version}`);
    }
    if (isMainnet(this.pinned) && data.provenance !== CEREMONY) {
      throw new BautaError(
        "development-key",
        `anyone can forge proofs of the circuit ${address}, because its key comes from no ceremony`,
        "Use a scope whose circuit has a key from a ceremony.",
      );
    }
    return data;
  }

  /**
   * Reads a registry. Its current root is one that more than half of the nodes accept. The root
   * that `choose` chooses from the account must be the same for more than half of them.
   */
  async registry(address: Address, choose?: (registry: Registry) => Registry["root"]): Promise<RegistryState> {
    await this.checkCluster();
    const { authority, nonce, ...state } = await this.nodes.accounts(address, ["registry"], (accounts) =>
      this.#common(address, accounts, choose),
    );
    const [derived] = await findRegistryPda({ authority, nonce });
    if (derived !== address) throw falseAccount(address, "its authority and nonce have another address");
    return state;
  }

  /** Returns what more than half of the nodes know of a registry. */
  #common(
    address: Address,
    accounts: readonly EncodedAccount[],
    choose?: (registry: Registry) => Registry["root"],
  ): RegistryState & Pick<Registry, "authority" | "nonce"> {
    const states = readable(accounts, (account) => {
      const state = decoded(account, decodeRegistry);
      return { ...state, current: elementOf(state.root, address), chosen: elementOf(choose?.(state) ?? state.root, address) };
    });
    const fixed = this.nodes.choose("getAccountInfo", states, (state) =>
      [state.authority, state.nonce, state.tree, state.kind, state.depth].join(),
    );
    const accepted = (root: Field) => this.nodes.accepted(states, [root], accepts) !== undefined;
    const current = states.map((state) => state.current).find(accepted);
    if (current === undefined) {
      throw new BautaError("nodes-disagree", `the nodes have no common root of ${address}`, "Retry in a few seconds.");
    }
    return {
      address,
      authority: fixed.authority,
      nonce: fixed.nonce,
      tree: fixed.tree,
      kind: fixed.kind,
      depth: fixed.depth as Depth,
      // The lower median: one node can't make the tree look larger, even one of two.
      leaves: states.map((state) => state.nextIndex).sort((a, b) => (a < b ? -1 : 1))[(states.length - 1) >> 1]!,
      current,
      chosen: choose ? this.nodes.choose("getAccountInfo", states.map((state) => state.chosen), String) : current,
      accepts: accepted,
    };
  }

  /**
   * Reads the registration of an asset, or `undefined` if the asset was never registered. Its index
   * never changes.
   */
  async holding(registry: Address, asset: Address): Promise<Holding | undefined> {
    const [address] = await findHoldingPda({ registry, mint: asset });
    const account = await this.nodes.account(address, ["registry", "token"]);
    return account && decoded(account, decodeHolding);
  }
}

/** Reads the accounts of nodes. One that can't be read counts as no answer, if there is another. */
function readable<T>(accounts: readonly EncodedAccount[], read: (account: EncodedAccount) => T): T[] {
  const found: T[] = [];
  let failure: unknown;
  for (const account of accounts) {
    try {
      found.push(read(account));
    } catch (error) {
      failure = error;
    }
  }
  if (found.length === 0) throw failure;
  return found;
}

/** Creates the error for a scope that accepts no verifications. */
export function notOpen(reason: string, remedy: string): BautaError {
  return new BautaError("scope-not-open", `the scope accepts no verifications now: ${reason}`, remedy);
}

/** Reads a field element of an account. */
export function elementOf(bytes: ArrayLike<number>, address: Address): Field {
  try {
    return fieldFromBytes(Uint8Array.from(bytes));
  } catch (error) {
    throw falseAccount(address, (error as Error).message);
  }
}

/** The program's rule: the current root, or a kept root that has not expired. */
function accepts(registry: Registry, root: Field): boolean {
  const bytes = hexBytes(root);
  const now = BigInt(Math.floor(Date.now() / 1000));
  const kept = [...registry.kept, ...registry.recent];
  return equal(registry.root, bytes) || kept.some((old) => now < old.expiresAt && equal(old.root, bytes));
}

function hexBytes(value: Field): number[] {
  return fieldToHex(value)
    .slice(2)
    .match(/../g)!
    .map((digits) => parseInt(digits, 16));
}

/** Decodes an account that a node could have forged. */
export function decoded<T extends object>(
  account: EncodedAccount,
  decode: (account: EncodedAccount) => { readonly data: T },
): T {
  try {
    return decode(account).data;
  } catch (error) {
    throw falseAccount(account.address, (error as Error).message);
  }
}

/** Creates the error for an account that is not what it should be. */
export function falseAccount(address: Address, reason: string): BautaError {
  return new BautaError(
    "false-account",
    `the account ${address} is not as expected: ${reason}`,
    "Check the address. If it is right, use another node.",
  );
}

function falseCircuit(address: Address, reason: string): BautaError {
  return new BautaError("false-circuit", `the circuit ${address} is not what it claims to be: ${reason}`, "Use another node.");
}

function wrongCluster(reason: string): BautaError {
  return new BautaError("wrong-cluster", reason, "Check the pinned cluster and the URLs of the nodes.");
}

function unknownStatement(reason: string): BautaError {
  return new BautaError("unknown-statement", `${reason}, which this version can't prove`, "Update the SDK.");
}
