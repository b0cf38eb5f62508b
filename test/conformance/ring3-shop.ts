/**
 * A small seller of x402 v2 that keeps its head when everything around it fails: it writes each step of a sale down, asks again with
 * the same payment, and answers "later" to what it does not know. Each of its habits can be taken away by name.
 */
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { setTimeout } from "node:timers/promises";
import { closing, listen } from "../../conformance/harness/listen.ts";
import { BASE_SEPOLIA_USDC } from "../../protocol/asset.ts";

/** What it may do wrong; the names tell what. */
export type Ring3Fault =
  | "goes on though verify says no"
  | "settles before it works"
  | "settles when it has answered"
  | "charges for work that failed"
  | "delivers though settle says no"
  | "works again for what did not settle"
  | "takes silence for yes"
  | "takes a lost answer for a refusal"
  | "needs no transaction"
  | "lets everybody in without /supported"
  | "believes a yes for anybody"
  | "forgets the answer when the buyer is gone"
  | "passes the facilitator's headers on"
  | "settles twice"
  | "never asks again after an outage"
  | "settles later what it refused"
  | "says upfront and works first"
  | "fails when its hook fails"
  | "copies the facilitator's receipt"
  | "works before it asks"
  | "delivers unpaid when it is busy"
  | "gives no reason"
  | "refuses copies"
  | "claims late"
  | "remembers nothing";

export interface Ring3ShopOptions {
  facilitatorUrl: string;
  witnessUrl: string;
  fault?: Ring3Fault | undefined;
  /** Where it remembers sales. Default: nowhere. */
  file?: string;
  port?: number;
}

interface Told {
  status: number;
  body: string;
  headers: Record<string, string>;
}

interface Sale {
  bytes: string;
  goods?: string;
  end?: Told;
  running?: Promise<Told> | undefined;
}

type Json = Record<string, any>;

const { address, network, eip712 } = BASE_SEPOLIA_USDC;
const PAY_TO = "0x209693Bc6afc0C5328bA36FaF03C514EF312287C";
const TIMEOUT_MS = 1_500;
/** It is started again and again, so it loads next to nothing. */
const encodeJson = (value: Json) => Buffer.from(JSON.stringify(value)).toString("base64");

/** Sells `GET /paid`. */
export async function openRing3Shop(
  options: Ring3ShopOptions,
): Promise<AsyncDisposable & { url: string }> {
  const { facilitatorUrl, witnessUrl, fault, file, port = 0 } = options;
  const has = (one: Ring3Fault) => one === fault;
  const offer = {
    scheme: "exact",
    network,
    amount: "10000",
    asset: address,
    payTo: PAY_TO,
    maxTimeoutSeconds: 60,
    extra: { ...eip712, ...(has("says upfront and works first") && { paymentFlow: "upfront" }) },
  };
  const sales = readSales(file);
  const keep = (key: string, sale: Sale) => {
    const { running: _, ...kept } = sale;
    sales.set(key, { ...kept, running: sales.get(key)?.running });
    if (file !== undefined && !has("remembers nothing"))
      appendFileSync(file, `${JSON.stringify([key, kept])}\n`);
  };
  let isBroken = false;
  let inFlight = 0;
  const ask = async (call: string, payment: Json) => {
    if (isBroken) return undefined;
    const answered = await askFacilitator(`${facilitatorUrl}/${call}`, payment, offer);
    if (!answered && has("never asks again after an outage")) isBroken = true;
    return answered;
  };
  const work = async (): Promise<string | undefined> => {
    const response = await fetch(witnessUrl, { method: "POST" });
    return response.ok ? await response.text() : undefined;
  };
  const challenge = (error: string, headers: Record<string, string> = {}): Told => ({
    status: 402,
    body: "{}",
    headers: {
      "PAYMENT-REQUIRED": encodeJson({
        x402Version: 2,
        error,
        resource: { url },
        accepts: [offer],
      }),
      ...headers,
    },
  });
  const later = (headers: Record<string, string> = {}): Told => ({
    status: 503,
    body: "{}",
    headers: { "Retry-After": "1", ...headers },
  });

  const settle = async (key: string, sale: Sale, payment: Json): Promise<Told> => {
    if (has("settles when it has answered")) {
      void setTimeout(20).then(() => ask("settle", payment));
      const end = { status: 200, body: sale.goods ?? "", headers: {} };
      keep(key, { ...sale, end });
      return end;
    }
    const busy = inFlight > 20 && has("delivers unpaid when it is busy");
    const answered = busy ? undefined : await ask("settle", payment);
    if (has("settles twice")) await ask("settle", payment);
    const told = answered?.told;
    const payer: string = payment["payload"].authorization.from;
    const own = has("copies the facilitator's receipt") ? {} : { network, payer };
    const receipt: Record<string, string> =
      has("gives no reason") || !told
        ? {}
        : { "PAYMENT-RESPONSE": encodeJson({ ...named(told), ...own }) };
    const goods = (headers: Record<string, string>): Told => ({
      status: 200,
      body: sale.goods ?? "",
      headers: { "Cache-Control": "private, no-store", ...headers },
    });
    const isPaid =
      told?.["success"] === true &&
      (/^0x[0-9a-f]{64}$/.test(told["transaction"]) || has("needs no transaction"));
    if (isPaid && has("fails when its hook fails")) {
      const hook = await fetch(`${witnessUrl}/after-settle`, { method: "POST" });
      if (!hook.ok) {
        const end = { status: 500, body: "", headers: {} };
        keep(key, { ...sale, end });
        return end;
      }
    }
    if (isPaid || busy) {
      const passed = has("passes the facilitator's headers on")
        ? { "EXTENSION-RESPONSES": answered?.extension ?? "" }
        : {};
      const end = goods({ ...receipt, ...passed });
      keep(key, { ...sale, end });
      return end;
    }
    if (has("delivers though settle says no")) return goods(receipt);
    const isNo = told?.["success"] === false && told["errorReason"] !== "settlement_pending";
    if (isNo) {
      if (has("works again for what did not settle")) sales.delete(key);
      return challenge(told["errorReason"], receipt);
    }
    if (has("takes a lost answer for a refusal")) {
      const end = challenge("settlement_failed");
      keep(key, { ...sale, end });
      return end;
    }
    return later(receipt);
  };

  const run = async (key: string, sale: Sale, payment: Json): Promise<Told> => {
    if (sale.goods !== undefined) return settle(key, sale, payment);
    if (has("works before it asks")) await work();
    const verified = (await ask("verify", payment))?.told;
    const payer = `${payment["payload"].authorization.from}`.toLowerCase();
    const isOther = `${verified?.["payer"] ?? payer}`.toLowerCase() !== payer;
    const isMixedUp = isOther && !has("believes a yes for anybody");
    if (verified?.["isValid"] !== true || isMixedUp) {
      const isNo = verified?.["isValid"] === false;
      const goesOn = isNo
        ? has("goes on though verify says no")
        : has("takes silence for yes") && !isMixedUp;
      if (!goesOn) {
        sales.delete(key);
        if (has("settles later what it refused") && !isNo)
          void setTimeout(20).then(() => ask("settle", payment));
        return isNo ? challenge(verified["invalidReason"]) : later();
      }
    }
    if (has("settles before it works")) await ask("settle", payment);
    const goods = await work();
    if (goods === undefined) {
      sales.delete(key);
      if (has("charges for work that failed")) await ask("settle", payment);
      return { status: 502, body: "{}", headers: {} };
    }
    const worked = { ...sale, goods };
    keep(key, worked);
    return settle(key, worked, payment);
  };

  const handle = async (request: IncomingMessage): Promise<Told> => {
    if (isOpen) return { status: 200, body: (await work()) ?? "", headers: {} };
    if (request.url?.split("?")[0] !== "/paid") return { status: 404, body: "", headers: {} };
    const header = request.headers["payment-signature"];
    if (request.method !== "GET" || typeof header !== "string")
      return challenge("payment required");
    const payment = readPayment(header);
    if (!payment) return { status: 400, body: "{}", headers: {} };
    if (JSON.stringify(payment["accepted"]) !== JSON.stringify(offer))
      return challenge("invalid_payment_requirements");
    const { from, nonce, value } = payment["payload"].authorization as Json;
    if (value !== offer.amount && !has("works before it asks")) return challenge("value_mismatch");
    const key = `${from}:${nonce}`.toLowerCase();
    const known = has("claims late") ? undefined : sales.get(key);
    if (known && known.bytes !== header) return challenge("payment_reused");
    if (known?.end) return known.end;
    if (known?.running && has("refuses copies")) return challenge("payment_reused");
    if (known?.running) return await known.running;
    const sale: Sale = known ?? { bytes: header };
    inFlight += 1;
    const running = run(key, sale, payment).finally(() => {
      inFlight -= 1;
      const now = sales.get(key);
      if (now) sales.set(key, { ...now, running: undefined });
    });
    if (!has("claims late")) sales.set(key, { ...sale, running });
    const told = await running;
    if (request.socket.destroyed && has("forgets the answer when the buyer is gone"))
      sales.set(key, { bytes: header, end: challenge("payment_reused") });
    return told;
  };

  const server = createServer((request, response) => {
    request.resume();
    handle(request)
      .catch((): Told => ({ status: 500, body: "", headers: {} }))
      .then(
        (told) => send(response, request, told),
        () => undefined,
      );
  });
  const isOpen =
    has("lets everybody in without /supported") && !(await hasKinds(`${facilitatorUrl}/supported`));
  const url = `${await listen(server, port, "PORT")}/paid`;
  return { url, [Symbol.asyncDispose]: () => closing(server) };
}

function send(response: ServerResponse, { method }: IncomingMessage, told: Told): void {
  if (response.destroyed) return;
  response.writeHead(told.status, {
    "Content-Type": "application/json",
    "Cache-Control": "no-store",
    ...told.headers,
  });
  response.end(method === "HEAD" ? undefined : told.body);
}

/** What the facilitator said, where it said it within the time and with 200. */
async function askFacilitator(url: string, payment: Json, offer: Json) {
  try {
    const response = await fetch(url, {
      method: "POST",
      redirect: "manual",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ x402Version: 2, paymentPayload: payment, paymentRequirements: offer }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const told = (await response.json()) as Json;
    const extension = response.headers.get("extension-responses");
    return response.status === 200 ? { told, extension } : undefined;
  } catch {
    return undefined;
  }
}

async function hasKinds(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    return Array.isArray(((await response.json()) as Json)["kinds"]);
  } catch {
    return false;
  }
}

/** The fields that are the buyer's to read. */
function named({ success, transaction, network, payer, errorReason }: Json): Json {
  return {
    success,
    transaction,
    network,
    payer,
    ...(errorReason !== undefined && { errorReason }),
  };
}

function readSales(file: string | undefined): Map<string, Sale> {
  if (file === undefined || !existsSync(file)) return new Map();
  const lines = readFileSync(file, "utf8").trim().split("\n");
  return new Map(lines.filter(Boolean).map((line) => JSON.parse(line) as [string, Sale]));
}

function readPayment(header: string): Json | undefined {
  try {
    const payment = JSON.parse(Buffer.from(header, "base64").toString()) as Json;
    const { from, nonce } = payment["payload"].authorization as Json;
    return typeof from === "string" && typeof nonce === "string" ? payment : undefined;
  } catch {
    return undefined;
  }
}
