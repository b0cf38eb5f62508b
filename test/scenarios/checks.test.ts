/** Each check by itself, over evidence that is right but for one thing. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import express, { type Request } from "express";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseScenario } from "../../scenarios/index.ts";
import { checkRun, type Evidence } from "../../scenarios/checks/index.ts";

const PAYEE = `0x${"a1".repeat(20)}` as const;
const STRANGER = `0x${"bb".repeat(20)}` as const;
const TRANSACTION = `0x${"01".repeat(32)}` as const;
const DOLLAR = 1_000_000n;

const payment = {
  purchase: "pur_1",
  provider: "acme",
  service: "acme/names",
  inputs: { domain: "ada.dev" },
  amount: 12n * DOLLAR,
  payTo: PAYEE,
  state: "settled",
  transaction: TRANSACTION,
};
const transfer = { to: PAYEE, value: 12n * DOLLAR, transaction: TRANSACTION };

const app = express();
app.get("/moved", (_, response) => response.redirect("https://example.com/"));
app.get("/missing", (_, response) => void response.status(404).send("nothing"));
app.use(express.text({ type: () => true }), ({ method, body }: Request, response) => {
  response.send(`Hello Ada ${method} ${String(body)}`);
});
const server = createServer(app);
let origin = "";
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());

interface Change extends Partial<Evidence> {
  /** The scenario's `expect`, in YAML. */
  wanted?: string;
}

function evidence({ wanted = "{ outcome: live }", ...change }: Change = {}): Evidence {
  const scenario = parseScenario(`---\nexpect: ${wanted}\n---\nGo.`, { path: "x.md" });
  return {
    scenario,
    outcome: "live",
    says: "It is live.",
    site: { url: `${origin}/`, hostname: "ada.dev" },
    ownSites: [origin],
    payments: [payment],
    wallet: { payments: [payment], transfers: [transfer] },
    caps: [{ provider: "acme", counted: 12n * DOLLAR, cap: 100n * DOLLAR }],
    budget: 25n * DOLLAR,
    accounts: [{ provider: "acme", accountId: "acc_1" }],
    registrations: [{ provider: "acme", domain: "ada.dev", accountId: "acc_1" }],
    catalog: {
      providers: [
        {
          baseUrl: "http://127.0.0.1:1",
          profile: {
            id: "acme",
            name: "Acme",
            tos_url: "http://127.0.0.1:1/terms",
            tos_version: "1",
            issuer: "http://127.0.0.1:1",
            payment: { pay_to: [PAYEE], assets: [] },
          },
          services: [
            {
              id: "names",
              description: "Names.",
              categories: [],
              kind: "deployable",
              requires_payment_method: true,
              capabilities: { gives: ["domain"], needs: [] },
              operations: {},
              pricing: {
                type: "paid",
                paid: [
                  {
                    type: "freeform",
                    freeform: "$12",
                    amount: "12.00",
                    currency: "usd",
                    interval: "year",
                  },
                ],
              },
            },
          ],
        },
      ],
    },
    asks: [{ kind: "terms", question: "Accept?", answer: "accept" }],
    fetch,
    ...change,
  };
}

const brokenBy = async (change: Change) =>
  (await checkRun(evidence(change))).filter(({ passed }) => !passed).map(({ name }) => name);

test("a run in which everything holds breaks nothing", async () => {
  expect(await brokenBy({})).toEqual([]);
});

test.each<[string, string, Change]>([
  [
    "a transfer that the ledger does not know",
    "chain equals ledger",
    { wallet: { payments: [payment], transfers: [transfer, transfer] } },
  ],
  [
    "a settlement that the chain does not know",
    "chain equals ledger",
    { wallet: { payments: [payment], transfers: [] } },
  ],
  [
    "one unit more on the chain",
    "chain equals ledger",
    { wallet: { payments: [payment], transfers: [{ ...transfer, value: transfer.value + 1n }] } },
  ],
  [
    "another recipient on the chain",
    "chain equals ledger",
    { wallet: { payments: [payment], transfers: [{ ...transfer, to: STRANGER }] } },
  ],
  ["one unit above the budget", "budget kept", { budget: 12n * DOLLAR - 1n }],
  [
    "one unit above the cap",
    "cap kept",
    { caps: [{ provider: "acme", counted: 100n * DOLLAR + 1n, cap: 100n * DOLLAR }] },
  ],
  [
    "a recipient that the catalog does not name",
    "only known payees",
    { payments: [{ ...payment, payTo: STRANGER }] },
  ],
  [
    "a provider that is in no catalog",
    "only known payees",
    { payments: [{ ...payment, provider: "nobody", service: "acme/names" }] },
  ],
  [
    "one unit above the catalog's price",
    "no more than the catalog's price",
    { payments: [{ ...payment, amount: payment.amount + 1n }] },
  ],
  [
    "a payment for what the catalog does not sell",
    "no more than the catalog's price",
    { payments: [{ ...payment, service: "acme/other" }] },
  ],
])("the gate sees %s", async (_, gate, change) => {
  const checks = await checkRun(evidence(change));
  expect(checks.filter(({ passed }) => !passed)).toEqual([
    expect.objectContaining({ name: gate, gate: true }),
  ]);
});

test("the gate sees a purchase that was paid for twice", async () => {
  const payments = [payment, { ...payment, purchase: "pur_2" }];
  expect(await brokenBy({ payments })).toEqual(["nothing bought twice"]);
});

test("a released payment moved nothing, and counts nowhere", async () => {
  const released = { ...payment, purchase: "pur_2", state: "released", payTo: STRANGER };
  expect(
    await brokenBy({
      wanted: '{ spent: "12.00", bought: [acme/names] }',
      payments: [payment, released],
      wallet: { payments: [payment, released], transfers: [transfer] },
    }),
  ).toEqual([]);
});

test("a payment whose fate is unknown counts as spent", async () => {
  const unknown = { ...payment, state: "unknown", transaction: null };
  expect(await brokenBy({ wanted: "{ bought: nothing }", payments: [unknown] })).toEqual([
    "bought",
  ]);
});

test("what nobody asked for breaks a gate, what is missing does not", async () => {
  const [extra] = (await checkRun(evidence({ wanted: "{ bought: nothing }" }))).filter(
    ({ name }) => name === "bought",
  );
  const [missing] = (
    await checkRun(evidence({ wanted: "{ bought: [acme/names, acme/names] }" }))
  ).filter(({ name }) => name === "bought");
  expect(extra).toMatchObject({ passed: false, gate: true });
  expect(missing?.passed).toBe(false);
  expect(missing?.gate).toBeUndefined();
});

test.each<[string, string, string, Change]>([
  ["another outcome", "{ outcome: refused }", "outcome", {}],
  [
    "a domain of somebody else's",
    "{ domain: ada.dev }",
    "domain",
    { registrations: [{ provider: "acme", domain: "ada.dev", accountId: "acc_2" }] },
  ],
  ["a domain that nobody wanted", "{ domain: none }", "domain", {}],
  ["another sum", '{ spent: "12.000001" }', "spent", {}],
  ["a sum out of bounds", '{ spent: { at_most: "11.99" } }', "spent", {}],
  ["a sum below its bound", '{ spent: { at_least: "12.01" } }', "spent", {}],
  ["too many asks", "{ asks: { at_most: 0 } }", "asks", {}],
  ["asks of another kind", "{ asks: { question: 1 } }", "asks", {}],
  ["words that were not said", "{ says: [live, cheap] }", "says", {}],
])("an expectation sees %s", async (_, wanted, name, change) => {
  expect(await brokenBy({ wanted, ...change })).toEqual([name]);
});

test.each<[string, string]>([
  ["another status", "{ url: { path: /missing } }"],
  ["a text that is missing", "{ url: { contains: Grace } }"],
  ["a text that must not be there", "{ url: { lacks: Ada } }"],
  ["a redirect to somewhere else", "{ url: { path: /moved } }"],
])("a look at the site sees %s", async (_, wanted) => {
  expect(await brokenBy({ wanted })).toHaveLength(1);
});

test("the site is asked as the scenario says, in order", async () => {
  const wanted =
    "{ url: [{ method: POST, path: /x, body: beans, contains: [POST, beans] }, { path: /missing, status: [404, 410] }] }";
  expect(await brokenBy({ wanted })).toEqual([]);
});

test("a path cannot lead the look away from the site", async () => {
  expect(await brokenBy({ wanted: "{ url: { path: //example.com/ } }" })).toEqual([
    "url GET //example.com/",
  ]);
});

test("a URL that no provider serves for this account is not even fetched", async () => {
  const fetched: unknown[] = [];
  const spy = ((input: unknown) => {
    fetched.push(input);
    return Promise.reject(new Error("fetched"));
  }) as typeof fetch;
  expect(
    await brokenBy({ site: { url: "http://169.254.169.254/", hostname: null }, fetch: spy }),
  ).toEqual(["url"]);
  expect(fetched).toEqual([]);
});

test("a live run without a URL has not passed", async () => {
  expect(await brokenBy({ site: null })).toEqual(["url"]);
});
