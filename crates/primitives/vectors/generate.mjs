// Writes protocol.json, the test vectors of docs/protocol.md, sections 2 and 3, and statements.json,
// those of section 4.
// This is a second implementation, with circomlibjs and node:crypto.
//
//   npm ci && npm run generate
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { buildPoseidon } from "circomlibjs";

const poseidon = await buildPoseidon();
const hex = (n) => "0x" + n.toString(16).padStart(64, "0");
const toInt = (bytes) => BigInt("0x" + Buffer.from(bytes).toString("hex"));
const P = (...inputs) => poseidon.F.toObject(poseidon(inputs));
const bytes32 = (n) => Buffer.from(n.toString(16).padStart(64, "0"), "hex");
const sha256 = (...parts) => createHash("sha256").update(Buffer.concat(parts)).digest();
const u16 = (n) => { const b = Buffer.alloc(2); b.writeUInt16BE(n); return b; };
const u32 = (n) => { const b = Buffer.alloc(4); b.writeUInt32BE(n); return b; };
const i64 = (n) => { const b = Buffer.alloc(8); b.writeBigInt64BE(n); return b; };

function hashToField(tag, ...parts) {
  const framed = parts.flatMap((part) => [u32(part.length), part]);
  const hash = sha256(u16(Buffer.byteLength(tag)), Buffer.from(tag), ...framed);
  hash[0] &= 0x1f;
  return toInt(hash);
}

/// Returns 32 pseudorandom bytes that are the same in every run.
const sample = (name, n) => sha256(Buffer.from(`bauta vector ${name} ${n}`));

const vectors = [];
for (let n = 0; n < 16; n++) {
  const [master, registry, mint] = ["master", "registry", "mint"].map((name) => sample(name, n));
  const [cluster_tag, program_id, scope_account] = ["cluster", "program", "scope"].map((name) => sample(name, n));
  const [recipient, relayer] = [sample("recipient", n), n % 2 ? sample("relayer", n) : Buffer.alloc(32)];
  const expiry = BigInt(n) * 1_000_000_007n - 3n;
  const payload = sample("payload", n).subarray(0, n * 2);
  const track = BigInt(n) ** 7n;
  const depth = n % 3 ? 10 : 16;
  const index = toInt(sample("index", n)) % 4n ** BigInt(depth);
  const path = Array.from({ length: depth }, (_, level) =>
    [0, 1, 2].map((k) => hashToField("bauta/vector/1", sample(`sibling ${level} ${k}`, n))));

  const entry_id = hashToField("bauta/mint/1", mint);
  const secret = hashToField("bauta/secret/1", master, registry, bytes32(entry_id));
  const commitment = P(secret);
  // The edges of each byte, then small counters.
  const counter = [0, 1, 2, 255, 256, 65_535, 65_536, 16_777_215, 16_777_216, 4_294_967_295][n] ?? n;
  const rotated_secret = counter === 0
    ? secret
    : hashToField("bauta/secret/2", master, registry, bytes32(entry_id), u32(counter));
  const leaf = P(commitment, entry_id, track);
  let root = leaf;
  path.forEach((siblings, level) => {
    const children = [...siblings];
    children.splice(Number((index >> BigInt(2 * level)) & 3n), 0, root);
    root = P(...children);
  });
  const scope = hashToField("bauta/scope/1", cluster_tag, program_id, scope_account);
  const nullifier = P(secret, entry_id, scope);
  const context = hashToField("bauta/context/1", recipient, relayer, i64(expiry), sha256(payload));
  const digest = P(root, nullifier, scope, track, context);
  const claim_with_auxiliary_root = P(track, root);

  const raw = { master, registry, mint, cluster_tag, program_id, scope_account, recipient, relayer, payload };
  const inputs = Object.fromEntries(Object.entries(raw).map(([name, value]) => [name, value.toString("hex")]));
  const fields = { entry_id, secret, commitment, rotated_secret, leaf, root, scope, nullifier, context, digest, claim_with_auxiliary_root };
  const outputs = Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, hex(value)]));
  vectors.push({
    inputs: { ...inputs, expiry: Number(expiry), track: Number(track), counter, depth, index: Number(index), path: path.map((l) => l.map(hex)) },
    outputs,
  });
}
writeFileSync(new URL("protocol.json", import.meta.url), JSON.stringify(vectors, null, 1) + "\n");

const T = (name) => hashToField(`bauta/${name}/1`);
/// Hashes 6 elements, or 11 with two hashes.
const chain = (...e) => e.length === 6 ? P(...e) : P(P(...e.slice(0, 6)), ...e.slice(6));
const below = (bound, name, n) => toInt(sample(name, n)) % bound;
const text = (object) => Object.fromEntries(Object.entries(object).map(([name, value]) =>
  [name, typeof value === "bigint" ? value.toString() : value]));

const scores = [];
for (let n = 0; n < 8; n++) {
  const score = [0n, 2n ** 20n - 1n][n] ?? below(2n ** 20n, "score", n);
  const exact = n % 2 === 0;
  const shown = exact ? score : below(score + 1n, "shown", n);
  const as_of = [0n, 2n ** 40n - 2n][n] ?? below(2n ** 39n, "as of", n);
  const issued_at = below(as_of + 1n, "issued", n);
  const expires_at = n === 1 ? 2n ** 40n - 1n : as_of + 1n + BigInt(n);
  const [domain, salt] = ["domain", "salt"].map((name) => hashToField("bauta/vector/1", sample(name, n)));
  const attributes = chain(T("score"), score, domain, issued_at, expires_at, salt);
  const claim = P(T("reputation"), BigInt(exact), shown, domain, as_of);
  scores.push({
    inputs: text({ score, domain: hex(domain), issued_at, expires_at, salt: hex(salt), exact, shown, as_of }),
    outputs: { attributes: hex(attributes), claim: hex(claim) },
  });
}

const component = (string) => BigInt("0x" + Buffer.from(string, "ascii").toString("hex"));
const pids = ["JP", "JP-13", "JP-13-113-01", "DE-10115-7", "0-1-2-3-4-5-6-7", "ABCDEFGHIJKLMNO-9", "CA-ON-M5V-3L9-1", "Z-01-1-001"];
const addresses = pids.map((pid, n) => {
  const components = pid.split("-").map(component);
  while (components.length < 8) components.push(0n);
  const depth = pid.split("-").length;
  const handle = [1n, 2n ** 120n - 2n][n] ?? 1n + below(2n ** 120n - 2n, "handle", n);
  const schema = [0n, 2n ** 32n - 1n][n] ?? below(2n ** 32n, "schema", n);
  const valid_until = [0n, 2n ** 40n - 1n][n] ?? below(2n ** 40n, "valid", n);
  const as_of = below(valid_until + 1n, "as of", n);
  const prefix_length = Number(below(BigInt(depth) + 1n, "prefix", n));
  const min_components = below(BigInt(depth) + 1n, "minimum", n);
  const show = n % 2 === 1;
  const key = n === 0 ? 0n : below(handle, "key", n);
  const next = n === 1 ? 2n ** 120n - 1n : handle + 1n + below(2n ** 120n - 1n - handle, "next", n);
  const root = hashToField("bauta/vector/1", sample("list", n));
  const attributes = chain(T("address"), ...components, handle, schema + 2n ** 32n * valid_until);
  const shown = components.map((value, i) => i < prefix_length ? value : 0n);
  const word = min_components + (show ? 2n ** 4n + 2n ** 5n * schema : 0n);
  const value = chain(T("address-claim"), ...shown, word, as_of);
  return {
    inputs: text({ pid, handle, schema, valid_until, as_of, prefix_length, min_components, show, key, next, root: hex(root) }),
    outputs: { attributes: hex(attributes), value: hex(value), claim: hex(P(value, root)), element: hex(key + 2n ** 120n * next) },
  };
});
writeFileSync(new URL("statements.json", import.meta.url), JSON.stringify({ scores, addresses }, null, 1) + "\n");
