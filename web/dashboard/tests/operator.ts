// An operator who uses the dashboard in a real Chromium, and what every session is checked for.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

import type { Browser, BrowserContext, Locator, Page } from "playwright-core";

import { PATIENCE, type WalletKey } from "./deployment.ts";

const WALLET = "Example wallet";
const require = createRequire(import.meta.url);

export const PAGES = ["overview", "proofs", "registries", "scopes", "relay", "webhooks", "audit"] as const;

interface Options {
  readonly refuses?: boolean;
  readonly scheme?: "light" | "dark";
  readonly width?: number;
  readonly height?: number;
}

/** An operator. */
export class Operator {
  readonly errors: string[] = [];
  readonly hosts = new Set<string>();

  private constructor(
    readonly url: string,
    readonly context: BrowserContext,
    readonly page: Page,
  ) {}

  /** Opens the dashboard in a new profile. */
  static async open(browser: Browser, url: string, key: WalletKey, options: Options = {}): Promise<Operator> {
    const { refuses = false, scheme = "light", width = 1280, height = 900 } = options;
    const context = await browser.newContext({ colorScheme: scheme, viewport: { width, height }, locale: "en-GB", timezoneId: "UTC" });
    context.setDefaultTimeout(PATIENCE);
    const { address } = key;
    const settings = JSON.stringify({ name: WALLET, address, publicKey: [...key.publicKey], pkcs8: [...key.pkcs8], refuses });
    const script = await readFile(new URL("wallet.js", import.meta.url), "utf8");
    await context.addInitScript(`globalThis.walletOfTest = ${settings};\n${script}`);
    const page = await context.newPage();
    const operator = new Operator(url, context, page);
    page.on("request", (request) => {
      if (!request.url().startsWith("data:")) operator.hosts.add(new URL(request.url()).host);
    });
    // A request that the API refuses, or that has no connection, is an entry of the browser's log.
    page.on("console", (message) => {
      if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) operator.errors.push(message.text());
    });
    page.on("pageerror", (error) => operator.errors.push(String(error)));
    await page.goto(url);
    return operator;
  }

  /** Opens the dashboard, and logs in. */
  static async logIn(browser: Browser, url: string, key: WalletKey, options: Options = {}): Promise<Operator> {
    const operator = await Operator.open(browser, url, key, options);
    await operator.button(`Log in with ${WALLET}`).click();
    await operator.heading("Overview").waitFor();
    return operator;
  }

  button(name: string | RegExp): Locator {
    return this.page.getByRole("button", { name, exact: typeof name === "string" });
  }

  heading(name: string): Locator {
    return this.page.getByRole("heading", { level: 1, name });
  }

  /** The part of a page with this heading. */
  card(name: string | RegExp): Locator {
    return this.page.getByRole("region", { name }).and(this.page.locator("section"));
  }

  /** The value of a figure. */
  figure(name: string): Locator {
    return this.page.locator(".figure", { has: this.page.getByText(name, { exact: true }) }).locator("dd");
  }

  /** Opens a page by the navigation. */
  async show(name: string): Promise<void> {
    await this.page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name }).click();
    await this.heading(name).waitFor();
  }

  /** Confirms the open dialog, and waits until it has closed. */
  async confirm(name: string): Promise<void> {
    const dialog = this.page.locator("dialog[open]");
    await dialog.getByRole("button", { name, exact: true }).click();
    await dialog.waitFor({ state: "detached" }).catch(async () => assert.fail(await dialog.innerText()));
  }

  /** Checks the page with axe. */
  async checkAccess(what: string): Promise<void> {
    // The policy of the page refuses inline scripts, so the test loads axe through the protocol of the browser.
    await this.page.evaluate(await readFile(require.resolve("axe-core/axe.min.js"), "utf8"));
    const rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
    const { violations } = await this.page.evaluate((values) => (globalThis as any).axe.run({ runOnly: { type: "tag", values } }), rules);
    const found = violations.map((one: any) => `${one.id}: ${one.help}: ${one.nodes.map((node: any) => node.html).join(" | ").slice(0, 400)}`);
    assert.deepEqual(found, [], what);
    const width = await this.page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    assert(width[0]! <= width[1]!, `${what}: the page is ${width[0]} pixels wide in a window of ${width[1]}`);
  }

  /** Checks what holds for every session, and ends it. */
  async leave(): Promise<void> {
    const violations = await this.page.evaluate(() => (globalThis as any).violationsOfTest as string[]);
    assert.deepEqual(violations, [], "the page kept to its policy");
    assert.deepEqual(this.errors, [], "the browser logged no error");
    assert.deepEqual([...this.hosts], [new URL(this.url).host], "the page sent requests to one host");
    const stored = await this.page.evaluate(() => JSON.stringify([{ ...sessionStorage }, { ...localStorage }, document.cookie]));
    assert.doesNotMatch(stored, /bautaref_|eyJ/, "no token is stored");
    await this.context.close();
  }
}
