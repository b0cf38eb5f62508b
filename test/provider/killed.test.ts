/**
 * A provider that sells resources is killed at each point of a sale and opens again: the buyer sends the very same payment again, has the
 * one resource, and has paid once.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, test } from "vitest";
import { BASE_SEPOLIA_USDC } from "../../protocol/index.ts";
import { startProvider } from "../../provider/index.ts";
import { listen, openMarket, type Market } from "../middleware/shop.ts";
import { fetchV2 } from "../middleware/stock-clients.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { type Attestor, connect, sendSigned, startAttestor } from "./attestor.ts";
import { GREENHOUSE, signingFetch } from "./greenhouse.ts";
import type { KilledOptions, KillPoint } from "./killed-child.ts";
import { PAY_TO } from "./shop.ts";
import { bundled } from "../support/bundled.ts";

let market: Market;
let attestor: Attestor;
beforeAll(async () => {
  market = await openMarket();
  attestor = await startAttestor();
});
afterAll(async () => {
  await attestor[Symbol.asyncDispose]();
  await market[Symbol.asyncDispose]();
});

async function startChild(options: KilledOptions) {
  const file = await bundled(new URL("killed-child.ts", import.meta.url));
  const args = [file, JSON.stringify(options)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "exit");
  const [url] = (await once(createInterface(child.stdout), "line")) as [string];
  return { url, ended, [Symbol.dispose]: () => void child.kill("SIGKILL") };
}

/** A way to the facilitator, on which the provider is killed before a call gets there, or when its answer is on the way back. */
async function openRoute(killAt: KillPoint, kill: () => void) {
  return listen((request, response) => {
    void (async () => {
      const call = request.url?.split("/").at(-1);
      const body = Buffer.concat(await request.toArray());
      if (killAt === `before ${call}`) {
        kill();
        response.destroy();
        return;
      }
      const answer = await fetch(market.facilitator.url + request.url, {
        method: request.method ?? "GET",
        headers: { "content-type": "application/json" },
        ...(body.length === 0 ? {} : { body }),
      });
      const text = await answer.text();
      if (killAt === `after ${call}`) kill();
      response.writeHead(answer.status, { "content-type": "application/json" }).end(text);
    })();
  });
}

const POINTS: KillPoint[] = [
  "after verify",
  "during work",
  "before settle",
  "after settle",
  "before answer",
];

test.each(POINTS)("killed %s: one resource, one charge", { timeout: 20_000 }, async (killAt) => {
  using folder = temporaryFolder();
  const options = {
    dir: folder.path,
    facilitatorUrl: market.facilitator.url,
    trust: [attestor.trust],
  };
  const killed: { child?: Disposable } = {};
  await using route = await openRoute(killAt, () => killed.child?.[Symbol.dispose]());
  using child = await startChild({ ...options, facilitatorUrl: route.url, killAt });
  killed.child = child;
  const { url } = child;
  const mandate = await attestor.mandate({ aud: "greenhouse" });
  const session = await connect(attestor, url, { mandate });
  const send = async (path: string, body: object, more: object = {}) =>
    sendSigned(attestor, url + path, { body, headers: { ...session.headers, ...more } });
  const { body: quote } = await send("/provisioning/quotes", { service_id: "seed" });
  const order = { service_id: "seed", quote_id: quote.id, quote_hash: quote.hash };
  const headers = { ...session.headers, "idempotency-key": "k" };
  const payer = await market.chain.newPayer(50_000_000n);
  let payment = "";
  const spying: typeof fetch = (input, init) => {
    const request = new Request(input, init);
    payment = request.headers.get("payment-signature") ?? "";
    return signingFetch(attestor)(request);
  };
  const body = JSON.stringify(order);
  const paying = fetchV2(payer, spying);
  await expect(
    paying(`${url}/provisioning/resources`, { method: "POST", headers, body }),
  ).rejects.toThrow();
  expect(await child.ended).toEqual([null, "SIGKILL"]);

  await using server = await startProvider(GREENHOUSE, {
    ...options,
    payTo: PAY_TO,
    asset: BASE_SEPOLIA_USDC,
  });
  expect(server.url).toBe(url);
  const again = { "idempotency-key": "k", "payment-signature": payment };
  const bought = await send("/provisioning/resources", order, again);
  expect(bought, JSON.stringify(bought)).toMatchObject({
    status: 200,
    body: { status: "complete", service_id: "seed" },
  });
  expect(await send("/provisioning/resources", order, again)).toEqual(bought);
  expect(await server.recover()).toBe(0);
  expect(await market.chain.chain.balanceOf(payer.address)).toBe(48_000_000n);
  const other = await send("/provisioning/resources", order, { "idempotency-key": "k2" });
  expect(other.body.error.code).toBe("quote_used");
  expect(new Set(server.opened.done.map((line) => line.split(" ")[1])).size).toBeLessThan(2);
});
