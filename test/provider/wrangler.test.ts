import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fetchV2 } from "../middleware/stock-clients.ts";
import { type Market, openMarket } from "../middleware/shop.ts";
import { connect, type Session } from "./attestor.ts";
import { openShop, type Shop } from "./shop.ts";

let market: Market;
beforeAll(async () => {
  market = await openMarket();
});
afterAll(() => market[Symbol.asyncDispose]());

const WRANGLER = join(
  dirname(createRequire(import.meta.url).resolve("wrangler/package.json")),
  "bin/wrangler.js",
);

interface Project {
  /** Runs the unmodified wrangler of node_modules in a home of its own, with only what the provider handed back. */
  wrangler(...words: string[]): Promise<{ code: number; text: string }>;
  write(source: string, config?: object): void;
  /** The machine-readable results of all runs. */
  results(): { type: string; worker_name?: string; targets?: string[] }[];
}

function openProject(shop: Shop, { accountId, token }: Session): Project {
  const dir = join(shop.dir, "project");
  const home = join(shop.dir, "home");
  const output = join(shop.dir, "wrangler.ndjson");
  for (const path of [dir, home]) mkdirSync(path);
  const env = {
    PATH: process.env["PATH"],
    HOME: home,
    CI: "1",
    CLOUDFLARE_API_BASE_URL: `${shop.url}/client/v4`,
    CLOUDFLARE_API_TOKEN: token,
    CLOUDFLARE_ACCOUNT_ID: accountId,
    WRANGLER_SEND_METRICS: "false",
    WRANGLER_SEND_ERROR_REPORTS: "false",
    WRANGLER_OUTPUT_FILE_PATH: output,
  };
  return {
    wrangler: async (...words) => {
      const child = spawn(process.execPath, [WRANGLER, ...words], { cwd: dir, env });
      let text = "";
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      }
      const [code] = await once(child, "close");
      return { code: Number(code), text };
    },
    write: (source, config = {}) => {
      writeFileSync(join(dir, "index.js"), source);
      const whole = { name: "site", main: "index.js", compatibility_date: "2026-01-01", ...config };
      writeFileSync(join(dir, "wrangler.json"), JSON.stringify(whole));
    },
    results: () =>
      readFileSync(output, "utf8")
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line)),
  };
}

const saying = (text: string) =>
  `export default { fetch: (_, env) => new Response("${text} " + (env.WORD ?? "")) };`;

test("an unmodified wrangler deploys a Worker with the granted token, and deploys it again at a domain of the account", async () => {
  await using shop = await openShop({ facilitatorUrl: market.facilitator.url });
  const session = await connect(shop.attestor, shop.url);
  const project = openProject(shop, session);

  project.write(saying("first"), { vars: { WORD: "ahoy" } });
  expect(await project.wrangler("deploy")).toMatchObject({ code: 0 });
  const [site] = shop.server.opened.listSites();
  expect(site?.hostname).toMatch(/^site\.u[0-9a-f]{10}\.workers\.dev$/);
  expect(await (await fetch(`http://127.0.0.1:${site?.port}/`)).text()).toBe("first ahoy");
  expect(project.results()).toContainEqual(
    expect.objectContaining({
      type: "deploy",
      worker_name: "site",
      targets: [`https://${site?.hostname}`],
    }),
  );

  const payer = await market.chain.newPayer(50_000_000n);
  const url = `${shop.url}/client/v4/accounts/${session.accountId}/registrar/registrations`;
  const headers = { ...session.headers, "content-type": "application/json" };
  const body = JSON.stringify({ domain_name: "nimbus.dev" });
  expect((await fetchV2(payer)(url, { method: "POST", headers, body })).status).toBe(201);

  project.write(saying("second"), { routes: [{ pattern: "nimbus.dev", custom_domain: true }] });
  expect(await project.wrangler("deploy")).toMatchObject({ code: 0 });
  const own = shop.server.opened.listSites().find(({ hostname }) => hostname === "nimbus.dev");
  expect(await (await fetch(`http://127.0.0.1:${own?.port}/`)).text()).toBe("second ");
});

test("wrangler tells why a Worker was refused", async () => {
  await using shop = await openShop();
  const project = openProject(shop, await connect(shop.attestor, shop.url));
  project.write(`throw new Error("not today"); export default {};`);
  const { code, text } = await project.wrangler("deploy");
  expect(code).not.toBe(0);
  expect(text).toContain("not today");
});
