// The check of the audit log, with records and a checkpoint of the real service.

import assert from "node:assert/strict";
import { before, test } from "node:test";

import { EMPTY, extend, hex, openNote } from "../src/lib/audit.ts";
import type { AuditRecord } from "../src/lib/types.ts";
import { owner, request } from "./deployment.ts";

let records: AuditRecord[];
let checkpoint: { note: string; public_key: string };
before(async () => {
  const token = await owner().logIn();
  checkpoint = await request("GET", "/v1/audit/checkpoint");
  records = (await request<{ data: AuditRecord[] }>("GET", "/v1/audit?limit=100", { token })).data;
  assert(records.length >= 5, "the roles and logins of the deployment are in the log");
});

test("the chain of the service is right, and its checkpoint names it", async () => {
  const { records: number, hash } = await openNote(checkpoint.note, checkpoint.public_key);
  const signed = records.filter((record) => BigInt(record.number) <= number);
  const head = await extend(EMPTY, signed);
  // The log can be longer than the page that was read.
  if (BigInt(signed.length) === number) assert.equal(hex(head.hash), hex(hash));
  assert.equal((await extend(EMPTY, records)).records, BigInt(records.length));
});

test("each change of a record breaks the chain at this record", async () => {
  const at = 2;
  const changes: Partial<AuditRecord>[] = [
    { event: "other" },
    { at: records[at]!.at + 1 },
    { code: "other" },
    { actor: "other" },
    { actor: null },
    { subject: "other" },
    { hash: records[at - 1]!.hash },
    { number: "9" },
  ];
  for (const change of changes) {
    const changed = records.map((record, index) => (index === at ? { ...record, ...change } : record));
    await assert.rejects(extend(EMPTY, changed), /Record 3 breaks the chain/, JSON.stringify(change));
  }
  const removed = records.filter((_, index) => index !== at);
  await assert.rejects(extend(EMPTY, removed), /Record 3 breaks the chain: the log continues with record 4/);
});

test("a checkpoint with another text, signature or key is refused", async () => {
  const { note, public_key } = checkpoint;
  const other = note.replace(/\n\d+\n/, "\n1000000\n");
  await assert.rejects(openNote(other, public_key), /signature of the checkpoint is not valid/);
  const [name, id, key] = /^(.+?)\+(\w+)\+(.+)$/.exec(public_key)!.slice(1) as [string, string, string];
  const bytes = Buffer.from(key, "base64");
  bytes[1]! ^= 1;
  await assert.rejects(openNote(note, `${name}+${id}+${bytes.toString("base64")}`));
  await assert.rejects(openNote(note, `${name}+00000000+${key}`), /not signed with the key of the log/);
});
