"use client";

import { useCallback, useEffect, useState, type DependencyList } from "react";

/** A value that is being loaded, was loaded, or can't be loaded. */
export type Loaded<T> =
  | { readonly status: "idle" | "loading"; readonly value?: undefined; readonly error?: undefined }
  | { readonly status: "ready"; readonly value: T; readonly error?: undefined }
  | { readonly status: "failed"; readonly value?: undefined; readonly error: unknown };

/** A loaded value that can be loaded again. */
export type Reloadable<T> = Loaded<T> & { reload(): void };

/**
 * Loads a value when the dependencies change. An answer that arrives after a change is dropped.
 * Without `load`, the state is `idle`.
 */
export function useLoaded<T>(load: (() => Promise<T>) | undefined, dependencies: DependencyList): Reloadable<T> {
  const [state, setState] = useState<Loaded<T>>({ status: load ? "loading" : "idle" });
  const [round, setRound] = useState(0);
  useEffect(() => {
    if (!load) {
      setState({ status: "idle" });
      return undefined;
    }
    let isCurrent = true;
    const set = (next: Loaded<T>) => isCurrent && setState(next);
    setState({ status: "loading" });
    load().then(
      (value) => set({ status: "ready", value }),
      (error: unknown) => set({ status: "failed", error }),
    );
    return () => {
      isCurrent = false;
    };
  }, [...dependencies, round]);
  const reload = useCallback(() => setRound((number) => number + 1), []);
  return { ...state, reload };
}
