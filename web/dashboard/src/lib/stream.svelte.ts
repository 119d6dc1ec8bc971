import { session, type Session } from "./session.svelte.js";
import type { ChainEvent } from "./types.js";

/** Number of events that the page keeps. */
const KEPT = 50;
/** Time between two attempts to open a stream that the API has ended, in milliseconds. */
const RETRY = 5_000;

/** Events of the program as they are confirmed, newest first. */
export class Stream {
  events = $state.raw<readonly (ChainEvent & { readonly token: string })[]>([]);
  #source: EventSource | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly session: Session) {}

  open(): void {
    const { link } = this.session;
    this.#source = new EventSource("/v1/events?commitment=confirmed");
    this.#source.onopen = () => (link.stream = "open");
    this.#source.addEventListener("event", (message) => {
      const event = JSON.parse(message.data) as ChainEvent;
      // After a fork, an event can come again with the same position.
      const others = this.events.filter(({ position }) => position !== event.position);
      this.events = [{ ...event, token: message.lastEventId }, ...others].slice(0, KEPT);
    });
    // The events after the token are undone, and those of the other fork follow.
    this.#source.addEventListener("reverted", (message) => {
      const { to } = JSON.parse(message.data) as { to: string };
      const at = this.events.findIndex(({ token }) => token === to);
      this.events = at < 0 ? [] : this.events.slice(at);
    });
    this.#source.onerror = () => {
      link.stream = "opening";
      // The browser connects again by itself, unless the API has refused the stream.
      if (this.#source?.readyState !== EventSource.CLOSED) return;
      link.stream = "closed";
      this.#timer = setTimeout(() => this.open(), RETRY);
    };
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.session.link.stream = "closed";
    this.events = [];
  }
}

/** The events that this page shows, while an operator is logged in. */
export const stream = new Stream(session);
