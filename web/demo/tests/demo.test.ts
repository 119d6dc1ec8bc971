// The whole demo in a real Chromium, against a running stack.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";

import type { Browser } from "playwright-core";

import { launch, Visitor } from "./visitor.ts";

let browser: Browser;
before(async () => void (browser = await launch()));
after(() => browser.close());

for (const kind of ["Token Metadata", "Metaplex Core", "Token-2022"]) {
  test(`a visitor registers a token of ${kind}, and proves without the wallet and without showing the token`, async () => {
    const visitor = await Visitor.open(browser);
    await visitor.connect();
    await visitor.getToken(kind);
    await visitor.register();
    await visitor.button("Disconnect it").click();
    await visitor.prove();

    const registering = await visitor.seen("register");
    assert.deepEqual(registering["Chain"], ["known", "known", "none", "none"]);
    assert.deepEqual(registering["API"], ["known", "hidden", "none", "known"]);
    const proving = await visitor.seen("prove");
    assert.deepEqual(proving["Chain"], ["none", "hidden", "known", "none"]);
    assert.deepEqual(proving["API"], ["none", "hidden", "none", "known"]);
    assert.deepEqual(proving["Relay"], ["none", "none", "known", "known"]);
    assert.deepEqual(proving["Node"], ["none", "none", "known", "known"]);
    await visitor.finality();
    await visitor.leave();
  });
}

test("a second proof with the same token is refused", async () => {
  const visitor = await Visitor.open(browser);
  await visitor.connect();
  await visitor.getToken("Metaplex Core");
  await visitor.register();
  await visitor.prove();
  await visitor.button("New").click();
  await visitor.button("Prove again").click();
  assert.match(await visitor.problem(3), /nullifier_(used|in_flight)/);
  await visitor.leave();
});

test("a later visit finds the membership without the wallet", async () => {
  const visitor = await Visitor.open(browser);
  await visitor.connect();
  await visitor.getToken("Token-2022");
  await visitor.register();
  await visitor.page.reload();
  await visitor.step(2).getByText("Registered").waitFor();
  const before = visitor.requests.length;
  await visitor.prove();
  assert.deepEqual((await visitor.seen("register"))["Chain"], undefined);
  for (const { text } of visitor.requests.slice(before)) assert(!text.includes(visitor.assets[0]!), "no request names the token");
  await visitor.leave();
});

test("a wallet that refuses registers nothing, and the visitor can try again", async () => {
  const visitor = await Visitor.open(browser, { wallet: { refuses: true } });
  await visitor.connect();
  await visitor.getToken("Token Metadata");
  await visitor.step(2).getByRole("button", { name: "Register" }).click();
  const problem = await visitor.problem(2);
  assert.match(problem, /the user rejected the request/);
  assert.match(problem, /wallet-refused/);
  assert(await visitor.step(2).getByRole("button", { name: "Register" }).isEnabled());
  assert(await visitor.step(3).getByRole("button", { name: "Prove" }).isDisabled());
  for (const { text } of visitor.requests) assert(!text.includes("sendTransaction"), "no transaction was sent");
  await visitor.leave();
});

test("a wallet that signs differently each time can't keep the secret", async () => {
  const visitor = await Visitor.open(browser, { wallet: { varies: true } });
  await visitor.connect();
  await visitor.getToken("Metaplex Core");
  await visitor.page.getByLabel("Wallet", { exact: true }).check({ force: true });
  await visitor.step(2).getByRole("button", { name: "Register" }).click();
  const problem = await visitor.problem(2);
  assert.match(problem, /gives another signature each time/);
  assert.match(problem, /identity-unsupported/);
  // Another way to keep the secret works.
  await visitor.page.getByLabel("This device").check({ force: true });
  await visitor.register();
  await visitor.leave();
});

test("a wallet that signs the same each time keeps the secret", async () => {
  const visitor = await Visitor.open(browser);
  await visitor.connect();
  await visitor.getToken("Metaplex Core");
  await visitor.page.getByLabel("Wallet", { exact: true }).check({ force: true });
  await visitor.register();
  await visitor.prove();
  await visitor.leave();
});

test("a passkey keeps the secret, and a later visit opens it", async () => {
  const visitor = await Visitor.open(browser);
  await visitor.addPasskeys();
  await visitor.connect();
  await visitor.getToken("Token Metadata");
  await visitor.page.getByLabel("Passkey").check({ force: true });
  await visitor.register();
  await visitor.page.reload();
  await visitor.step(2).getByRole("button", { name: "Open" }).click();
  await visitor.step(2).getByText("Registered").waitFor();
  await visitor.prove();
  await visitor.leave();
});

test("a passkey that gives no secret keeps none", async () => {
  const visitor = await Visitor.open(browser);
  await visitor.addPasskeys({ hasPrf: false });
  await visitor.connect();
  await visitor.getToken("Token Metadata");
  await visitor.page.getByLabel("Passkey").check({ force: true });
  await visitor.step(2).getByRole("button", { name: "Register" }).click();
  assert.match(await visitor.problem(2), /identity-unsupported/);
  await visitor.leave();
});

test("the account that is selected in the wallet is the one that registers", async () => {
  const visitor = await Visitor.open(browser, { wallet: { accounts: 2 } });
  await visitor.connect();
  await visitor.getToken("Token-2022");
  const other = await visitor.page.evaluate(() => (globalThis as any).selectOtherAccount() as string);
  await visitor.step(1).locator(`.key[title="${other}"]`).waitFor();
  // The token belongs to the first account.
  await visitor.page.getByText("This wallet has no token").waitFor();
  await visitor.getToken("Token Metadata");
  const own = visitor.requests.length;
  await visitor.register();
  const read = visitor.requests.slice(own).find(({ text }) => text.includes("getTokenAccountsByOwner"));
  assert.match(read!.text, new RegExp(`"${other}"`));
  await visitor.leave();
});

test("an identity that the wallet keeps is the one of the selected account", async () => {
  const visitor = await Visitor.open(browser, { wallet: { accounts: 2 } });
  await visitor.connect();
  await visitor.getToken("Metaplex Core");
  await visitor.page.getByLabel("Wallet", { exact: true }).check({ force: true });
  await visitor.register();
  const other = await visitor.page.evaluate(() => (globalThis as any).selectOtherAccount() as string);
  await visitor.step(1).locator(`.key[title="${other}"]`).waitFor();
  // The registration belongs to the identity of the first account.
  await visitor.step(2).getByText("Registered").waitFor({ state: "detached" });
  await visitor.getToken("Token Metadata");
  await visitor.register();
  await visitor.prove();
  await visitor.leave();
});

test("no page has a problem of accessibility or is wider than the screen", async () => {
  const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  for (const scheme of ["light", "dark"] as const) {
    for (const width of [320, 1280]) {
      const visitor = await Visitor.open(browser, { scheme, width });
      const check = async (what: string) => {
        await visitor.page.evaluate(axe);
        const problems = await visitor.page.evaluate(async () => {
          const { violations } = await (globalThis as any).axe.run(document);
          return violations.map(({ id, nodes }: { id: string; nodes: { html: string }[] }) => `${id}: ${nodes[0]!.html}`);
        });
        assert.deepEqual(problems, [], `${what}, ${scheme}, ${width} pixels`);
        const excess = await visitor.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert(excess <= 0, `${what}, ${width} pixels: ${excess} pixels too wide`);
      };
      await visitor.step(3).getByText("live").waitFor();
      await check("the first page");
      await visitor.connect();
      await visitor.getToken("Metaplex Core");
      await check("a token to register");
      await visitor.register();
      await visitor.prove();
      await visitor.page.locator("summary").click();
      await check("the end");
      await visitor.leave();
    }
  }
});
