// The whole dashboard in a real Chromium, against a running deployment.

import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";

import { chromium, type Browser } from "playwright-core";

import { damage, DASHBOARD as url, PATIENCE, owner, request, requestProofs, resumeTokenOfNow, until, visitDemo, WalletKey, walletWith } from "./deployment.ts";
import { Operator, PAGES } from "./operator.ts";

let browser: Browser;
let all: WalletKey;
/** A resume token of before the visit of the demo page. */
let resumeToken: string;

before(async () => {
  const args = ["--no-sandbox", "--disable-dev-shm-usage"];
  browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args, timeout: PATIENCE });
  all = owner();
  resumeToken = await resumeTokenOfNow();
  await visitDemo(browser);
});
after(() => browser.close());

test("an operator logs in with a wallet and sees the state of the deployment", async () => {
  const operator = await Operator.logIn(browser, url, all);
  await operator.page.getByText("Live", { exact: true }).waitFor();
  await operator.card("State").getByText("solana:localnet").waitFor();
  await operator.card("State").getByText(/^(healthy|degraded)$/).waitFor();
  assert.match(await operator.figure("Slot").innerText(), /^[\d,]+/);
  assert.match(await operator.figure("Relay wallet").innerText(), /\d SOL/);
  assert.match(await operator.figure("API instances").innerText(), /^1\b/);
  await operator.card("Processes").getByText("bauta-api").waitFor();
  await operator.card("Verifications").getByText("Show as a table").click();
  assert.equal(await operator.card("Verifications").locator("tbody tr").count(), 30);
  await operator.page.getByLabel("Days").check({ force: true });
  await operator.card("Verifications").getByText(/by day \(UTC\)/).first().waitFor();
  await operator.leave();
});

test("an event of the chain appears while the page is open", async () => {
  const operator = await Operator.logIn(browser, url, all);
  await operator.page.getByText("Live", { exact: true }).waitFor();
  await visitDemo(browser);
  await operator.card("Live events").getByText("OwnershipVerified").first().waitFor();
  await operator.leave();
});

test("the page of proofs shows the queue, the progress of jobs and the workers", async () => {
  const operator = await Operator.logIn(browser, url, all);
  await operator.show("Proofs");
  const rows = operator.card("Open jobs").locator("tbody tr");
  // Some jobs wait until the page has read the list.
  const token = await all.logIn();
  await until(async () => {
    const { queued } = await request<{ queued: number }>("GET", "/v1/operator/queue", { token });
    if (queued < 20) await requestProofs(20);
    return (await rows.count()) > 0;
  }, "the page shows open jobs");
  await until(async () => Number((await operator.figure("Succeeded").innerText()).replaceAll(",", "")) > 0, "a job has succeeded");
  await until(async () => /^\d/.test(await operator.figure("Workers").innerText()), "the number of workers is known");
  await operator.card("Workers and priorities").waitFor();
  await operator.card("Dead letters").getByText("No job has failed.").waitFor();
  await operator.leave();
});

test("an operator measures the proving time, and sees a report", async () => {
  const operator = await Operator.logIn(browser, url, all);
  await operator.show("Proofs");
  const card = operator.card("Profiling");
  await card.getByLabel("Proofs on").selectOption("both");
  await card.getByLabel("Proofs of each kind").fill("2");
  await operator.button("Measure").click();
  const rows = card.locator("tbody tr");
  await rows.first().waitFor();
  assert.deepEqual(await rows.locator("th").allInnerTexts(), ["one thread", "all threads"]);
  for (const time of await rows.first().locator("td.number").allInnerTexts()) assert.match(time, /^[\d.]+ m?s$/);
  assert.match(await rows.first().getByRole("img").getAttribute("aria-label") ?? "", /^p50 .*, p95 .*, slowest /);
  await card.getByText("2, after a warm-up").waitFor();
  await operator.checkAccess("a report");
  await operator.leave();
});

test("a measurement that is refused says why", async () => {
  const operator = await Operator.logIn(browser, url, all);
  await operator.show("Proofs");
  await operator.page.route("**/v1/operator/profile", (route) =>
    route.fulfill({ status: 503, contentType: "application/problem+json", body: JSON.stringify({ code: "not_measured", detail: "The key lacks the permission." }) }),
  );
  await operator.button("Measure").click();
  await operator.card("Profiling").getByRole("alert").filter({ hasText: "The key lacks the permission. not_measured" }).waitFor();
  assert(await operator.button("Measure").isEnabled());
  await operator.leave();
});

test("percentiles are shown if the service has some, and not otherwise", async () => {
  const operator = await Operator.logIn(browser, url, all);
  await requestProofs(4);
  await operator.figure("p50").waitFor();
  assert.match(await operator.figure("p99").innerText(), /^[\d.]+ m?s/);
  await operator.page.route("**/v1/operator/metrics", async (route) => {
    const response = await route.fetch();
    const metrics = await response.json();
    Object.assign(metrics.proofs, { succeeded: 0, success: null, p50_ms: null, p95_ms: null, p99_ms: null });
    await route.fulfill({ response, json: metrics });
  });
  await operator.figure("p50").waitFor({ state: "detached" });
  assert.equal(await operator.page.getByText(/^p\d\d$/).count(), 0);
  await operator.figure("Success").getByText("none ended").waitFor();
  await operator.page.unrouteAll({ behavior: "ignoreErrors" });
  await operator.leave();
});

test("the page of registries shows members, growth, roots and anonymity sets", async () => {
  const operator = await Operator.logIn(browser, url, all);
  await operator.show("Registries");
  const registries = await request<{ data: { address: string }[] }>("GET", "/v1/registries");
  const { address } = registries.data[0]!;
  await operator.page.locator(`a[href="#/registries/${address}"]`).click();
  await operator.card("Valid roots").getByText("current", { exact: true }).waitFor();
  const track = operator.card("Anonymity sets by track").locator("tbody tr").first();
  await track.waitFor();
  const owners = Number(await track.locator("td").first().innerText());
  const name = await track.locator("th").innerText();
  const known = await request<{ owners: number }>("GET", `/v1/registries/${address}/anonymity?track=${name}`);
  assert.equal(owners, known.owners);
  await track.getByText(owners < 10 ? "below 10" : "enough").waitFor();
  await operator.card("Growth").getByText("Show as a table").click();
  assert((await operator.card("Growth").locator("tbody tr").count()) > 0);
  await operator.leave();
});

test("the page of scopes shows the uses of a scope", async () => {
  const operator = await Operator.logIn(browser, url, all);
  await operator.show("Scopes");
  const scopes = await request<{ data: { address: string }[] }>("GET", "/v1/scopes");
  await operator.page.locator(`a[href="#/scopes/${scopes.data[0]!.address}"]`).click();
  await operator.card("Verifications").locator("tbody tr").first().waitFor();
  await operator.card(/^Uses of/).getByText(/by hour \(UTC\)/).first().waitFor();
  await operator.page.getByLabel("Days").check({ force: true });
  await operator.card(/^Uses of/).getByText(/by day \(UTC\)/).first().waitFor();
  await operator.leave();
});

test("an operator reads the ledger, and pauses and resumes the sponsorship", async () => {
  const operator = await Operator.logIn(browser, url, all);
  await operator.show("Relay");
  await operator.card("States").getByText("finalized").waitFor();
  await operator.card("Sponsorship").getByText("Accepted fees").waitFor();
  await operator.card(/^Ledger of/).getByRole("rowheader").first().waitFor();
  const token = await all.logIn();
  const isPaused = async () => (await request<{ paused: boolean }>("GET", "/v1/operator/sponsorship", { token })).paused;
  await operator.button("Pause sponsorship").click();
  await operator.confirm("Pause");
  await operator.card("Sponsorship").getByText("paused", { exact: true }).waitFor();
  assert.equal(await isPaused(), true);
  await operator.button("Resume sponsorship").click();
  await operator.confirm("Resume");
  await operator.card("Sponsorship").getByText("running", { exact: true }).waitFor();
  assert.equal(await isPaused(), false);
  await operator.leave();
});

test("a developer creates, rotates and revokes API keys, and sees each secret once", async () => {
  const operator = await Operator.logIn(browser, url, await walletWith("developer"));
  await operator.show("Webhooks and keys");
  await operator.button("New key").click();
  await operator.page.getByLabel("Name", { exact: true }).fill("back end");
  await operator.confirm("Create");
  const secret = operator.page.locator(".secret code");
  const first = await secret.innerText();
  assert.match(first, /^bauta_[0-9a-f]{8}_/);
  await operator.button("I have stored it").click();
  const prefix = first.slice(6, 14);
  const row = (name: string) => operator.card("API keys").locator("tbody tr", { hasText: name });
  await operator.button(`Rotate ${prefix}`).click();
  await operator.confirm("Rotate");
  const second = (await secret.innerText()).slice(6, 14);
  assert.notEqual(second, prefix);
  await row(second).waitFor();
  await operator.button(`Revoke ${second}`).click();
  await operator.confirm("Revoke");
  await row(second).getByText("expired").waitFor();
  assert(await operator.button(`Revoke ${second}`).isHidden());
  await operator.leave();
});

test("an operator revokes a key of another account by its prefix", async () => {
  const developer = await walletWith("developer");
  const body = { name: "lost", kind: "server", permissions: ["read"], days: 1 };
  const token = await developer.logIn();
  const { api_key } = await request<{ api_key: string }>("POST", "/v1/keys", { body, token });
  const operator = await Operator.logIn(browser, url, await walletWith("operator"));
  await operator.show("Webhooks and keys");
  await operator.page.getByLabel("Prefix", { exact: true }).fill(api_key.slice(6, 14));
  await operator.button("Revoke this key").click();
  await operator.confirm("Revoke");
  const { data } = await request<{ data: { expires_at: number }[] }>("GET", "/v1/keys", { token });
  assert(data[0]!.expires_at < body.days * 86_400 + Date.now() / 1_000 - 3_600, "the key was revoked");
  await operator.leave();
});

test("a developer creates a webhook, sees its deliveries, replays events, rotates and deletes it", async () => {
  const received: string[] = [];
  const receiver: Server = createServer((message, response) => {
    received.push(String(message.headers["webhook-id"]));
    response.end();
  });
  await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
  const hook = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;
  const operator = await Operator.logIn(browser, url, await walletWith("developer"));
  await operator.show("Webhooks and keys");
  await operator.button("New webhook").click();
  await operator.page.getByLabel("URL", { exact: true }).fill(hook);
  await operator.confirm("Create");
  const secret = operator.page.locator(".secret code");
  const first = await secret.innerText();
  assert.match(first, /^whsec_/);
  await operator.card("Deliveries").getByText("No message was sent to this webhook.").waitFor();

  await operator.button("Replay").click();
  await operator.page.getByLabel("Resume token", { exact: true }).fill(resumeToken);
  await operator.confirm("Replay");
  await operator.card("Deliveries").getByText("delivered").first().waitFor();
  await operator.card("Deliveries").getByText("HTTP 200").first().waitFor();
  assert(received.length > 0);

  await operator.button(`Rotate the secret of ${hook}`).click();
  await operator.confirm("Rotate");
  assert.notEqual(await secret.innerText(), first);
  await operator.button(`Delete ${hook}`).click();
  await operator.confirm("Delete");
  await operator.card("Webhooks").getByText("The account has no webhook.").waitFor();
  await operator.leave();
  receiver.closeAllConnections();
  receiver.close();
});

test("a webhook at an internal address is refused with the reason", async () => {
  const operator = await Operator.logIn(browser, url, await walletWith("developer"));
  await operator.show("Webhooks and keys");
  await operator.button("New webhook").click();
  await operator.page.getByLabel("URL", { exact: true }).fill("https://10.0.0.1/hook");
  await operator.page.locator("dialog[open]").getByRole("button", { name: "Create" }).click();
  await operator.page.locator("dialog[open]").getByText("private_address").waitFor();
  await operator.leave();
});

test("an operator sets the flags, and the audit log with its hashes follows", async () => {
  const operator = await Operator.logIn(browser, url, all);
  await operator.show("Audit and flags");
  await operator.card("Chain of hashes").getByText("right", { exact: true }).waitFor();
  await operator.page.getByLabel(/^Rollout/).fill("40");
  await operator.button("Set the flags").click();
  await operator.card("Feature flags").getByText("on for 40 %").waitFor();
  const flags = await request<{ rollout_percentage: number }>("GET", "/feature-flags");
  assert.equal(flags.rollout_percentage, 40);
  await operator.page.getByLabel(/^Rollout/).fill("100");
  await operator.button("Set the flags").click();
  await operator.card("Feature flags").getByText("on for 100 %").waitFor();
  await operator.card("Audit log").getByText("rollout_percentage=40").first().waitFor();
  await operator.page.getByLabel("Event").selectOption("flags_set");
  await until(async () => {
    const events = await operator.card("Audit log").locator("tbody tr td:nth-child(3)").allInnerTexts();
    return events.length >= 2 && events.every((event) => event === "flags_set");
  }, "only changes of the flags are listed");
  await operator.leave();
});

test("the records are compared with each stored checkpoint", async () => {
  const operator = await Operator.logIn(browser, url, all);
  await operator.show("Audit and flags");
  const card = operator.card("Chain of hashes");
  await card.getByText("right", { exact: true }).waitFor();
  const { data } = await request<{ data: { records: string; note: string; at: number }[] }>("GET", "/v1/audit/seals?limit=100");
  await until(async () => Number((await operator.figure("Checkpoints").innerText()).split("\n")[0]) >= data.length, "all checkpoints are compared");
  await card.getByText("Stored checkpoints, newest first").click();
  const oldest = card.locator("tbody tr").last();
  assert.equal(await oldest.locator("td").first().innerText(), data[0]!.records);
  await oldest.getByText("agrees").waitFor();
  await operator.leave();
});

test("a checkpoint that a party with the database has exchanged is named", async () => {
  const { data } = await request<{ data: { records: string; note: string; at: number }[] }>("GET", "/v1/audit/seals?limit=100");
  const [first] = data;
  assert(first, "the log has a checkpoint");
  // The hash of the note is another one, so its signature is not valid.
  const restore = damage(`UPDATE audit_seals SET note = replace(note, E'\\n' || records || E'\\n', E'\\n' || (records + 1) || E'\\n') WHERE records = ${first.records}`, [
    `UPDATE audit_seals SET note = replace(note, E'\\n' || (records + 1) || E'\\n', E'\\n' || records || E'\\n') WHERE records = ${first.records}`,
  ]);
  try {
    const operator = await Operator.logIn(browser, url, all);
    await operator.show("Audit and flags");
    await operator.card("Chain of hashes").getByText("not right", { exact: true }).waitFor();
    await operator.page.getByRole("alert").filter({ hasText: "1 of the checkpoints do not agree" }).waitFor();
    await operator.leave();
  } finally {
    restore();
  }
});

test("a record that a party with the database has changed is named", async () => {
  const restore = damage("UPDATE audit_log SET event = event || 'x' WHERE number = 2", ["UPDATE audit_log SET event = left(event, -1) WHERE number = 2"]);
  try {
    const operator = await Operator.logIn(browser, url, all);
    await operator.show("Audit and flags");
    await operator.card("Chain of hashes").getByText("not right", { exact: true }).waitFor();
    await operator.page.getByRole("alert").filter({ hasText: "Record 2 breaks the chain" }).waitFor();
    await operator.leave();
  } finally {
    restore();
  }
});

test("an auditor reads, and no action is offered", async () => {
  const operator = await Operator.logIn(browser, url, await walletWith("auditor"));
  await operator.card("Processes").getByText("need the role operator").waitFor();
  await operator.show("Proofs");
  await operator.card("Queue").waitFor();
  assert(await operator.button("Measure").isDisabled());
  await operator.page.getByText("Your wallet may not measure the proving time.").waitFor();
  await operator.show("Relay");
  assert(await operator.button("Pause sponsorship").isDisabled());
  await operator.page.getByText("Your wallet may not pause or resume the sponsorship.").waitFor();
  await operator.show("Webhooks and keys");
  assert(await operator.button("New webhook").isDisabled());
  assert(await operator.button("New key").isDisabled());
  await operator.page.getByText("Your wallet may not have API keys.").waitFor();
  await operator.show("Audit and flags");
  await operator.card("Chain of hashes").getByText("right", { exact: true }).waitFor();
  assert(await operator.page.getByLabel(/^Rollout/).isDisabled());
  await operator.page.getByText("Your wallet may not set the flags.").waitFor();
  await operator.leave();
});

test("a wallet without a role sees what is public, and which role each part needs", async () => {
  const operator = await Operator.logIn(browser, url, new WalletKey());
  await operator.page.getByText("Your wallet may not read the statistics.").waitFor();
  await operator.show("Proofs");
  await operator.page.getByText("Your wallet may not read the queue. It needs the role operator or auditor").waitFor();
  await operator.show("Relay");
  await operator.page.getByText("Your wallet may not read the ledger.").waitFor();
  await operator.show("Audit and flags");
  await operator.page.getByText("Your wallet may not read the audit log.").waitFor();
  await operator.show("Registries");
  await operator.card("All registries").locator("tbody tr").first().waitFor();
  await operator.leave();
});

test("a wallet that refuses to sign logs nobody in", async () => {
  const operator = await Operator.open(browser, url, all, { refuses: true });
  await operator.button("Log in with Example wallet").click();
  await operator.page.getByRole("alert").filter({ hasText: "the user rejected the request" }).waitFor();
  assert(await operator.button("Log in with Example wallet").isEnabled());
  await operator.leave();
});

test("a lost connection is shown, the values stay, and the page continues when it is back", async () => {
  const operator = await Operator.logIn(browser, url, all);
  await operator.figure("Slot").waitFor();
  await operator.context.setOffline(true);
  await operator.page.getByRole("alert").filter({ hasText: "The API does not answer." }).waitFor();
  await operator.page.getByText("No connection", { exact: true }).waitFor();
  assert.match(await operator.figure("Slot").innerText(), /^[\d,]+/);
  await operator.context.setOffline(false);
  await operator.page.getByText("The API does not answer.").waitFor({ state: "detached" });
  const slot = await operator.figure("Slot").innerText();
  await until(async () => (await operator.figure("Slot").innerText()) !== slot, "the slot increases");
  await operator.leave();
});

test("a logout ends the session here and at the API", async () => {
  const operator = await Operator.logIn(browser, url, all);
  const ended = operator.page.waitForResponse((response) => response.url().endsWith("/v1/auth/logout"));
  await operator.button("Log out").click();
  assert.equal((await ended).status(), 204);
  await operator.button("Log in with Example wallet").waitFor();
  await operator.leave();
});

test("a page that is left open renews its tokens with the access token, also after its machine has slept", async () => {
  const operator = await Operator.open(browser, url, await walletWith("auditor"));
  await operator.page.clock.install();
  const renewals: { authorization: string | undefined; status: number }[] = [];
  operator.page.on("response", async (response) => {
    if (!response.url().endsWith("/v1/auth/refresh")) return;
    renewals.push({ authorization: await response.request().headerValue("authorization") ?? undefined, status: response.status() });
  });
  await operator.button("Log in with Example wallet").click();
  await operator.heading("Overview").waitFor();
  // A page without requests: the poll of the flags alone is stopped as well.
  await operator.page.goto(`${url}#/audit`);
  await operator.page.clock.fastForward("09:05");
  await until(async () => renewals.length === 1, "the tokens are renewed");
  assert.match(renewals[0]!.authorization ?? "", /^Bearer eyJ/);
  // The access token has expired, so it is not sent.
  await operator.page.clock.fastForward("05:00:00");
  await until(async () => renewals.length === 2, "the tokens are renewed after the sleep");
  assert.equal(renewals[1]!.authorization, undefined);
  assert.deepEqual(renewals.map(({ status }) => status), [200, 200]);
  await operator.show("Overview");
  await operator.figure("Slot").waitFor();
  await operator.leave();
});

test("the page renews its tokens before they expire, and says that a login was ended elsewhere", async () => {
  const operator = await Operator.open(browser, url, await walletWith("auditor"));
  await operator.page.clock.install();
  await operator.button("Log in with Example wallet").click();
  await operator.heading("Overview").waitFor();
  const renewal = operator.page.waitForResponse((response) => response.url().endsWith("/v1/auth/refresh"));
  await operator.page.clock.fastForward("09:30");
  const renewed = await renewal;
  assert.equal(renewed.status(), 200);
  const { refresh_token } = await renewed.json();
  await operator.figure("Slot").waitFor();
  await request("POST", "/v1/auth/logout", { body: { refresh_token } });
  await operator.page.clock.fastForward("09:30");
  await operator.page.getByRole("status").filter({ hasText: "The login has ended" }).waitFor();
  await operator.button("Log in with Example wallet").waitFor();
  await operator.leave();
});

for (const scheme of ["light", "dark"] as const) {
  for (const width of [320, 1280]) {
    test(`each page is accessible in ${scheme} colours at ${width} pixels`, async () => {
      const operator = await Operator.open(browser, url, all, { scheme, width });
      await operator.button("Log in with Example wallet").waitFor();
      await operator.checkAccess("login");
      await operator.button("Log in with Example wallet").click();
      for (const path of PAGES) {
        await operator.page.goto(`${url}#/${path}`);
        await operator.page.locator("section.card tbody tr, section.card .figure, section.card .none").first().waitFor();
        for (const table of await operator.page.locator("figure summary").all()) await table.click();
        await operator.checkAccess(path);
      }
      await operator.page.goto(`${url}#/webhooks`);
      await operator.button("New key").click();
      await operator.checkAccess("a dialog");
      await operator.leave();
    });
  }
}
