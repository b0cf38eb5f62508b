/**
 * A small shop of x402 v2 that sells rightly: it holds every payment to its own offer, takes each nonce once, verifies before the
 * work, settles before the answer, and binds a payment to the request. Each of these can be taken away by name.
 */
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { BASE_SEPOLIA_USDC, encodeJson } from "../../protocol/index.ts";
import { PAY_TO } from "./endpoint.ts";

/** What a shop can do wrong; each is one fault. */
export interface ShopFaults {
  /** Sells to these payments without asking the facilitator. */
  grantsWhen?: (payment: Payment, asked: IncomingMessage) => boolean;
  /** Throws on what it cannot read, and so answers 500. */
  crashesWhen?: (header: string) => boolean;
  /** Holds the payment to what the payment itself says was accepted. */
  trustsAccepted?: boolean;
  /** Sells unpaid to these requests. */
  opensTo?: (asked: IncomingMessage) => boolean;
  /** Keeps no record of nonces. */
  forgetsNonces?: boolean;
  /** Takes a nonce for used only once it is settled. */
  claimsLate?: boolean;
  /** Does not bind a payment to its path. */
  takesAnyPath?: boolean;
  /** Answers before it settles, and does not look how that ends. */
  settlesAfterwards?: boolean;
  /** Gives each repetition a new answer of the work, without a new payment. */
  worksAgain?: boolean;
  /** Takes the money for a HEAD. */
  sellsHead?: boolean;
  maxTimeoutSeconds?: number;
  /** Changes what it would have answered to a payment. */
  answers?: (
    answer: ShopAnswer,
    payment: Payment | undefined,
    asked: IncomingMessage,
  ) => ShopAnswer | Promise<ShopAnswer>;
  /** Sells to this method too. */
  sells?: string;
  /** Looks for the identifier of a payment, and does not hold it to its rules. */
  ignoresIds?: boolean;
  takesAnyId?: boolean;
  /** Answers whoever names an identifier that was paid, at any route: with work of its own, or the first one's answer. */
  servesById?: "work" | "stored answer";
  /** Says that an identifier is required. */
  requiresId?: boolean;
  /** Reads the whole body before anything else. */
  readsFirst?: boolean;
  /** Joins folded lines, and takes a bare LF for an end of line. */
  lenientParser?: boolean;
  maxConnections?: number;
  /** The price of a request; counted from 0. Reads the body first. */
  amountOf?: (asked: { path: string; body: string; count: number }) => string;
}

interface ShopAnswer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** As the buyer wrote it. */
export type Payment = Record<string, any>;

export interface CarefulShop extends AsyncDisposable {
  readonly url: string;
  /** How often the work was done. */
  readonly worked: () => number;
}

const { address, network, eip712 } = BASE_SEPOLIA_USDC;
const HEX = (bytes: number) => new RegExp(`^0x[0-9a-f]{${bytes * 2}}$`, "i");

export interface CarefulShopOptions extends ShopFaults {
  facilitatorUrl: string;
  amount?: string;
  payTo?: string;
  /** What it remembers of its sales; two shops that share it are two instances of one. */
  sales?: Map<string, Sale>;
}

interface Sale {
  bytes: string;
  answer: Promise<ShopAnswer>;
}

const IDENTIFIER = "payment-identifier";

/** Sells `GET /paid` and `GET /other`, at one price. */
export async function openCarefulShop(options: CarefulShopOptions): Promise<CarefulShop> {
  const { facilitatorUrl, amount = "10000", payTo = PAY_TO, maxTimeoutSeconds = 60 } = options;
  const offerAt = (price: string) => ({
    scheme: "exact",
    network,
    amount: price,
    asset: address,
    payTo,
    maxTimeoutSeconds,
    extra: { ...eip712 },
  });
  type Offer = ReturnType<typeof offerAt>;
  const { sales = new Map<string, Sale>(), ignoresIds = false } = options;
  const names = new Map<string, string>();
  const extensions = {
    [IDENTIFIER]: {
      info: { required: options.requiresId ?? false },
      schema: { type: "object", properties: { required: { type: "boolean" } } },
    },
  };
  let works = 0;
  let count = 0;
  const work = (headers: Record<string, string> = {}): ShopAnswer => {
    works += 1;
    const common = { "Content-Type": "application/json", "Cache-Control": "private, no-store" };
    return {
      status: 200,
      headers: { ...common, ...headers },
      body: JSON.stringify({ sold: works }),
    };
  };
  const refusal = (offer: Offer, url: string, error: string, status = 402): ShopAnswer => ({
    status,
    headers: {
      "Content-Type": "application/json",
      "Cache-Control": "no-store",
      "PAYMENT-REQUIRED": encodeJson({
        x402Version: 2,
        error,
        resource: { url, mimeType: "application/json" },
        accepts: [offer],
        extensions,
      }),
    },
    body: "{}",
  });
  const ask = async (call: string, payment: Payment, offer: Offer) => {
    const requirements = options.trustsAccepted ? payment["accepted"] : offer;
    const body = JSON.stringify({
      x402Version: 2,
      paymentPayload: payment,
      paymentRequirements: requirements,
    });
    const response = await fetch(`${facilitatorUrl}/${call}`, {
      method: "POST",
      body,
      headers: { "content-type": "application/json" },
    });
    return (await response.json()) as Record<string, any>;
  };
  const sell = async (payment: Payment, url: string, offer: Offer): Promise<ShopAnswer> => {
    const verified = await ask("verify", payment, offer);
    if (verified["isValid"] !== true) return refusal(offer, url, String(verified["invalidReason"]));
    const answer = work();
    if (options.settlesAfterwards) {
      void ask("settle", payment, offer).catch(() => undefined);
      return answer;
    }
    const settled = await ask("settle", payment, offer);
    if (settled["success"] !== true) return refusal(offer, url, String(settled["errorReason"]));
    return { ...answer, headers: { ...answer.headers, "PAYMENT-RESPONSE": encodeJson(settled) } };
  };
  const handle = async (request: IncomingMessage): Promise<ShopAnswer> => {
    const path = (request.url ?? "").split("?")[0] ?? "";
    const url = `http://${request.headers.host}${path}`;
    const body = options.amountOf || options.readsFirst ? await textOf(request) : "";
    request.resume();
    const offer = offerAt(options.amountOf?.({ path, body, count: count++ }) ?? amount);
    const refuse = (...why: [url: string, error: string, status?: number]) =>
      refusal(offer, ...why);
    if (options.opensTo?.(request)) return work();
    if (path !== "/paid" && path !== "/other")
      return { status: 404, headers: {}, body: "not here" };
    if (!["GET", "HEAD", options.sells].includes(request.method ?? ""))
      return { status: 405, headers: { Allow: "GET" }, body: "" };
    const headers = request.headersDistinct["payment-signature"] ?? [];
    const [header] = headers;
    if (header === undefined) return refuse(url, "PAYMENT-SIGNATURE header is required");
    if (options.crashesWhen?.(header)) throw new Error("it could not be read");
    if (headers.length > 1) return refuse(url, "invalid_payload", 400);
    const payment = read(header);
    if (payment && options.grantsWhen?.(payment, request)) return work();
    if (!payment || problemOf(payment) !== undefined) return refuse(url, "invalid_payload", 400);
    if (!options.trustsAccepted && JSON.stringify(payment["accepted"]) !== JSON.stringify(offer))
      return refuse(url, "invalid_payment_requirements");
    const told: unknown = payment["resource"]?.url;
    if (!options.takesAnyPath && told !== undefined && told !== url) {
      return refuse(url, "invalid_payment_requirements");
    }
    if (request.method === "HEAD" && !options.sellsHead) return refuse(url, "HEAD is not sold");
    const { from, nonce } = payment["payload"].authorization as Record<string, string>;
    const id = payment["extensions"]?.[IDENTIFIER]?.info?.id as string | undefined;
    if (id !== undefined && !options.takesAnyId && !/^[\w-]{16,128}$/.test(id))
      return refuse(url, "invalid_payload", 400);
    if (options.requiresId && id === undefined && !ignoresIds)
      return refuse(url, "invalid_payload", 400);
    const name = id === undefined ? undefined : `${from}:${id}`;
    const sameName = name === undefined || ignoresIds ? undefined : names.get(name);
    if (sameName !== undefined && options.servesById !== undefined) {
      const stored = await sales.get(sameName)!.answer;
      return options.servesById === "work" ? { ...stored, body: work().body } : stored;
    }
    const key = `${from}:${nonce}`.toLowerCase();
    const bytes = `${options.takesAnyPath ? "" : path}:${header}`;
    const known = options.forgetsNonces ? undefined : sales.get(key);
    if (sameName !== undefined && sameName !== key) return refuse(url, "duplicate_id", 409);
    if (name !== undefined) names.set(name, key);
    if (known) {
      if (options.worksAgain) return { ...(await known.answer), body: work().body };
      return known.bytes === bytes
        ? await known.answer
        : refuse(url, "the payment is used already");
    }
    const answer = sell(payment, url, offer);
    if (options.claimsLate) await answer;
    sales.set(key, { bytes, answer });
    return await answer;
  };
  const parser = { insecureHTTPParser: options.lenientParser ?? false };
  const server = createServer(parser, (request, response) => {
    const header = request.headers["payment-signature"];
    void handle(request)
      .catch((): ShopAnswer => ({ status: 500, headers: {}, body: "" }))
      .then(
        (right) =>
          options.answers?.(
            right,
            typeof header === "string" ? read(header) : undefined,
            request,
          ) ?? right,
      )
      .then(({ status, headers, body }) => {
        response.writeHead(status, headers);
        response.end(request.method === "HEAD" ? undefined : body);
      });
  });
  if (options.maxConnections !== undefined) server.maxConnections = options.maxConnections;
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/paid`,
    worked: () => works,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      const { promise, resolve } = Promise.withResolvers<void>();
      server.close(() => resolve());
      await promise;
    },
  };
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

function read(header: string): Payment | undefined {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(header) || header.length > 16_000) return undefined;
  try {
    const value: unknown = JSON.parse(Buffer.from(header, "base64").toString("utf8"));
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function problemOf({ x402Version, payload, accepted }: Payment): string | undefined {
  if (x402Version !== 2 || typeof accepted !== "object" || accepted === null) return "version";
  const { signature, authorization } = (payload ?? {}) as Record<string, any>;
  if (typeof signature !== "string" || !/^0x([0-9a-f]{2})+$/i.test(signature)) return "signature";
  const { from, to, value, validAfter, validBefore, nonce } = (authorization ?? {}) as Record<
    string,
    unknown
  >;
  if (![from, to].every((text) => typeof text === "string" && HEX(20).test(text))) return "address";
  if (
    ![value, validAfter, validBefore].every(
      (text) => typeof text === "string" && /^(0|[1-9][0-9]{0,77})$/.test(text),
    )
  )
    return "number";
  return typeof nonce === "string" && HEX(32).test(nonce) ? undefined : "nonce";
}
