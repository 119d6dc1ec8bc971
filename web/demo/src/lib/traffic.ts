// Counts the requests that the browser sent, so that the page can compare them with those that the
// SDK reported.

/** Calls `changed` with the number of requests to each of these hosts. */
export function countRequests(hosts: ReadonlySet<string>, changed: (counts: ReadonlyMap<string, number>) => void): void {
  const counts = new Map<string, number>();
  const observer = new PerformanceObserver((list) => {
    for (const { name } of list.getEntries()) {
      const { host } = new URL(name);
      if (hosts.has(host)) counts.set(host, (counts.get(host) ?? 0) + 1);
    }
    changed(new Map(counts));
  });
  observer.observe({ type: "resource", buffered: true });
}
