// The progress of a job of a prover service, over its websocket: docs/prover-service.md, Progress.

import { readable, type Readable } from "svelte/store";

import type { Loaded } from "./loaded.js";

/** How far a job is. */
export interface JobProgress {
  readonly stage: string;
  /** 0 to 1. */
  readonly progress: number;
  /** The remaining milliseconds, or `null` if the service has no estimate. */
  readonly eta_ms: number | null;
}

/** A job that is followed. Its value is the ended job, or the state of a request. */
export type Job = Loaded<unknown> & { readonly progress?: JobProgress | undefined };

/** What the prover service sends. */
interface Message {
  readonly type?: "progress" | "result" | "error";
  readonly data?: unknown;
}

/**
 * Creates a store that follows a job of a prover service, or a request by its id, while it has
 * subscribers.
 *
 * @param url The URL of the websocket `/v1/ws`. A page of Vite has it in `VITE_WS_URL`.
 */
export function useJob(url: string, id: string): Readable<Job> {
  return readable<Job>({ status: "loading" }, (set) => {
    const socket = new WebSocket(url);
    const end = (state: Job) => {
      // The end of the connection changes nothing any more.
      socket.onclose = null;
      set(state);
      socket.close();
    };
    const failed = (reason: string) => end({ status: "failed", error: new Error(reason) });
    socket.onopen = () => socket.send(JSON.stringify({ type: "subscribe", requestId: id }));
    socket.onclose = () => failed("the prover service closed the connection");
    socket.onmessage = ({ data }: MessageEvent<string>) => {
      const message = parsed(data);
      if (message.type === "progress") set({ status: "loading", progress: message.data as JobProgress });
      else if (message.type === "result") end({ status: "ready", value: message.data });
      else if (message.type === "error") failed(textOf(message.data));
    };
    return () => {
      socket.onclose = null;
      socket.close();
    };
  });
}

function parsed(text: string): Message {
  try {
    return (JSON.parse(text) as Message | null) ?? {};
  } catch {
    // A later release can send other messages.
    return {};
  }
}

function textOf(data: unknown): string {
  const { detail, code } = (data ?? {}) as { detail?: unknown; code?: unknown };
  const text = typeof detail === "string" ? detail : code;
  return typeof text === "string" ? text : "the prover service refused the subscription";
}
