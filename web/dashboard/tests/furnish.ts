// What the pictures show: API keys, and a webhook with deliveries.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import type { Browser } from "playwright-core";

import { owner, request, resumeTokenOfNow, until, visitDemo } from "./deployment.ts";

/** Creates what the pictures show. Returns what removes it. */
export async function furnish(browser: Browser): Promise<() => Promise<void>> {
  const token = await owner().logIn();
  for (const body of [
    { name: "back end", kind: "server", permissions: ["read", "prove", "relay"], days: 365 },
    { name: "shop page", kind: "publishable", permissions: ["read", "relay"], origins: ["https://shop.example.org"], days: 20 },
  ]) {
    await request("POST", "/v1/keys", { body, token });
  }
  const from = await resumeTokenOfNow();
  await visitDemo(browser);
  const receiver = createServer((message, response) => {
    message.resume();
    response.end();
  });
  await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/bauta-events`;
  const { webhook } = await request<{ webhook: { id: string } }>("POST", "/v1/webhooks", { body: { url, types: [] }, token });
  const { id } = webhook;
  await request("POST", `/v1/webhooks/${id}/replay`, { body: { from }, token });
  await until(async () => {
    const { data } = await request<{ data: { state: string }[] }>("GET", `/v1/webhooks/${id}/deliveries`, { token });
    return data.length > 0 && data.every(({ state }) => state === "delivered");
  }, "the messages are delivered");
  return async () => {
    await request("DELETE", `/v1/webhooks/${id}`, { token: await owner().logIn() });
    receiver.closeAllConnections();
    receiver.close();
  };
}
