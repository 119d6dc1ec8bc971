// Writes airdrop.json, the test vectors of docs/airdrop.md: addresses, payloads, contexts, claims and
// the amounts of curves. This is a second implementation, with circomlibjs, noble-curves and
// node:crypto.
//
//   npm ci && npm run generate
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { ed25519 } from "@noble/curves/ed25519";
import { buildPoseidon } from "circomlibjs";

const poseidon = await buildPoseidon();
const hex = (n) => "0x" + n.toString(16).padStart(64, "0");
const toInt = (bytes) => BigInt("0x" + Buffer.from(bytes).toString("hex"));
const P = (...inputs) => poseidon.F.toObject(poseidon(inputs));
const sha256 = (...parts) => createHash("sha256").update(Buffer.concat(parts)).digest();
const u16be = (n) => { const b = Buffer.alloc(2); b.writeUInt16BE(n); return b; };
const u32be = (n) => { const b = Buffer.alloc(4); b.writeUInt32BE(n); return b; };
const i64be = (n) => { const b = Buffer.alloc(8); b.writeBigInt64BE(n); return b; };
const u32 = (n) => { const b = Buffer.alloc(4); b.writeUInt32LE(n); return b; };
const u64 = (n) => { const b = Buffer.alloc(8); b.writeBigUInt64LE(n); return b; };

function hashToField(tag, ...parts) {
  const framed = parts.flatMap((part) => [u32be(part.length), part]);
  const hash = sha256(u16be(Buffer.byteLength(tag)), Buffer.from(tag), ...framed);
  hash[0] &= 0x1f;
  return toInt(hash);
}

const ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
function base58(text) {
  let number = 0n;
  for (const letter of text) number = number * 58n + BigInt(ALPHABET.indexOf(letter));
  return Buffer.from(number.toString(16).padStart(64, "0"), "hex");
}

const isOnCurve = (bytes) => {
  try { ed25519.Point.fromHex(bytes, true); return true; } catch { return false; }
};

/// Derives an address as the runtime does.
function derive(program, ...seeds) {
  for (let bump = 255; bump >= 0; bump--) {
    const hash = sha256(...seeds, Buffer.from([bump]), program, Buffer.from("ProgramDerivedAddress"));
    if (!isOnCurve(hash)) return [hash, bump];
  }
  throw new Error("no bump");
}

const PROGRAM = base58("9ikA5wiEcLuep4Tp9SfBKDUD4LpALbtYBBm5XYAWwv8F");
const ASSOCIATED = base58("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL");
const TOKEN = base58("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA");
const TOKEN_2022 = base58("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb");

/// Returns 32 pseudorandom bytes that are the same in every run.
const sample = (name, n) => sha256(Buffer.from(`bauta airdrop vector ${name} ${n}`));
const below = (bound, name, n) => toInt(sample(name, n)) % bound;

function sqrt(n) {
  if (n < 2n) return n;
  let x = 1n << BigInt((n.toString(2).length + 1) >> 1);
  for (;;) {
    const next = (x + n / x) >> 1n;
    if (next >= x) return x;
    x = next;
  }
}

const SCORES = 1n << 20n;
function amountOf({ shape, floor, cap, min, max }, score) {
  const x = (score < cap ? score : cap) - floor;
  const whole = cap - floor;
  const gained = {
    linear: () => ((max - min) * x) / whole,
    "square-root": () => ((max - min) * sqrt((x << 40n) / whole)) >> 20n,
    quadratic: () => ((max - min) * x * x) / (whole * whole),
  }[shape]();
  return min + gained;
}

const vectors = [];
for (let n = 0; n < 12; n++) {
  const shape = ["linear", "square-root", "quadratic"][n % 3];
  const floor = below(SCORES - 2n, "floor", n);
  const cap = floor + 1n + below(SCORES - 1n - floor, "cap", n);
  const min = 1n + below(10n ** 9n, "min", n);
  const max = min + below(n < 6 ? 10n ** 12n : (1n << 64n) - min, "max", n);
  const score = floor + below(SCORES - floor, "score", n);
  const curve = { shape, floor, cap, min, max };
  const amount = amountOf(curve, score);

  const [authority, mint, recipient] = ["authority", "mint", "recipient"].map((name) => sample(name, n));
  const relayer = n % 2 ? sample("relayer", n) : Buffer.alloc(32);
  const tokenProgram = n % 2 ? TOKEN : TOKEN_2022;
  const nonce = below(1n << 64n, "nonce", n);
  const domain = hashToField("bauta/vector/1", sample("domain", n));
  const as_of = below(1n << 40n, "as of", n);
  const expiry = below(1n << 40n, "expiry", n);
  const [campaign, bump] = derive(PROGRAM, Buffer.from("campaign"), authority, u64(nonce));
  const [vault] = derive(ASSOCIATED, campaign, tokenProgram, mint);
  const tier = Number(score);
  const payload = Buffer.concat([Buffer.from("bauta/airdrop/1"), campaign, u32(tier), u64(amount), u64(as_of)]);
  const claim = P(hashToField("bauta/reputation/1"), 1n, score, domain, as_of);
  const context = hashToField("bauta/context/1", recipient, relayer, i64be(expiry), sha256(payload));
  const bytes = (value) => value.toString("hex");
  vectors.push({
    authority: bytes(authority), nonce: nonce.toString(), mint: bytes(mint), token_program: bytes(tokenProgram),
    recipient: bytes(recipient), relayer: n % 2 ? bytes(relayer) : null, domain: hex(domain),
    curve: { shape, floor: Number(floor), cap: Number(cap), min: min.toString(), max: max.toString() },
    score: tier, as_of: Number(as_of), expiry: Number(expiry),
    campaign: bytes(campaign), bump, vault: bytes(vault), amount: amount.toString(), payload: bytes(payload),
    claim: hex(claim), context: hex(context),
  });
}
writeFileSync(new URL("airdrop.json", import.meta.url), JSON.stringify(vectors, null, 1) + "\n");
