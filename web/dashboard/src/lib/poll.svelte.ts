import { untrack } from "svelte";

import { Problem } from "./problem.js";
import { session } from "./session.svelte.js";

/** Longest time between two attempts while the API does not answer, in seconds. */
const MAX_BACK_OFF = 10;

/** A value of the API that is read again and again. */
export class Poll<T> {
  value = $state.raw<T>();
  /** Why the last attempt failed. The value before stays. */
  error = $state.raw<unknown>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  #isStopped = false;

  constructor(
    private readonly load: () => Promise<T>,
    private readonly seconds: number,
  ) {}

  /** Reads the value now. */
  async reload(): Promise<void> {
    clearTimeout(this.#timer);
    let wait = this.seconds;
    try {
      const value = await this.load();
      if (this.#isStopped) return;
      this.value = value;
      this.error = undefined;
      this.#failures = 0;
    } catch (error) {
      if (this.#isStopped) return;
      this.error = error;
      this.#failures += 1;
      const backOff = Math.min(2 ** (this.#failures - 1), MAX_BACK_OFF);
      wait = error instanceof Problem ? (error.retryAfter ?? this.seconds) : backOff;
    }
    clearTimeout(this.#timer);
    if (!this.#isStopped) this.#timer = setTimeout(() => void this.reload(), wait * 1_000);
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }
}

/** Reads a value while the calling component exists, and at once when the API comes back. */
export function poll<T>(seconds: number, load: () => Promise<T>): Poll<T> {
  const created = new Poll(load, seconds);
  $effect(() => () => created.stop());
  $effect(() => {
    void session.link.returns;
    untrack(() => void created.reload());
  });
  return created;
}
