/** A facilitator on a local chain, and the bodies that sellers send to it. */
import type { Hex, LocalAccount } from "viem";
import {
  type Facilitator,
  type RunningFacilitator,
  type SettleAnswer,
  startFacilitator,
  type VerifyAnswer,
} from "../../facilitator/index.ts";
import type { Asset, Authorization } from "../../protocol/index.ts";
import { newAuthorization, openTestChain, sign, type TestChain } from "../support/chain.ts";

export interface FacilitatorWorld extends AsyncDisposable {
  readonly chain: TestChain;
  readonly facilitator: RunningFacilitator;
  readonly gas: LocalAccount;
  readonly payer: LocalAccount;
  verify(body: unknown): Promise<VerifyAnswer>;
  settle(body: unknown): Promise<SettleAnswer>;
}

export async function openFacilitatorWorld(): Promise<FacilitatorWorld> {
  const chain = await openTestChain();
  const gas = await chain.newPayer(0n, 10n ** 18n);
  const payer = await chain.newPayer(10_000_000n);
  const facilitator = await startFacilitator({ rpcUrl: chain.rpcUrl, account: gas });
  return {
    chain,
    facilitator,
    gas,
    payer,
    verify: async (body) => (await post(`${facilitator.url}/verify`, body)) as VerifyAnswer,
    settle: async (body) => (await post(`${facilitator.url}/settle`, body)) as SettleAnswer,
    async [Symbol.asyncDispose]() {
      await facilitator.close();
      await chain[Symbol.asyncDispose]();
    },
  };
}

/** What a call has in its envelope. */
type Body = Readonly<Record<"paymentPayload" | "paymentRequirements", unknown>> | undefined;

/** Asks a facilitator in this process. */
export const verify = (facilitator: Facilitator, body: Body) =>
  facilitator.verify(body?.paymentPayload, body?.paymentRequirements);
export const settle = (facilitator: Facilitator, body: Body) =>
  facilitator.settle(body?.paymentPayload, body?.paymentRequirements);

export async function post(url: string, body: unknown): Promise<unknown> {
  const headers = { "content-type": "application/json" };
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  return response.json();
}

export interface PaymentFields {
  asset: Asset;
  authorization: Authorization;
  signature: Hex;
}

/** A request as a seller sends it, asking exactly what was signed. */
export function requestBody(
  x402Version: 1 | 2,
  { asset, authorization, signature }: PaymentFields,
) {
  const { from, to, nonce } = authorization;
  const value = authorization.value.toString();
  const validAfter = authorization.validAfter.toString();
  const validBefore = authorization.validBefore.toString();
  const payload = { signature, authorization: { from, to, value, validAfter, validBefore, nonce } };
  const network = x402Version === 1 ? asset.networkName : asset.network;
  const common = {
    scheme: "exact",
    network,
    payTo: to,
    asset: asset.address,
    maxTimeoutSeconds: 60,
    extra: { ...asset.eip712 },
  };
  if (x402Version === 1) {
    const page = { resource: "http://shop.test/page", description: "", mimeType: "text/plain" };
    return {
      x402Version,
      paymentPayload: { x402Version, scheme: "exact", network, payload },
      paymentRequirements: { ...common, ...page, maxAmountRequired: value },
    };
  }
  const requirements = { ...common, amount: value };
  return {
    x402Version,
    paymentPayload: { x402Version, accepted: requirements, payload },
    paymentRequirements: requirements,
  };
}

/** A signed request of the world's payer. */
export async function newRequest(
  { chain, payer }: Pick<FacilitatorWorld, "chain" | "payer">,
  x402Version: 1 | 2 = 2,
  fields: Partial<Authorization> = {},
) {
  const { asset } = chain;
  const authorization = newAuthorization(payer.address, fields);
  const signature = await sign(payer, asset, authorization);
  return { authorization, body: requestBody(x402Version, { asset, authorization, signature }) };
}
