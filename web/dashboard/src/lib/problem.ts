/** A request that the API refused: a problem document (RFC 9457). */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
    /** The roles of which the route requires one. */
    readonly roles: readonly string[] = [],
    /** The fields that break a rule. */
    readonly fields: readonly { field: string; rule: string }[] = [],
    /** Seconds after which a repeated request can succeed. */
    readonly retryAfter: number | undefined = undefined,
  ) {
    super(detail);
  }

  /** Reads the problem of a response. */
  static async of(response: Response): Promise<Problem> {
    const document = await response.json().catch(() => ({}));
    const wait = Number(response.headers.get("retry-after") ?? NaN);
    return new Problem(
      response.status,
      document.code ?? `http_${response.status}`,
      document.detail ?? document.title ?? `the API answered ${response.status}`,
      document.roles ?? [],
      document.errors ?? [],
      Number.isFinite(wait) ? wait : undefined,
    );
  }
}

/** The API did not answer. */
export class Unreachable extends Error {}

/** Returns what an error says, for a reader. */
export function textOf(error: unknown): string {
  if (error instanceof Problem) {
    const fields = error.fields.map(({ field, rule }) => `${field} ${rule}`);
    return [error.message, ...fields].join("; ");
  }
  return error instanceof Error ? error.message : String(error);
}
