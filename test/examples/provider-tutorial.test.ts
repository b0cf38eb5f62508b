/** Follows docs/provider-tutorial.md: takes the code from the page, runs it as a program, checks it by the contract, and buys from it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { checkProvider, newTesterIdentity, openProviderTester } from "../../conformance/index.ts";
import { priceOf, Service } from "../../protocol/index.ts";
import { openMarket, type Market } from "../middleware/shop.ts";
import { fetchV2 } from "../middleware/stock-clients.ts";
import {
  accountRequest,
  type Attestor,
  exchange,
  pkce,
  read,
  sendSigned,
  startAttestor,
} from "../provider/attestor.ts";
import { signingFetch } from "../provider/greenhouse.ts";
import { BASE_SEPOLIA_USDC } from "../../protocol/index.ts";
import { startProvider } from "../../provider/index.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/temporary.ts";

const PAGE = readFileSync("docs/provider-tutorial.md", "utf8");
const FILES = new Map(
  [...PAGE.matchAll(/`postbox\/([a-z]+\.ts)`\n(?:(?!```ts\n)[\s\S])*?```ts\n([\s\S]*?)\n```/g)].map(
    ([, name = "", code = ""]): [string, string] => [name, code],
  ),
);
const within = (code: string, root: string) =>
  code.replaceAll(/"purser\/(protocol|provider)"/g, (_, folder: string) =>
    JSON.stringify(`${root}/${folder}/index.ts`),
  );

let market: Market;
let attestor: Attestor;
let folder: TemporaryFolder;
beforeAll(async () => {
  market = await openMarket();
  attestor = await startAttestor({ issuer: "https://world.test", clientId: "https://world.test" });
  folder = temporaryFolder();
});
afterAll(async () => {
  folder[Symbol.dispose]();
  await attestor[Symbol.asyncDispose]();
  await market[Symbol.asyncDispose]();
});

test("the page has the whole provider in under a hundred lines of code, and it is what is type-checked", () => {
  expect([...FILES.keys()]).toEqual(["catalog.ts", "price.ts", "boxes.ts", "main.ts"]);
  const lines = [...FILES.values()].flatMap((code) => code.split("\n"));
  const code = lines.filter((line) => line.trim() !== "" && !line.trim().startsWith("//"));
  expect(code.length).toBeLessThan(100);
  for (const [name, text] of FILES)
    expect(`${within(text, "../..")}\n`).toBe(readFileSync(join("examples/postbox", name), "utf8"));
});

test("what the page says to type runs, keeps the contract, and sells what it made", async () => {
  await using tester = await openProviderTester(await newTesterIdentity());
  const postbox = join(folder.path, "postbox");
  mkdirSync(postbox);
  for (const [name, text] of FILES) writeFileSync(join(postbox, name), within(text, resolve(".")));
  const world = join(folder.path, "world.json");
  const { issuer, keysUrl } = attestor.trust;
  const facts = {
    dir: join(folder.path, "world"),
    issuer,
    keysUrl,
    facilitatorUrl: market.facilitator.url,
  };
  writeFileSync(world, JSON.stringify(facts));
  const program = spawn(
    process.execPath,
    [join(postbox, "main.ts"), world, JSON.stringify(tester.trust)],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  try {
    const [line] = (await once(program.stdout, "data")) as [Buffer];
    const url = line.toString().trim();
    const report = await checkProvider({ url, tester });
    const open = report.results.filter(({ verdict }) => verdict !== "pass");
    // It bills nothing by use.
    expect(open).toEqual([expect.objectContaining({ id: "RENW-01", verdict: "not-tried" })]);

    const headers = await connect(url);
    const send = (path: string, body: object) =>
      sendSigned(attestor, url + path, { body, headers });
    const configuration = { size: "5" };
    const { body: quote } = await send("/provisioning/quotes", {
      service_id: "box",
      configuration,
    });
    expect(quote).toMatchObject({ amount: "2.50", kind: "recurring", interval: "month" });
    // An orchestrator pays no more than the catalog says.
    const catalog = await read(await fetch(`${url}/provisioning/services`));
    const box = Service.parse(catalog.body.data.find(({ id }: { id: string }) => id === "box"));
    for (const [size, amount] of Object.entries({ "1": "0.50", "5": "2.50", "25": "12.50" }))
      expect(priceOf(box, { size })).toMatchObject({ amount });
    expect(priceOf(box, {})).toMatchObject({ amount: "0.50" });
    const payer = await market.chain.newPayer(2_500_000n);
    const order = { service_id: "box", configuration, quote_id: quote.id, quote_hash: quote.hash };
    const pay = fetchV2(payer, signingFetch(attestor));
    const bought = await read(
      await pay(`${url}/provisioning/resources`, {
        method: "POST",
        headers: { ...headers, "idempotency-key": "k" },
        body: JSON.stringify(order),
      }),
    );
    expect(bought.body).toMatchObject({ status: "complete", billing: { amount: "2.50" } });
    expect(await market.chain.chain.balanceOf(payer.address)).toBe(0n);
    const { POSTBOX_URL, POSTBOX_KEY } = bought.body.complete.access_configuration;
    const letter = {
      method: "POST",
      headers: { authorization: `Bearer ${POSTBOX_KEY}` },
      body: "Dear Ada",
    };
    expect(await (await fetch(POSTBOX_URL, letter)).json()).toEqual(["Dear Ada"]);
    await send(`/provisioning/resources/${bought.body.id}/rotate_credentials`, {});
    expect((await fetch(POSTBOX_URL, letter)).status).toBe(401);
  } finally {
    program.kill("SIGTERM");
    await once(program, "exit");
  }
});

test.each([
  ["facilitatorUrl", {}, "facilitatorUrl"],
  ["issuer", { facilitatorUrl: "http://127.0.0.1:1" }, "trust[0].issuer"],
  ["keysUrl", { facilitatorUrl: "http://127.0.0.1:1", issuer: "http://127.0.0.1:2" }, "keysUrl"],
])(
  "a world's file without its %s is told as that, and leaves no folder",
  async (_, file, named) => {
    const world = file as { facilitatorUrl: string; issuer: string; keysUrl: string };
    const dir = join(folder.path, "of-nothing");
    const { issuer, keysUrl, facilitatorUrl } = world;
    const postbox = {
      id: "p",
      name: "P",
      termsVersion: "1",
      services: [],
      open: () => ({ provide: {} }),
    };
    const starting = startProvider(postbox, {
      dir,
      facilitatorUrl,
      payTo: "0x4a3e500000000000000000000000000000000002",
      asset: BASE_SEPOLIA_USDC,
      trust: [{ issuer, keysUrl, clientId: issuer }],
    });
    await expect(starting).rejects.toMatchObject({
      code: "PROVIDER_OPTIONS_INVALID",
      problem: expect.stringContaining(named),
    });
    expect(existsSync(dir)).toBe(false);
  },
);

async function connect(url: string): Promise<{ authorization: string }> {
  const { verifier, challenge } = pkce();
  const terms = { version: "1", accepted_at: new Date().toISOString(), accepted_by: "user" };
  const of = {
    audience: url,
    challenge,
    mandate: await attestor.mandate({ aud: "postbox" }),
    terms,
  };
  const body = await accountRequest(attestor, of);
  const answer = await sendSigned(attestor, `${url}/provisioning/account_requests`, { body });
  const tokens = await exchange(attestor, url, answer.body.oauth.code, verifier);
  return { authorization: `Bearer ${tokens.body.access_token}` };
}
