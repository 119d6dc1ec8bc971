/** Whether the API answers. */
export class Link {
  /** `false` from the first request without an answer to the next answer. */
  isUp = $state(true);
  /** The time of the last answer, in milliseconds. */
  lastAnswer = $state(Date.now());
  /** How often the API came back. A change reloads everything. */
  returns = $state(0);
  /** The state of the event stream. */
  stream = $state<"opening" | "open" | "closed">("opening");

  /** The API has answered. */
  answered(): void {
    this.lastAnswer = Date.now();
    if (this.isUp) return;
    this.isUp = true;
    this.returns += 1;
  }

  /** The API has not answered. */
  lost(): void {
    this.isUp = false;
  }
}
