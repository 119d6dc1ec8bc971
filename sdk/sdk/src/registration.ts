// Builds the instruction that registers an asset. The accounts come from the nodes and the path
// from the API. Everything is derived or checked here, so the API can't change what the owner signs.

import {
  getBase64Encoder,
  type Address,
  type EncodedAccount,
  type Instruction,
  type ReadonlyUint8Array,
  type TransactionSigner,
} from "@solana/kit";
import {
  CollectionKind,
  findEditionPda,
  findMetadataPda,
  findTokenRecordPda,
  getRegisterCoreHolderInstructionAsync,
  getRegisterHolderInstructionAsync,
} from "@bauta/program";

import { falseAccount, type Chain, type RegistryState } from "./chain.js";
import { collectionOf } from "./collections.js";
import { BautaError } from "./error.js";
import { fieldToBytes, type Field } from "./field.js";
import type { Service } from "./http.js";
import { CORE_PROGRAM, coreAssetOf, groupOf, heldIn, isTokenProgram, masterOf, metadataOf, TOKEN_METADATA_PROGRAM } from "./layouts.js";
import { unknownAccount } from "./nodes.js";
import { readMemberPath } from "./paths.js";
import type { Vault } from "./vault.js";

/** What to register. */
export interface RegistrationRequest {
  readonly registry: Address;
  readonly asset: Address;
  readonly commitment: Field;
  /** The owner of the asset, who also pays. */
  readonly owner: TransactionSigner;
  readonly signal?: AbortSignal | undefined;
}

/** The levels of a path that the program takes. The tree's account has the nodes above. */
const ON_CHAIN_LEVELS = 5;

/** Builds the instruction that registers an asset. */
export async function registrationInstruction(
  api: Service,
  chain: Chain,
  vault: Vault,
  what: RegistrationRequest,
): Promise<Instruction> {
  const { registry, asset, commitment, owner } = what;
  const [state, account] = await Promise.all([chain.registry(registry), chain.nodes.account(asset, ["token"])]);
  if (!account) throw unknownAsset(asset);
  const path = await presentPath(api, chain, vault, state, what);
  const common = { payer: owner, owner, registry, tree: state.tree, commitment: fieldToBytes(commitment), path };
  const collection = (...names: Parameters<typeof collectionOf>[3]) => collectionOf(api, chain, registry, names);
  const own = { kind: CollectionKind.Asset, name: asset };
  if (account.programAddress === CORE_PROGRAM) {
    const core = coreAssetOf(account.data);
    if (!core) throw unknownAsset(asset);
    const found = await collection(own, { kind: CollectionKind.Core, name: core.collection });
    const optional = core.collection === undefined ? {} : { coreCollection: core.collection };
    return getRegisterCoreHolderInstructionAsync({ ...common, ...optional, collection: found, asset });
  }
  if (!isTokenProgram(account.programAddress)) throw unknownAsset(asset);
  const tokenAccount = await tokenAccountOf(chain, owner.address, asset);
  const { accounts, named, master } = await tokenMetadata(chain, asset, tokenAccount);
  const found = await collection(
    own,
    { kind: CollectionKind.Group, name: groupOf(account.data) },
    { kind: CollectionKind.TokenMetadata, name: named },
    { kind: CollectionKind.Prints, name: master },
  );
  return getRegisterHolderInstructionAsync({ ...common, ...accounts, collection: found, mint: asset, tokenAccount });
}

/** Returns the path of the asset's leaf, or `null` if the asset was never registered. */
async function presentPath(
  api: Service,
  chain: Chain,
  vault: Vault,
  state: RegistryState,
  { registry, asset, signal }: RegistrationRequest,
): Promise<Uint8Array[][] | null> {
  const holding = await chain.holding(registry, asset);
  if (holding === undefined) return null;
  const { index } = holding;
  const { depth, leaves, current: root } = state;
  if (index >= 4n ** BigInt(depth)) throw falseAccount(registry, "its tree has no leaf for the asset");
  const { path } = await readMemberPath(api, vault, { registry, root, depth, index, leaves }, "auto", signal);
  return path.slice(0, ON_CHAIN_LEVELS).map((siblings) => siblings.map(fieldToBytes));
}

/** Returns the owner's token account that holds a token. */
async function tokenAccountOf(chain: Chain, owner: Address, mint: Address): Promise<Address> {
  const holds = (data: ReadonlyUint8Array) => {
    const held = heldIn(data);
    return held?.mint === mint && held.owner === owner && held.amount === 1n;
  };
  const found = await chain.nodes.agreed(
    "getTokenAccountsByOwner",
    ["wallet", "token"],
    async (rpc) => {
      const options = { commitment: "confirmed", encoding: "base64" } as const;
      const { value } = await rpc.getTokenAccountsByOwner(owner, { mint }, options).send();
      const own = value.filter(({ account }) => holds(getBase64Encoder().encode(account.data[0])));
      return own[0]?.pubkey;
    },
    String,
  );
  if (found !== undefined) return found;
  throw new BautaError("asset-not-held", `the wallet ${owner} does not hold the token ${mint}`, "Use the wallet that holds it.");
}

/** Reads the accounts of Token Metadata that a registration needs, and what they name. */
async function tokenMetadata(chain: Chain, mint: Address, tokenAccount: Address) {
  const existing = async ([address]: readonly [Address, ...unknown[]]): Promise<EncodedAccount | undefined> => {
    const account = await chain.nodes.account(address, ["token"]);
    return account?.programAddress === TOKEN_METADATA_PROGRAM ? account : undefined;
  };
  const [account, edition] = await Promise.all([
    findMetadataPda({ mint }).then(existing),
    findEditionPda({ mint }).then(existing),
  ]);
  // The program refuses metadata that it can't read, and needs none for an asset or a group.
  const metadata = account && metadataOf(mint, account.data);
  const record = metadata?.isProgrammable ? await findTokenRecordPda({ mint, tokenAccount }).then(existing) : undefined;
  return {
    accounts: {
      ...(account && metadata ? { metadata: account.address } : {}),
      ...(edition ? { edition: edition.address } : {}),
      ...(record ? { tokenRecord: record.address } : {}),
    },
    named: metadata?.collection,
    master: edition && masterOf(edition.data),
  };
}

function unknownAsset(asset: Address): BautaError {
  const { code, message } = unknownAccount(asset);
  const reason = `${message}, or it is neither a token nor an asset of Metaplex Core`;
  return new BautaError(code, reason, "Register a compressed asset with the API's transaction: see docs/api-service.md.");
}
