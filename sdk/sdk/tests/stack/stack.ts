// The services of `cargo xtask up`, and a chain with a registry, tokens and a circuit.

import { readFileSync } from "node:fs";
import { join } from "node:path";

import {
  appendTransactionMessageInstructions,
  assertIsTransactionWithBlockhashLifetime,
  createKeyPairSignerFromBytes,
  createKeyPairSignerFromPrivateKeyBytes,
  createSolanaRpc,
  createSolanaRpcSubscriptions,
  createTransactionMessage,
  generateKeyPairSigner,
  none,
  pipe,
  sendAndConfirmTransactionFactory,
  setTransactionMessageFeePayerSigner,
  setTransactionMessageLifetimeUsingBlockhash,
  signTransactionMessageWithSigners,
  type Address,
  type Instruction,
  type KeyPairSigner,
} from "@solana/kit";
import { getCreateAccountInstruction, getTransferSolInstruction } from "@solana-program/system";
import {
  AuthorityType,
  findAssociatedTokenPda,
  getCreateAssociatedTokenIdempotentInstruction,
  getInitializeMint2Instruction,
  getMintSize,
  getMintToInstruction,
  getSetAuthorityInstruction,
  TOKEN_PROGRAM_ADDRESS,
} from "@solana-program/token";
import {
  BAUTA_PROGRAM_ADDRESS,
  CollectionKind,
  findCircuitPdaOf,
  findRegistryPda,
  findScopePda,
  getAddCollectionInstructionAsync,
  getCreateRegistryInstructionAsync,
  getCreateScopeInstructionAsync,
  getRegisterCircuitInstructionAsync,
  getTreeSize,
  Provenance,
  RegistryKind,
  ScopeMode,
  type CircuitRegistration,
} from "@bauta/program";

import { verifyingKeyOf } from "../../src/proving-key.ts";

/** The track of all tokens. */
export const TRACK = 7n;

export function variable(name: string): string {
  const value = process.env[name];
  if (value) return value;
  throw new Error(`${name} is not set: run \`cargo xtask up --free-ports -- npm --prefix sdk/sdk run test:stack\``);
}

/** The modules of the prover. */
export const MODULES = new URL("../../../prover/assets", import.meta.url);

/** How long a test waits for a condition. The machine may be busy. */
export const PATIENCE_MS = 180_000;

export class Stack {
  readonly rpcUrl = variable("SOLANA_RPC_URL");
  readonly api = variable("BAUTA_API_URL");
  readonly prover = variable("BAUTA_PROVER_URL");
  readonly apiKey = variable("BAUTA_API_KEY");
  /** The digest of the web key. */
  readonly webKey = variable("BAUTA_WEB_KEY");
  readonly rpc = createSolanaRpc(this.rpcUrl);
  readonly #confirm = sendAndConfirmTransactionFactory({
    rpc: this.rpc,
    rpcSubscriptions: createSolanaRpcSubscriptions(variable("SOLANA_WS_URL")),
  });

  private constructor(
    readonly admin: KeyPairSigner,
    readonly circuit: Address,
  ) {}

  /** Registers the circuit of the web key. */
  static async start(): Promise<Stack> {
    const admin = await createKeyPairSignerFromBytes(
      Uint8Array.from(JSON.parse(readFileSync(variable("BAUTA_KEYPAIR"), "utf8"))),
    );
    const webKey = readFileSync(join(variable("PROVING_KEYS_DIR"), variable("BAUTA_WEB_KEY")));
    const statement = new Uint8Array(32);
    statement.set(new TextEncoder().encode("ownership"));
    const registration: CircuitRegistration = {
      statement,
      version: 1,
      depth: 10,
      leafFormat: 1,
      auxiliaryFormat: 0,
      provenance: Provenance.Development,
      // Each run registers a circuit of its own.
      constraintSystemHash: crypto.getRandomValues(new Uint8Array(32)),
      transcriptHash: new Uint8Array(32),
      verifyingKey: verifyingKeyOf(Uint8Array.from(webKey))!,
    };
    const [circuit] = await findCircuitPdaOf(registration);
    const stack = new Stack(admin, circuit);
    await stack.send([await getRegisterCircuitInstructionAsync({ payer: admin, admin, ...registration })]);
    return stack;
  }

  /** Sends a transaction that the admin pays. */
  async send(instructions: Instruction[]): Promise<void> {
    const { value: blockhash } = await this.rpc.getLatestBlockhash().send();
    const message = pipe(
      createTransactionMessage({ version: 0 }),
      (m) => setTransactionMessageFeePayerSigner(this.admin, m),
      (m) => setTransactionMessageLifetimeUsingBlockhash(blockhash, m),
      (m) => appendTransactionMessageInstructions(instructions, m),
    );
    const transaction = await signTransactionMessageWithSigners(message);
    assertIsTransactionWithBlockhashLifetime(transaction);
    await this.#confirm(transaction, { commitment: "confirmed" });
  }

  /** Creates a wallet with lamports. */
  async wallet(key: Uint8Array = crypto.getRandomValues(new Uint8Array(32))): Promise<KeyPairSigner> {
    const wallet = await createKeyPairSignerFromPrivateKeyBytes(key);
    await this.send([
      getTransferSolInstruction({ source: this.admin, destination: wallet.address, amount: 1_000_000_000n }),
    ]);
    return wallet;
  }

  /** Creates a registry of holders. */
  async registry(): Promise<Address> {
    const [tree, nonce] = [await generateKeyPairSigner(), crypto.getRandomValues(new BigUint64Array(1))[0]!];
    const space = BigInt(getTreeSize());
    await this.send([
      getCreateAccountInstruction({
        payer: this.admin,
        newAccount: tree,
        lamports: await this.rpc.getMinimumBalanceForRentExemption(space).send(),
        space,
        programAddress: BAUTA_PROGRAM_ADDRESS,
      }),
      await getCreateRegistryInstructionAsync({
        payer: this.admin,
        authority: this.admin,
        tree,
        nonce,
        kind: RegistryKind.Holders,
        depth: 10,
        leafFormat: 1,
        rootTtl: 3_600n,
      }),
    ]);
    const [address] = await findRegistryPda({ authority: this.admin.address, nonce });
    return address;
  }

  /** Mints a token to a wallet, and accepts it in a registry. */
  async token(registry: Address, owner: Address): Promise<Address> {
    const mint = await generateKeyPairSigner();
    const space = BigInt(getMintSize());
    const [token] = await findAssociatedTokenPda({ owner, mint: mint.address, tokenProgram: TOKEN_PROGRAM_ADDRESS });
    await this.send([
      getCreateAccountInstruction({
        payer: this.admin,
        newAccount: mint,
        lamports: await this.rpc.getMinimumBalanceForRentExemption(space).send(),
        space,
        programAddress: TOKEN_PROGRAM_ADDRESS,
      }),
      getInitializeMint2Instruction({ mint: mint.address, decimals: 0, mintAuthority: this.admin.address }),
      getCreateAssociatedTokenIdempotentInstruction({ payer: this.admin, ata: token, owner, mint: mint.address }),
      getMintToInstruction({ mint: mint.address, token, mintAuthority: this.admin, amount: 1n }),
      getSetAuthorityInstruction({
        owned: mint.address,
        owner: this.admin,
        authorityType: AuthorityType.MintTokens,
        newAuthority: none(),
      }),
    ]);
    await this.send([
      await getAddCollectionInstructionAsync({
        payer: this.admin,
        authority: this.admin,
        registry,
        key: mint.address,
        kind: CollectionKind.Asset,
        rules: 0,
        track: TRACK,
      }),
    ]);
    return mint.address;
  }

  /** Creates a scope of the mode live. */
  async scope(registry: Address): Promise<Address> {
    const nonce = crypto.getRandomValues(new BigUint64Array(1))[0]!;
    const now = BigInt(Math.floor(Date.now() / 1000));
    await this.send([
      await getCreateScopeInstructionAsync({
        payer: this.admin,
        creator: this.admin,
        registry,
        circuit: this.circuit,
        nonce,
        mode: ScopeMode.Live,
        gate: none(),
        requiredClaim: none(),
        opensAt: now - 60n,
        closesAt: now + 86_400n,
        expectedRoot: none(),
      }),
    ]);
    const [address] = await findScopePda({ registry, creator: this.admin.address, nonce });
    return address;
  }

  /** Waits until the API has something. The requests do not count for this machine's address. */
  async known(path: string): Promise<void> {
    await until(async () => (await this.#get(path)).ok, `the API has ${path}`);
  }

  /** Waits until a wallet of the relay can pay. */
  async relays(): Promise<void> {
    await until(async () => (await (await this.#get("/v1/relay")).json()).relayers?.length > 0, "the relay has a wallet");
  }

  #get(path: string): Promise<Response> {
    return fetch(this.api + path, { headers: { authorization: `Bearer ${this.apiKey}` } });
  }
}

/** Waits for a condition. */
export async function until(condition: () => Promise<boolean>, what: string): Promise<void> {
  for (const start = Date.now(); !(await condition()); ) {
    if (Date.now() - start > PATIENCE_MS) throw new Error(`waited for ${PATIENCE_MS / 1000} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
