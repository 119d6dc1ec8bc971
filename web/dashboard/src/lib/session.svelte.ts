import { Api } from "./api.js";
import { Link } from "./link.svelte.js";
import { Problem } from "./problem.js";
import type { Account, Role, Tokens } from "./types.js";
import { connect, type SignInInput, type Wallet } from "./wallet.js";

/** Seconds before the end of an access token at which the next one is requested. */
const EARLY = 60;
/** Seconds after which a renewal without an answer is repeated. */
const PAUSE = 10;

/**
 * The login of an operator. Both tokens are only in the memory of this page: a reload ends the
 * session here, and the API ends the login after 30 days.
 */
export class Session {
  readonly link = new Link();
  readonly api = new Api(this.link, (refused) => this.#token(refused));
  account = $state.raw<Account | null>(null);
  /** The address of the wallet. */
  wallet = $state("");
  /** Why the session ended, if it was not by the operator. */
  ended = $state("");
  #tokens: (Tokens & { readonly expiresAt: number }) | null = null;
  #renewal: Promise<void> | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    // The timers of a page in the background are late, and those of a machine that sleeps stand still.
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.#keepAlive());
  }

  has(...roles: Role[]): boolean {
    return roles.some((role) => this.account?.roles.includes(role));
  }

  /** Logs in with a wallet: Sign in with Solana. */
  async logIn(wallet: Wallet): Promise<void> {
    const { address, sign } = await connect(wallet);
    const input = await this.api.sendOpenly<SignInInput>("POST", "/v1/auth/challenge", { address });
    const signature = await sign(input);
    const answer = await this.api.sendOpenly<Tokens>("POST", "/v1/auth/token", { address, nonce: input.nonce, signature });
    this.#keep(answer);
    this.account = await this.api.get<Account>("/v1/account");
    this.wallet = address;
    this.ended = "";
  }

  /** Ends the login at the API. */
  async logOut(): Promise<void> {
    const tokens = this.#tokens;
    this.#forget("");
    if (tokens) await this.#sendOfLogin("/v1/auth/logout", tokens);
  }

  #keep(tokens: Tokens): void {
    this.#tokens = { ...tokens, expiresAt: Date.now() + tokens.expires_in * 1_000 };
    this.#renewIn(tokens.expires_in - EARLY);
  }

  #forget(reason: string): void {
    clearTimeout(this.#timer);
    this.#tokens = null;
    this.account = null;
    this.wallet = "";
    this.ended = reason;
  }

  /** Returns the access token. `refused` is one that the API has refused as expired. */
  async #token(refused?: string): Promise<string | undefined> {
    if (!this.#tokens) return undefined;
    // Another request can have renewed the token in the meantime.
    if (this.#isDue || refused === this.#tokens.access_token) await this.#renewOnce();
    return this.#tokens?.access_token;
  }

  get #isDue(): boolean {
    return this.#tokens !== null && Date.now() >= this.#tokens.expiresAt - EARLY * 1_000;
  }

  /** Renews the token of a page that sends no request. */
  #keepAlive(): void {
    if (this.#isDue) void this.#renewOnce().catch(() => this.#tokens && this.#renewIn(PAUSE));
  }

  #renewIn(seconds: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#keepAlive(), Math.max(seconds, 1) * 1_000);
  }

  /** Requests at the same time share one renewal: a refresh token is used once. */
  #renewOnce(): Promise<void> {
    return (this.#renewal ??= this.#renew().finally(() => (this.#renewal = null)));
  }

  async #renew(): Promise<void> {
    if (!this.#tokens) return;
    try {
      this.#keep(await this.#sendOfLogin<Tokens>("/v1/auth/refresh", this.#tokens));
    } catch (error) {
      if (error instanceof Problem && error.status === 401) this.#forget(`The login has ended: ${error.message}`);
      throw error;
    }
  }

  /**
   * Sends the refresh token. With an access token that is valid, the request counts for the account,
   * and other clients at the same address can't use up its limit.
   */
  #sendOfLogin<T>(path: string, { access_token, expiresAt, refresh_token }: Tokens & { readonly expiresAt: number }): Promise<T> {
    const token = Date.now() < expiresAt ? access_token : undefined;
    return this.api.sendWith<T>(token, "POST", path, { refresh_token });
  }
}

/** The session of this page. */
export const session = new Session();
