// A test chain: LiteSVM with the program's ELF. The client under test builds the instructions.

import { readFileSync } from "node:fs";

import {
  appendTransactionMessageInstructions,
  createTransactionMessage,
  generateKeyPairSigner,
  getAddressEncoder,
  getCompiledTransactionMessageDecoder,
  lamports,
  pipe,
  setTransactionMessageFeePayerSigner,
  setTransactionMessageLifetimeUsingBlockhash,
  signTransactionMessageWithSigners,
  type Address,
  type EncodedAccount,
  type Instruction,
  type KeyPairSigner,
  type ReadonlyUint8Array,
} from "@solana/kit";
import { getCreateAccountInstruction } from "@solana-program/system";
import { FailedTransactionMetadata, LiteSVM, type TransactionMetadata } from "litesvm";

import {
  BAUTA_PROGRAM_ADDRESS,
  decodeEvent,
  findProgramDataPda,
  findRegistryPda,
  getCreateRegistryInstructionAsync,
  getInitializeInstructionAsync,
  getTreeSize,
  RegistryKind,
  type BautaEvent,
  type InnerInstruction,
} from "../src/index.ts";

export const CLUSTER_TAG = new Uint8Array(32).fill(7);

const ELF = new URL("../../../programs/bauta/artifacts/bauta.v3.so", import.meta.url);

/** The results of a transaction that succeeded. */
export interface Receipt {
  readonly inner: readonly InnerInstruction[];
  readonly returnData: { readonly program: ReadonlyUint8Array; readonly data: ReadonlyUint8Array };
  events(): Promise<BautaEvent[]>;
}

export class Chain {
  readonly svm = new LiteSVM();

  private constructor(readonly payer: KeyPairSigner) {}

  /** Creates a chain on which `payer` is the program's upgrade authority and its admin. */
  static async start(): Promise<Chain> {
    const chain = new Chain(await generateKeyPairSigner());
    chain.svm.addProgram(BAUTA_PROGRAM_ADDRESS, readFileSync(ELF));
    chain.svm.airdrop(chain.payer.address, lamports(100_000_000_000n));
    await chain.setUpgradeAuthority(chain.payer.address);
    await chain.succeed([
      await getInitializeInstructionAsync({
        payer: chain.payer,
        upgradeAuthority: chain.payer,
        clusterTag: CLUSTER_TAG,
        admin: chain.payer.address,
        developmentKeysAllowed: true,
      }),
    ]);
    return chain;
  }

  // The loader's state ProgramData: u32 3, u64 slot, a flag, and the authority.
  private async setUpgradeAuthority(authority: Address): Promise<void> {
    const [programData] = await findProgramDataPda({ program: BAUTA_PROGRAM_ADDRESS });
    const account = this.account(programData);
    const data = Uint8Array.from(account.data);
    data[12] = 1;
    data.set(getAddressEncoder().encode(authority), 13);
    this.svm.setAccount({ ...account, data });
  }

  account(address: Address): EncodedAccount {
    const account = this.svm.getAccount(address);
    if (!account.exists) throw new Error(`there is no account at ${address}`);
    return account;
  }

  now(): bigint {
    return this.svm.getClock().unixTimestamp;
  }

  /** Creates a registry of kind `Managed`. */
  async managedRegistry(): Promise<{ address: Address; tree: Address; authority: KeyPairSigner }> {
    const [authority, tree] = await Promise.all([generateKeyPairSigner(), generateKeyPairSigner()]);
    const [address] = await findRegistryPda({ authority: authority.address, nonce: 9n });
    const space = BigInt(getTreeSize());
    await this.succeed([
      getCreateAccountInstruction({
        payer: this.payer,
        newAccount: tree,
        lamports: this.svm.minimumBalanceForRentExemption(space),
        space,
        programAddress: BAUTA_PROGRAM_ADDRESS,
      }),
      await getCreateRegistryInstructionAsync({
        payer: this.payer,
        authority,
        tree,
        nonce: 9n,
        kind: RegistryKind.Managed,
        depth: 10,
        leafFormat: 1,
        rootTtl: 3600n,
      }),
    ]);
    return { address, tree: tree.address, authority };
  }

  /** Sends a transaction, which must succeed. */
  async succeed(instructions: Instruction[]): Promise<Receipt> {
    const { result, accounts } = await this.send(instructions);
    if (result instanceof FailedTransactionMetadata) throw new Error(result.meta().logs().join("\n"));
    const inner = result
      .innerInstructions()
      .flat()
      .map((entry) => entry.instruction())
      .map((entry) => ({
        programAddress: accounts[entry.programIdIndex()]!,
        accounts: [...entry.accounts()].map((index) => accounts[index]!),
        data: entry.data(),
      }));
    const returned = result.returnData();
    return {
      inner,
      returnData: { program: returned.programId(), data: returned.data() },
      events: async () => (await Promise.all(inner.map(decodeEvent))).filter((event) => event !== undefined),
    };
  }

  /** Sends a transaction, which must fail with a custom error, and returns its code. */
  async fail(instructions: Instruction[]): Promise<number> {
    const { result } = await this.send(instructions);
    if (!(result instanceof FailedTransactionMetadata)) throw new Error("the transaction succeeded");
    const code = /custom program error: (0x[0-9a-f]+)/.exec(result.meta().logs().join("\n"))?.[1];
    if (!code) throw new Error(result.meta().logs().join("\n"));
    return Number(code);
  }

  private async send(
    instructions: Instruction[],
  ): Promise<{ result: TransactionMetadata | FailedTransactionMetadata; accounts: readonly Address[] }> {
    this.svm.expireBlockhash();
    const message = pipe(
      createTransactionMessage({ version: "legacy" }),
      (m) => setTransactionMessageFeePayerSigner(this.payer, m),
      (m) =>
        setTransactionMessageLifetimeUsingBlockhash(
          { blockhash: this.svm.latestBlockhash(), lastValidBlockHeight: 0n },
          m,
        ),
      (m) => appendTransactionMessageInstructions(instructions, m),
    );
    const transaction = await signTransactionMessageWithSigners(message);
    const { staticAccounts } = getCompiledTransactionMessageDecoder().decode(transaction.messageBytes);
    return { result: this.svm.sendTransaction(transaction), accounts: staticAccounts };
  }
}
