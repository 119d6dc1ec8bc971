// The local chain: the node of tools/localnet with the program.

import { spawn, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import type { Address } from "@solana/kit";

import { BAUTA_PROGRAM_ADDRESS } from "../src/index.ts";

const ELF = fileURLToPath(new URL("../../../programs/bauta/artifacts/bauta.v3.so", import.meta.url));

export interface Localnet {
  readonly rpc: string;
  readonly websocket: string;
  stop(): void;
}

/** Starts a chain whose program can be initialised by this address, and waits until it is ready. */
export async function startLocalnet(upgradeAuthority: Address): Promise<Localnet> {
  const node = spawn(
    program(),
    [
      ["--json", "--until-stdin-closes", "--port", "0", "--slot-time", "50"],
      ["--program", `${BAUTA_PROGRAM_ADDRESS}=${ELF}`],
      ["--upgrade-authority", upgradeAuthority],
    ].flat(),
    { stdio: ["pipe", "pipe", "inherit"] },
  );
  const { rpc, websocket } = await ready(node);
  return { rpc, websocket, stop: () => node.stdin?.end() };
}

/** Returns the node's program: `BAUTA_LOCALNET`, or where cargo builds it. */
function program(): string {
  const cache = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  const target = process.env["CARGO_TARGET_DIR"] ?? join(cache, "bauta", "target");
  const file = process.env["BAUTA_LOCALNET"] || join(target, "debug", "bauta-localnet");
  if (!existsSync(file)) throw new Error(`there is no node at ${file}: build it with \`cargo xtask localnet\``);
  return file;
}

async function ready(node: ChildProcess): Promise<{ rpc: string; websocket: string }> {
  for await (const line of createInterface({ input: node.stdout! })) return JSON.parse(line);
  throw new Error("the local node ended before it was ready");
}
