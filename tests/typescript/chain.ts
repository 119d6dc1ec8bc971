// LiteSVM with the program's ELF, driven through Solana Kit with instructions that Anchor's coders made.

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

interface Answer {
  readonly result: TransactionMetadata | FailedTransactionMetadata;
  /** The transaction's accounts, as its instructions number them. */
  readonly accounts: readonly Address[];
}

export interface Inner {
  readonly program: Address;
  readonly accounts: Address[];
  readonly data: Buffer;
}

export async function signer(): Promise<Signer> {
  const keys = await generateKeyPair();
  const own = await getAddressFromPublicKey(keys.publicKey);
  return { keys, address: own, publicKey: new web3.PublicKey(own) };
}

export function derive(...seeds: (string | Uint8Array)[]): web3.PublicKey {
  return web3.PublicKey.findProgramAddressSync(seeds.map((seed) => Buffer.from(seed)), PROGRAM)[0];
}

/** Integers in seeds are big-endian. */
export function u64(value: bigint): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
}

export class Chain {
  readonly svm = new LiteSVM();

  private constructor(readonly payer: Signer) {}

  /** A chain whose program `payer` may upgrade, and so initialise. */
  static async start(): Promise<Chain> {
    const chain = new Chain(await signer());
    chain.svm.addProgram(address(idl.address), readFileSync(new URL("bauta.so", ARTIFACTS)));
    chain.svm.airdrop(chain.payer.address, lamports(100_000_000_000n));
    chain.giveUpgradeAuthority(chain.payer);
    return chain;
  }

  // the loader's state ProgramData: u32 3, u64 slot, whether there is an authority, the authority
  private giveUpgradeAuthority(authority: Signer): void {
    const [programData] = web3.PublicKey.findProgramAddressSync([PROGRAM.toBytes()], LOADER);
    const account = this.svm.getAccount(address(programData.toBase58()));
    if (!account.exists) throw new Error("an upgradeable program has program data");
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
    if (!account.exists) throw new Error(`no account at ${key.toBase58()}`);
    return Buffer.from(account.data);
  }

  async send(instructions: web3.TransactionInstruction[], signers: Signer[] = []): Promise<Answer> {
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
    const keys = [this.payer, ...signers].map((one) => one.keys);
    const transaction = await signTransaction(keys, compileTransaction(message));
    const { staticAccounts } = getCompiledTransactionMessageDecoder().decode(transaction.messageBytes);
    return { result: this.svm.sendTransaction(transaction), accounts: staticAccounts };
  }

  /** Sends what must succeed, and gives the inner instructions. */
  async succeed(instructions: web3.TransactionInstruction[], signers: Signer[] = []): Promise<Inner[]> {
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
