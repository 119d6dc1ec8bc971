// A visitor of the page in a real Chromium, and what every visit is checked for.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { isDeepStrictEqual } from "node:util";

import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";

import { addressBytes, reveals, secretOf } from "./secrets.ts";

/** A test waits this long for a condition. A busy machine takes its time. */
export const PATIENCE = 120_000;

/** Returns the URL of the page: `cargo xtask up` prints it. */
export function demoUrl(): string {
  const url = process.env["BAUTA_WEB_URL"];
  assert(url, "set BAUTA_WEB_URL to the URL of the demo, which `cargo xtask up` prints");
  return url;
}

/** How the wallet of a visitor behaves. */
export interface TestWallet {
  readonly accounts?: number;
  /** Refuses every signature. */
  readonly refuses?: boolean;
  /** Signs another message each time. */
  readonly varies?: boolean;
}

const WALLET = "Example wallet";
const script = (name: string) => readFile(new URL(name, import.meta.url), "utf8");

/** Starts Debian's Chromium. */
export function launch(): Promise<Browser> {
  const args = ["--no-sandbox", "--disable-dev-shm-usage"];
  return chromium.launch({ executablePath: "/usr/bin/chromium", args, timeout: PATIENCE });
}

/** A request as the browser sent it. */
interface Request {
  readonly url: string;
  readonly text: string;
}

/** A visitor. */
export class Visitor {
  /** All requests. */
  readonly requests: Request[] = [];
  /** The number of requests before the page was loaded the last time. */
  #earlier = 0;
  readonly logs: string[] = [];
  readonly errors: string[] = [];
  /** The assets that were registered. */
  readonly assets: string[] = [];
  /** Whether the browser has a master secret. */
  #hasIdentity = false;

  private constructor(
    readonly context: BrowserContext,
    readonly page: Page,
  ) {}

  /** Opens the page in a new profile. */
  static async open(browser: Browser, options: { wallet?: TestWallet; scheme?: "light" | "dark"; width?: number } = {}): Promise<Visitor> {
    const { wallet = {}, scheme = "light", width = 1280 } = options;
    const context = await browser.newContext({ colorScheme: scheme, viewport: { width, height: 900 } });
    context.setDefaultTimeout(PATIENCE);
    const settings = JSON.stringify({ name: WALLET, ...wallet });
    await context.addInitScript(`globalThis.walletOfTest = ${settings};\n${await script("watch.js")}\n${await script("wallet.js")}`);
    const page = await context.newPage();
    const visitor = new Visitor(context, page);
    page.on("request", (request) => {
      const headers = Object.entries(request.headers()).map((header) => header.join(": "));
      visitor.requests.push({ url: request.url(), text: [request.url(), ...headers, request.postData() ?? ""].join("\n") });
    });
    page.on("framenavigated", () => (visitor.#earlier = visitor.requests.length));
    page.on("console", (message) => {
      visitor.logs.push(message.text());
      // The SDK repeats a request until the API has what the chain has. The browser logs each 404.
      const isAnswer = message.text().startsWith("Failed to load resource") && new URL(message.location().url).host !== new URL(demoUrl()).host;
      if (message.type() === "error" && !isAnswer) visitor.errors.push(message.text());
    });
    page.on("pageerror", (error) => visitor.errors.push(String(error)));
    await page.goto(demoUrl());
    return visitor;
  }

  button(name: string | RegExp) {
    return this.page.getByRole("button", { name });
  }

  step(number: number) {
    return this.page.locator(`section[aria-labelledby="step-${number}"]`);
  }

  async connect(): Promise<void> {
    await this.button(WALLET).click();
    await this.step(1).getByText("Disconnect").waitFor();
    await this.page.getByText("This wallet has no token").waitFor();
  }

  /** Gives the browser a device with passkeys, whose user is always present. */
  async addPasskeys({ hasPrf = true } = {}): Promise<void> {
    const session = await this.context.newCDPSession(this.page);
    await session.send("WebAuthn.enable");
    const device = { protocol: "ctap2", ctap2Version: "ctap2_1", transport: "internal" } as const;
    const user = { hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true };
    await session.send("WebAuthn.addVirtualAuthenticator", { options: { ...device, ...user, hasResidentKey: true, hasPrf } });
  }

  /** Gets a token of a kind from the faucet. Returns its address. */
  async getToken(kind: string): Promise<string> {
    await this.button(kind).click();
    const row = this.step(2).locator("li", { has: this.button("Register") });
    await row.waitFor();
    const asset = (await row.locator(".key").getAttribute("title"))!;
    this.assets.push(asset);
    return asset;
  }

  async register(): Promise<void> {
    await this.step(2).getByRole("button", { name: "Register" }).click();
    await this.step(2).getByText("Registered").waitFor();
    this.#hasIdentity = true;
  }

  /** Proves, and waits until the chain has the verification. */
  async prove(): Promise<void> {
    await this.step(3).getByRole("button", { name: /^Prove/ }).click();
    await this.step(3).getByText("Verified on chain").waitFor();
  }

  /** Waits until the verification is final. The page sends no more requests then. */
  async finality(): Promise<void> {
    await this.step(3).getByText("Final.").waitFor();
  }

  /** Returns the rows of a part of the table: who, wallet, token, recipient, network address. */
  async seen(phase: "register" | "prove"): Promise<Record<string, string[]>> {
    const rows = await this.page.locator(`#seen-${phase} tr:has(th[scope="row"])`).all();
    const read = rows.map(async (row) => {
      const who = await row.locator("th").innerText();
      const cells = await row.locator("td").evaluateAll((cells) => cells.map((cell) => cell.className));
      return [who, cells] as const;
    });
    return Object.fromEntries(await Promise.all(read));
  }

  /** Returns the message of the error that a step shows. */
  async problem(number: number): Promise<string> {
    const alert = this.step(number).getByRole("alert");
    await alert.waitFor();
    return alert.innerText();
  }

  /** Checks what holds for every visit, and ends it. */
  async leave(): Promise<void> {
    const { secrets, violations } = await this.page.evaluate(() => (globalThis as any).recordedByTest as Recorded);
    assert.deepEqual(violations, [], "the page kept to its policy");
    assert.deepEqual(this.errors, [], "the browser logged no error");
    for (const { url } of this.requests) assert.doesNotMatch(url, /\/paths?(?:[/?]|$)/, "no path of a leaf was requested");
    await this.#checkSecrets(secrets.map((bytes) => Uint8Array.from(bytes)));
    await this.#checkReported();
    await this.context.close();
  }

  /** Checks that no master secret and no secret of an entry is in a request, a log or the storage. */
  async #checkSecrets(masters: readonly Uint8Array[]): Promise<void> {
    const secrets = [...masters];
    const registries = new Set(this.requests.flatMap(({ url }) => /\/registries\/(\w+)/.exec(url)?.[1] ?? []));
    for (const master of masters) {
      assert.equal(master.length, 32);
      for (const registry of registries) {
        for (const asset of this.assets) {
          for (const counter of [0, 1, 2]) secrets.push(secretOf(master, addressBytes(registry), addressBytes(asset), counter));
        }
      }
    }
    // Without the secrets, the check below would find nothing in any place.
    if (this.#hasIdentity) assert(masters.length > 0 && secrets.length > masters.length, "the test knows the secrets");
    const places = [
      ...this.requests.map(({ text }) => text),
      ...this.logs,
      JSON.stringify(await this.context.storageState()),
      await this.page.evaluate(() => JSON.stringify([{ ...sessionStorage }, { ...localStorage }])),
      await this.page.evaluate(() => (globalThis as any).recordedByTest.dump() as Promise<string>),
    ];
    for (const place of places) {
      for (const secret of secrets) assert(!reveals(place, secret), `a secret is in: ${place.slice(0, 200)}`);
    }
  }

  /** Waits until the page has reported exactly the requests that the browser sent. */
  async #checkReported(): Promise<void> {
    const hosts = await this.page.locator(".count").evaluateAll((counts) => counts.map((count) => (count as HTMLElement).dataset["host"]!));
    assert.equal(hosts.length, 2, "the API and one node");
    const sent = (host: string) => this.requests.slice(this.#earlier).filter(({ url }) => new URL(url).host === host).length;
    const expected = () => hosts.map((host) => `${host}: ${sent(host)} reported, ${sent(host)} counted by the browser`);
    // Requests that the page sends meanwhile change the numbers at different moments.
    const deadline = Date.now() + PATIENCE;
    for (;;) {
      const found = await this.page.locator(".count").allTextContents();
      if (isDeepStrictEqual(found, expected())) return;
      if (Date.now() > deadline) assert.deepEqual(found, expected());
      await this.page.waitForTimeout(100);
    }
  }
}

/** What tests/watch.js has recorded. */
interface Recorded {
  readonly secrets: number[][];
  readonly violations: string[];
}

