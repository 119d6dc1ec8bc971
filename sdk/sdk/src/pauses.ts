const FIRST_MS = 100;
const LONGEST_MS = 500;

/**
 * The pauses between requests for something that is not there yet. Each is half as long again as
 * the one before. A slot takes 400 ms, so the first requests come often, and later ones spare the
 * server.
 */
export class Pauses {
  #ms = FIRST_MS;

  /** Waits for the next pause. */
  async next(): Promise<void> {
    const ms = this.#ms;
    this.#ms = Math.min(ms * 1.5, LONGEST_MS);
    await new Promise((resolve) => setTimeout(resolve, ms));
  }
}
