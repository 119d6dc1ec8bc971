// Anchor's TypeScript client opens a gate in LiteSVM, and a grant without a proof is refused.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import anchor from "@anchor-lang/core";
import { address, getTransactionDecoder, lamports } from "@solana/kit";
import web3 from "@solana/web3.js";
import { FailedTransactionMetadata, LiteSVM } from "litesvm";

const { AnchorProvider, BN, Program, Wallet } = anchor;
const { Connection, Keypair, PublicKey, Transaction } = web3;

const idl = JSON.parse(readFileSync(process.env.MY_GATE_IDL, "utf8"));
const bauta = JSON.parse(readFileSync(process.env.BAUTA_IDL, "utf8"));

/** A chain with both programs, and a client of the gate. */
function setup() {
  const svm = new LiteSVM();
  for (const [program, variable] of [
    [idl.address, "MY_GATE_ELF"],
    [bauta.address, "BAUTA_ELF"],
  ]) {
    svm.addProgram(address(program), readFileSync(process.env[variable]));
  }
  const authority = Keypair.generate();
  svm.airdrop(address(authority.publicKey.toBase58()), lamports(10_000_000_000n));
  // The client only builds instructions, so it needs no node.
  const provider = new AnchorProvider(new Connection("http://127.0.0.1:1"), new Wallet(authority), {});
  const program = new Program(idl, provider);
  const seeds = [Buffer.from("gate"), authority.publicKey.toBuffer()];
  const [gate] = PublicKey.findProgramAddressSync(seeds, program.programId);
  const send = (instruction) => {
    const transaction = new Transaction({
      feePayer: authority.publicKey,
      recentBlockhash: svm.latestBlockhash(),
    }).add(instruction);
    transaction.sign(authority);
    return svm.sendTransaction(getTransactionDecoder().decode(transaction.serialize()));
  };
  return { svm, authority, program, gate, send };
}

test("a gate pins the scope that its authority names", async () => {
  const { svm, authority, program, gate, send } = setup();
  const scope = Keypair.generate().publicKey;
  const accounts = { authority: authority.publicKey };
  const open = await program.methods.openGate(scope).accounts(accounts).instruction();
  assert.ok(!(send(open) instanceof FailedTransactionMetadata));
  const account = svm.getAccount(address(gate.toBase58()));
  const decoded = program.coder.accounts.decode("gate", Buffer.from(account.data));
  assert.equal(decoded.scope.toBase58(), scope.toBase58());
  assert.equal(decoded.authority.toBase58(), authority.publicKey.toBase58());
});

test("a grant in a scope that the gate does not pin is refused, and creates no counter", async () => {
  const { svm, authority, program, gate, send } = setup();
  const open = program.methods.openGate(Keypair.generate().publicKey);
  send(await open.accounts({ authority: authority.publicKey }).instruction());
  const nullifier = Array(32).fill(7);
  const seeds = [Buffer.from("counter"), gate.toBuffer(), Buffer.from(nullifier)];
  const [counter] = PublicKey.findProgramAddressSync(seeds, program.programId);
  const any = () => Keypair.generate().publicKey;
  const grant = await program.methods
    .grant(new BN(7), {
      nullifier,
      proof: Array(256).fill(0),
      root: Array(32).fill(0),
      claim: Array(32).fill(0),
      expiry: new BN(0),
    })
    .accountsPartial({
      payer: authority.publicKey,
      recipient: authority.publicKey,
      gate,
      counter,
      config: any(),
      scope: any(),
      circuit: any(),
      nullifier: any(),
      registry: null,
      relayer: null,
      bautaEventAuthority: any(),
      bautaProgram: new PublicKey(bauta.address),
    })
    .instruction();
  const refused = send(grant);
  assert.ok(refused instanceof FailedTransactionMetadata);
  const wrong = idl.errors.find((error) => error.name === "WrongScope");
  assert.match(String(refused), new RegExp(`Custom\\(${wrong.code}\\)|WrongScope`));
  assert.equal(svm.getAccount(address(counter.toBase58())).exists, false);
});
