// A test chain: LiteSVM with the program's ELF. Anchor's coders build the instructions, and Solana
// Kit signs them.

import { readFileSync } from "node:fs";

import {
  AccountRole,
  address,
  appendTransactionMessageInstructions,
  compileTransaction,
  createTransactionMessage,
  generateKeyPair,
  getCompiledTransactionMessageDecoder,
  getAddressFromPublicKey,
  lamports,
  pipe,
  setTransactionMessageFeePayer,
  setTransactionMessageLifetimeUsingBlockhash,
  signTransaction,
  type Address,
  type Instruction,
} from "@solana/kit";
import * as web3 from "@solana/web3.js";
import { FailedTransactionMetadata, LiteSVM, type TransactionMetadata } from "litesvm";

const ARTIFACTS = new URL("../../programs/bauta/artifacts/", import.meta.url);

export const idl = JSON.parse(readFileSync(new URL("bauta.json", ARTIFACTS), "utf8"));
export const PROGRAM = new web3.PublicKey(idl.address);
const LOADER = new web3.PublicKey("BPFLoaderUpgradeab1e11111111111111111111111");

export interface Signer {
  readonly keys: CryptoKeyPair;
  readonly address: Address;
  readonly publicKey: web3.PublicKey;
}

interface Outcome {
  readonly result: TransactionMetadata | FailedTransactionMetadata;
  /** The transaction's accounts in the order of their indices. */
  readonly accounts: readonly Address[];
}

export interface InnerInstruction {
  readonly program: Address;
  readonly accounts: Address[];
  readonly data: Buffer;
}

export async function signer(): Promise<Signer> {
  const keys = await generateKeyPair();
  const address = await getAddressFromPublicKey(keys.publicKey);
  return { keys, address, publicKey: new web3.PublicKey(address) };
}

export function derive(...seeds: (string | Uint8Array)[]): web3.PublicKey {
  return web3.PublicKey.findProgramAddressSync(seeds.map((seed) => Buffer.from(seed)), PROGRAM)[0];
}

/** Encodes an integer of a seed: little-endian. */
export function u64(value: bigint): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes;
}

export class Chain {
  readonly svm = new LiteSVM();

  private constructor(readonly payer: Signer) {}

  /**
   * Creates a chain on which `payer` is the program's upgrade authority, so that it can initialise
   * the program.
   */
  static async start(): Promise<Chain> {
    const chain = new Chain(await signer());
    chain.svm.addProgram(address(idl.address), readFileSync(new URL("bauta.v3.so", ARTIFACTS)));
    chain.svm.airdrop(chain.payer.address, lamports(100_000_000_000n));
    chain.setUpgradeAuthority(chain.payer);
    return chain;
  }

  // The loader's state ProgramData: u32 3, u64 slot, a flag, and the authority.
  private setUpgradeAuthority(authority: Signer): void {
    const [programData] = web3.PublicKey.findProgramAddressSync([PROGRAM.toBytes()], LOADER);
    const account = this.svm.getAccount(address(programData.toBase58()));
    if (!account.exists) throw new Error("the ProgramData account is missing");
    const data = Uint8Array.from(account.data);
    data[12] = 1;
    data.set(authority.publicKey.toBytes(), 13);
    this.svm.setAccount({ ...account, data });
  }

  rent(bytes: number): number {
    return Number(this.svm.minimumBalanceForRentExemption(BigInt(bytes)));
  }

  data(key: web3.PublicKey): Buffer {
    const account = this.svm.getAccount(address(key.toBase58()));
    if (!account.exists) throw new Error(`there is no account at ${key.toBase58()}`);
    return Buffer.from(account.data);
  }

  async send(instructions: web3.TransactionInstruction[], signers: Signer[] = []): Promise<Outcome> {
    this.svm.expireBlockhash();
    const message = pipe(
      createTransactionMessage({ version: "legacy" }),
      (m) => setTransactionMessageFeePayer(this.payer.address, m),
      (m) =>
        setTransactionMessageLifetimeUsingBlockhash(
          { blockhash: this.svm.latestBlockhash(), lastValidBlockHeight: 0n },
          m,
        ),
      (m) => appendTransactionMessageInstructions(instructions.map(toKit), m),
    );
    const keys = [this.payer, ...signers].map((signer) => signer.keys);
    const transaction = await signTransaction(keys, compileTransaction(message));
    const { staticAccounts } = getCompiledTransactionMessageDecoder().decode(transaction.messageBytes);
    return { result: this.svm.sendTransaction(transaction), accounts: staticAccounts };
  }

  /** Sends a transaction, which must succeed, and returns its inner instructions. */
  async succeed(instructions: web3.TransactionInstruction[], signers: Signer[] = []): Promise<InnerInstruction[]> {
    const { result, accounts } = await this.send(instructions, signers);
    if (result instanceof FailedTransactionMetadata) throw new Error(result.meta().logs().join("\n"));
    return result
      .innerInstructions()
      .flat()
      .map((inner) => inner.instruction())
      .map((inner) => ({
        program: accounts[inner.programIdIndex()],
        accounts: [...inner.accounts()].map((index) => accounts[index]),
        data: Buffer.from(inner.data()),
      }));
  }
}

function toKit(instruction: web3.TransactionInstruction): Instruction {
  return {
    programAddress: address(instruction.programId.toBase58()),
    data: Uint8Array.from(instruction.data),
    accounts: instruction.keys.map((meta) => ({ address: address(meta.pubkey.toBase58()), role: role(meta) })),
  };
}

function role(meta: web3.AccountMeta): AccountRole {
  if (meta.isSigner) return meta.isWritable ? AccountRole.WRITABLE_SIGNER : AccountRole.READONLY_SIGNER;
  return meta.isWritable ? AccountRole.WRITABLE : AccountRole.READONLY;
}
