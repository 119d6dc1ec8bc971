const FIRST_MS = 100;
const LONGEST_MS = 500;

/**
 * The pauses between requests for something that is not there yet. Each is half as long again as
 * the one before. A slot takes 400 ms, so the first requests come often, and later ones spare the
 * server.
 */
export class Pauses {
  #ms = FIRST_MS;

  /** @param longestMs The longest pause in milliseconds. */
  constructor(private readonly longestMs = LONGEST_MS) {}

  /** Waits for the next pause. Throws the reason of `signal` when it is aborted. */
  async next(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    const ms = this.#ms;
    this.#ms = Math.min(ms * 1.5, this.longestMs);
    await new Promise<void>((resolve, reject) => {
      const abort = () => {
        clearTimeout(timer);
        reject(signal!.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener("abort", abort);
        resolve();
      }, ms);
      signal?.addEventListener("abort", abort);
    });
  }
}
