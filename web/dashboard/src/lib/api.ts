import type { Link } from "./link.svelte.js";
import { Problem, Unreachable } from "./problem.js";

/** Time after which a request is given up, in milliseconds. */
const PATIENCE = 20_000;

/** Sends requests to the API that serves this page. */
export class Api {
  constructor(
    readonly link: Link,
    /** Returns the access token. The API has refused `refused`, because it has expired. */
    private readonly token: (refused?: string) => Promise<string | undefined>,
  ) {}

  get<T>(path: string): Promise<T> {
    return this.send<T>("GET", path);
  }

  /** Sends a request with the access token, if there is one. */
  async send<T>(method: string, path: string, body?: unknown): Promise<T> {
    const token = await this.token();
    const first = await this.#sendOnce(method, path, body, token);
    if (first.status !== 401 || token === undefined) return this.#read<T>(first);
    const problem = await Problem.of(first);
    if (problem.code !== "expired_token") throw problem;
    return this.#read<T>(await this.#sendOnce(method, path, body, await this.token(token)));
  }

  /** Sends a request without an access token. */
  sendOpenly<T>(method: string, path: string, body?: unknown): Promise<T> {
    return this.sendWith(undefined, method, path, body);
  }

  /** Sends a request with this access token, and never with another one. */
  async sendWith<T>(token: string | undefined, method: string, path: string, body?: unknown): Promise<T> {
    return this.#read<T>(await this.#sendOnce(method, path, body, token));
  }

  async #sendOnce(method: string, path: string, body: unknown, token: string | undefined): Promise<Response> {
    const headers: Record<string, string> = { accept: "application/json" };
    if (token) headers["authorization"] = `Bearer ${token}`;
    if (body !== undefined) headers["content-type"] = "application/json";
    const request: RequestInit = {
      method,
      headers,
      cache: "no-store",
      credentials: "omit",
      signal: AbortSignal.timeout(PATIENCE),
    };
    if (body !== undefined) request.body = JSON.stringify(body);
    let response: Response;
    try {
      response = await fetch(path, request);
    } catch {
      this.link.lost();
      throw new Unreachable("The API does not answer.");
    }
    // A proxy answers for an API that it does not reach.
    const isOfApi = response.headers.get("content-type")?.includes("json") ?? false;
    if (response.status >= 500 && !isOfApi) {
      this.link.lost();
      throw new Unreachable(`The API does not answer: a proxy returned ${response.status}.`);
    }
    this.link.answered();
    return response;
  }

  async #read<T>(response: Response): Promise<T> {
    if (!response.ok) throw await Problem.of(response);
    const text = await response.text();
    return (text ? JSON.parse(text) : undefined) as T;
  }
}

/** Reads all pages of a list, at most `limit` elements. */
export async function all<T>(api: Api, path: string, limit = 500): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | null = null;
  do {
    const parameters = new URLSearchParams({ limit: "100", ...(cursor ? { cursor } : {}) });
    const joined = path.includes("?") ? `${path}&${parameters}` : `${path}?${parameters}`;
    const page: { data: T[]; next: string | null } = await api.get(joined);
    items.push(...page.data);
    cursor = page.next;
  } while (cursor && items.length < limit);
  return items;
}
