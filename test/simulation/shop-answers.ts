/** What a shop says: its challenge in each protocol, true or tricked, and its receipts. */
import type { Hex } from "viem";
import { BASE_SEPOLIA_USDC, encodeJson } from "../../protocol/index.ts";
import type { Chance } from "./chance.ts";
import type { Answer, Payment } from "./messages.ts";
import { type ItemPlan, type Plan, THIEF } from "./plan.ts";
import type { Scheduler } from "./scheduler.ts";

/** What a dishonest seller answers to a request without a payment. */
export const UNPAID_TRICKS = {
  asksMore: 2,
  asksTooMuch: 1,
  namesThief: 1,
  namesOtherChain: 1,
  leadsElsewhere: 1,
  clashes: 2,
  talksNonsense: 1,
  fails: 1,
} as const;
export type UnpaidTrick = keyof typeof UNPAID_TRICKS;

export interface ChallengeOptions {
  readonly scheduler: Scheduler;
  readonly chance: Chance;
  readonly plan: Plan;
  readonly item: ItemPlan;
  readonly trick?: UnpaidTrick | undefined;
}

export function challenge({ scheduler, chance, plan, item, trick }: ChallengeOptions): Answer {
  if (trick === "fails") return { status: 500, body: "oops" };
  if (trick === "talksNonsense") return { status: 402, body: '{"x402Version":1,"accepts":[{}]}' };
  if (trick === "leadsElsewhere") {
    return { status: 307, headers: { location: chance.pick(plan.items).url } };
  }
  const amount =
    trick === "asksTooMuch" ? plan.ceiling + 1n : trick === "asksMore" ? plan.ceiling : item.price;
  const payTo = trick === "namesThief" ? THIEF : item.shop.payTo;
  const { networkName, address: asset, chainId } = BASE_SEPOLIA_USDC;
  const network = trick === "namesOtherChain" ? "eip155:8453" : BASE_SEPOLIA_USDC.network;
  const { maxTimeoutSeconds } = plan;
  // The server's own words, on which no limit may depend.
  const extra = { name: "USDC", version: "2", sku: `sku-${chance.int(0, 999_999)}` };
  const common = { scheme: "exact", payTo, asset, maxTimeoutSeconds, extra };
  const headers: Record<string, string> = {};
  let body: object = {};
  if (item.protocols.includes("v1")) {
    const v1 = { ...common, network: network === BASE_SEPOLIA_USDC.network ? networkName : "base" };
    const entry = { ...v1, maxAmountRequired: `${amount}`, resource: item.url, description: "" };
    body = { x402Version: 1, accepts: [entry] };
  }
  if (item.protocols.includes("v2")) {
    const accepts = [{ ...common, network, amount: `${amount}` }];
    headers["PAYMENT-REQUIRED"] = encodeJson({
      x402Version: 2,
      resource: { url: item.url },
      accepts,
    });
  }
  if (item.protocols.includes("mpp")) {
    const details = { chainId, credentialTypes: ["authorization"], decimals: 6 };
    const request = {
      amount: `${amount}`,
      currency: asset,
      recipient: payTo,
      methodDetails: details,
    };
    const id = trick === "clashes" ? "always-the-same" : `id-${chance.int(0, 2 ** 31)}`;
    const parameters = {
      id,
      realm: new URL(item.url).host,
      method: "evm",
      intent: "charge",
      request: Buffer.from(JSON.stringify(request)).toString("base64url"),
      expires: new Date(scheduler.now + maxTimeoutSeconds * 1000).toISOString(),
    };
    const list = Object.entries(parameters).map(([key, value]) => `${key}="${value}"`);
    headers["WWW-Authenticate"] = `Payment ${list.join(", ")}`;
  }
  return { status: 402, headers, body: JSON.stringify(body) };
}

/** The headers that say, truly or not, in which transaction a payment was settled. */
export function receipt(
  { protocol, authorization }: Payment,
  transaction: Hex,
): Record<string, string> {
  if (protocol === "mpp") {
    const text = JSON.stringify({ status: "success", reference: transaction });
    return { "Payment-Receipt": Buffer.from(text).toString("base64url") };
  }
  const { network } = BASE_SEPOLIA_USDC;
  const settled = { success: true, transaction, network, payer: authorization.from };
  return { "PAYMENT-RESPONSE": encodeJson(settled) };
}
