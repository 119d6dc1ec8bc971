/** The pages, in the order of the navigation. */
export const PAGES = [
  { path: "overview", title: "Overview" },
  { path: "proofs", title: "Proofs" },
  { path: "registries", title: "Registries" },
  { path: "scopes", title: "Scopes" },
  { path: "relay", title: "Relay" },
  { path: "webhooks", title: "Webhooks and keys" },
  { path: "audit", title: "Audit and flags" },
] as const;

export type Path = (typeof PAGES)[number]["path"];

/** The page in the fragment of the URL, and what it shows: `#/scopes/ADDRESS`. */
export class Router {
  path = $state<Path>("overview");
  item = $state("");

  constructor() {
    this.#read();
    addEventListener("hashchange", () => this.#read());
  }

  get title(): string {
    return PAGES.find(({ path }) => path === this.path)!.title;
  }

  #read(): void {
    const [path, item = ""] = location.hash.replace(/^#\//, "").split("/");
    this.path = PAGES.find((page) => page.path === path)?.path ?? "overview";
    this.item = item;
  }
}
