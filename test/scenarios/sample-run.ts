/** A run as the report and the terminal meet it, with a stranger's markup in every text that a stranger can write. */
import type { TraceLine } from "../../protocol/index.ts";
import type { RunResult } from "../../scenarios/index.ts";

export const STRANGE = `<img src=x onerror="alert(1)">&'\u001B[31m\u202E`;

const TRANSACTION = `0x${"8f3a".repeat(16)}`;
const PAYEE = `0x${"5e".repeat(20)}`;

export const RESULT: RunResult = {
  scenario: "landing-page",
  passed: true,
  outcome: "live",
  url: "http://127.0.0.1:41873/",
  hostname: "nimbus.dev",
  hostUrl: "http://nimbus.dev.localhost:41870/",
  says: `The page is live. ${STRANGE}`,
  checks: [
    { name: "outcome", passed: true, detail: "The run ended live." },
    { name: "url GET /", passed: true, detail: `http://127.0.0.1:41873/ answered 200 ${STRANGE}` },
    {
      name: "cap kept",
      passed: true,
      detail: "This month: cloudflare $12.18 of $100.00.",
      gate: true,
    },
  ],
  payments: [
    {
      provider: "cloudflare",
      service: "cloudflare/registrar:domain",
      amount: "12.18",
      asset: "USDC",
      payTo: PAYEE,
      network: "eip155:84532",
      transaction: TRANSACTION,
      state: "settled",
    },
  ],
  spent: { cloudflare: "12.18" },
  cap: { cloudflare: "100.00" },
  budget: "25.00",
  human: [
    {
      kind: "terms",
      answer: "accept",
      question: `Do you accept the terms of service of ${STRANGE}?`,
      provider: "cloudflare",
    },
  ],
  stages: [
    { name: "world", durationMs: 1240 },
    { name: "discover", durationMs: 42 },
    { name: "provide", durationMs: 310 },
    { name: "deploy", durationMs: 120 },
    { name: "proof", durationMs: 35 },
  ],
  durationMs: 1790,
  steps: 9,
  tokens: { input: 12_000, output: 900 },
  modelCost: "0.00",
  stopReason: "finished",
  model: "planner",
  world: {
    rpcUrl: "http://127.0.0.1:4100",
    facilitatorUrl: "http://127.0.0.1:4101",
    orchestratorUrl: "http://127.0.0.1:4102",
    providers: { cloudflare: "http://127.0.0.1:4103" },
  },
  record: ".purser/runs/2026-11-21T00-30-00-landing-page",
  resumed: false,
  warnings: [],
};

export const GOAL = `Put a landing page for Nimbus Coffee on nimbus.dev. It should say "Fresh beans, slow mornings". ${STRANGE}`;

const START = Date.UTC(2026, 10, 21, 0, 30);
export const LINES: TraceLine[] = [
  { at: START, type: "run", goal: GOAL, model: "planner", budget: "25.00" },
  { at: START + 1240, type: "stage", name: "world", durationMs: 1240 },
  {
    at: START + 1260,
    type: "model",
    step: 1,
    model: "planner",
    text: STRANGE,
    toolCalls: [{ name: "search_catalog", input: { query: STRANGE } }],
    tokens: { input: 800, output: 60 },
    finishReason: "tool-calls",
    durationMs: 3,
  },
  {
    at: START + 1300,
    type: "tool",
    name: "search_catalog",
    input: { query: "hosting" },
    output: { untrusted: STRANGE },
    durationMs: 42,
  },
  {
    at: START + 1350,
    type: "human",
    kind: "terms",
    question: `Do you accept the terms of service of ${STRANGE}?`,
    answer: "accept",
    provider: "cloudflare",
  },
  { at: START + 1400, type: "connection", provider: "cloudflare", accountId: STRANGE },
  {
    at: START + 1420,
    type: "resource",
    service: "cloudflare/workers:free",
    id: "res_1",
    status: "complete",
  },
  {
    at: START + 1450,
    type: "quote",
    service: "cloudflare/registrar:domain",
    amount: "12.18",
    currency: "usd",
    payTo: PAYEE,
  },
  {
    at: START + 1600,
    type: "payment",
    purchase: "pur_1",
    provider: "cloudflare",
    service: "cloudflare/registrar:domain",
    state: "settled",
    amount: "12.18",
    asset: "USDC",
    network: "eip155:84532",
    payTo: PAYEE,
    transaction: TRANSACTION,
  },
  {
    at: START + 1650,
    type: "refusal",
    service: "cloudflare/kv",
    error: {
      code: "OFFER_PRICE",
      problem: `The 402 asks too much. ${STRANGE}`,
      nextStep: "Do not pay.",
    },
  },
  {
    at: START + 1700,
    type: "deploy",
    service: "cloudflare/workers:free",
    name: "nimbus-coffee",
    url: "http://127.0.0.1:41873/",
    hostname: "nimbus.dev",
  },
  {
    at: START + 1720,
    type: "tool",
    name: "verify_url",
    input: {},
    error: { code: "URL_REFUSED", problem: STRANGE, nextStep: "…" },
    durationMs: 12,
  },
  {
    at: START + 1750,
    type: "outcome",
    outcome: "live",
    passed: true,
    url: "http://127.0.0.1:41873/",
  },
];
