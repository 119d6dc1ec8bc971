import { readable, writable, type Readable } from "svelte/store";

/** A value that is being loaded, was loaded, or can't be loaded. */
export type Loaded<T> =
  | { readonly status: "idle" | "loading"; readonly value?: undefined; readonly error?: undefined }
  | { readonly status: "ready"; readonly value: T; readonly error?: undefined }
  | { readonly status: "failed"; readonly value?: undefined; readonly error: unknown };

/** A store with a loaded value that can be loaded again. */
export type Reloadable<T> = Readable<Loaded<T>> & { reload(): void };

/** Creates a store that loads a value while it has subscribers. */
export function loaded<T>(load: () => Promise<T>): Reloadable<T> {
  const rounds = writable(0);
  let current = 0;
  const { subscribe } = readable<Loaded<T>>({ status: "loading" }, (set) =>
    rounds.subscribe((round) => {
      current = round;
      const isCurrent = () => round === current;
      set({ status: "loading" });
      load().then(
        (value) => isCurrent() && set({ status: "ready", value }),
        (error: unknown) => isCurrent() && set({ status: "failed", error }),
      );
    }),
  );
  return { subscribe, reload: () => rounds.update((round) => round + 1) };
}
