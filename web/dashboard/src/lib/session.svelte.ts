import { Api } from "./api.js";
import { Link } from "./link.svelte.js";
import { Problem } from "./problem.js";
import type { Account, Role, Tokens } from "./types.js";
import { connect, type SignInInput, type Wallet } from "./wallet.js";

/** Seconds before the end of an access token at which the next one is requested. */
const EARLY = 60;

/**
 * The login of an operator. Both tokens are only in the memory of this page: a reload ends the
 * session here, and the API ends the login after 30 days.
 */
export class Session {
  readonly link = new Link();
  readonly api = new Api(this.link, (renew) => this.#token(renew));
  account = $state.raw<Account | null>(null);
  /** The address of the wallet. */
  wallet = $state("");
  /** Why the session ended, if it was not by the operator. */
  ended = $state("");
  #tokens: (Tokens & { readonly expiresAt: number }) | null = null;
  #renewal: Promise<void> | null = null;

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
    const token = this.#tokens?.refresh_token;
    this.#forget("");
    if (token) await this.api.sendOpenly("POST", "/v1/auth/logout", { refresh_token: token });
  }

  #keep(tokens: Tokens): void {
    this.#tokens = { ...tokens, expiresAt: Date.now() + tokens.expires_in * 1_000 };
  }

  #forget(reason: string): void {
    this.#tokens = null;
    this.account = null;
    this.wallet = "";
    this.ended = reason;
  }

  async #token(renew = false): Promise<string | undefined> {
    if (!this.#tokens) return undefined;
    if (renew || Date.now() > this.#tokens.expiresAt - EARLY * 1_000) {
      // Requests at the same time share one renewal: a refresh token is used once.
      this.#renewal ??= this.#renew().finally(() => (this.#renewal = null));
      await this.#renewal;
    }
    return this.#tokens?.access_token;
  }

  async #renew(): Promise<void> {
    const refresh_token = this.#tokens?.refresh_token;
    try {
      this.#keep(await this.api.sendOpenly<Tokens>("POST", "/v1/auth/refresh", { refresh_token }));
    } catch (error) {
      if (error instanceof Problem && error.status === 401) this.#forget(`The login has ended: ${error.message}`);
      throw error;
    }
  }
}

/** The session of this page. */
export const session = new Session();
