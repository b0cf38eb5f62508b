/** A desk whose user has a payment method: a wallet with a real key on a real local chain, and offers such as a shop would make. */
import type { Address } from "viem";
import { decodeJson, type PaymentHeader, Secret } from "../../protocol/index.ts";
import { accountSigner, type Signer, Wallet } from "../../middleware/index.ts";
import { sendCall, type TestChain, transferCall } from "../support/chain.ts";
import { type Agent, type DeskWorld, type DeskWorldOptions, openDeskWorld } from "./desk-world.ts";
import { PAY_TO } from "./provider-double.ts";

export interface PurchaseWorld {
  world: DeskWorld;
  /** A run of a project that is connected. */
  agent: Agent;
  payer: Address;
  /** How often the key was used. */
  signed: { count: number };
  order(fields?: OrderFields): Order;
}

interface Order {
  service: string;
  operation: string;
  inputs: Record<string, string>;
  offer: { x402Version: 1 | 2; raw: Record<string, unknown>; resource?: string };
}

export interface OrderFields {
  domain?: string;
  service?: string;
  operation?: string;
  /** Merged into the inputs; undefined takes one away. */
  inputs?: Record<string, string | undefined>;
  /** Merged into the offer that a good shop would make. */
  raw?: Record<string, unknown>;
}

/** In the atomic units of USDC: what the stand-in's catalog asks for a .com. */
export const PRICE = 10_440_000n;

export async function openPurchaseWorld(
  chain: TestChain,
  options: DeskWorldOptions & { budget?: bigint; connect?: boolean } = {},
): Promise<PurchaseWorld & AsyncDisposable> {
  const { budget = 1_000_000_000n, connect = true, ...overrides } = options;
  const signed = { count: 0 };
  const inner = accountSigner(await chain.newPayer(1_000_000_000n), {
    // Tests move the wallet's clock, and not the signer's; the limits that they are about are the ledger's.
    limits: { maxWindowSeconds: 10 ** 9, maxPerProviderMonth: 10n ** 12n, maxPerMonth: 10n ** 12n },
  });
  const signer: Signer = {
    address: inner.address,
    sign: (intent) => {
      signed.count += 1;
      return inner.sign(intent);
    },
  };
  const nonceSecret = new Secret(new Uint8Array(32).fill(7));
  const world = await openDeskWorld({
    openWallet: ({ ledger, clock, trace }) =>
      new Wallet({ ledger, signer, chain: chain.chain, nonceSecret, now: () => clock.now, trace }),
    ...overrides,
  });
  const agent = world.startAgent({ budget });
  if (connect) await agent.post("/connections", { provider: "harbour" });

  const order = ({
    domain = "nimbus.com",
    service,
    operation,
    inputs,
    raw,
  }: OrderFields = {}): Order => {
    const good = {
      scheme: "exact",
      network: chain.asset.networkName,
      maxAmountRequired: PRICE.toString(),
      resource: `${world.provider.url}/accounts/acc_1/flags`,
      description: "",
      mimeType: "application/json",
      payTo: PAY_TO,
      maxTimeoutSeconds: 60,
      asset: chain.asset.address,
      extra: chain.asset.eip712,
    };
    const all = Object.entries({ account_id: "acc_1", domain, ...inputs });
    return {
      service: service ?? "harbour/flag",
      operation: operation ?? "create",
      inputs: Object.fromEntries(
        all.filter((entry): entry is [string, string] => entry[1] !== undefined),
      ),
      offer: { x402Version: 1, raw: { ...good, ...raw } },
    };
  };
  const payer = inner.address;
  return {
    world,
    agent,
    payer,
    signed,
    order,
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  };
}

/** Puts a payment on the chain as a facilitator would, and answers the transaction. */
export async function settle(chain: TestChain, payment: PaymentHeader): Promise<string> {
  const { payload } = decodeJson(payment.value) as {
    payload: { signature: `0x${string}`; authorization: Record<string, string> };
  };
  const { from, to, nonce, ...amounts } = payload.authorization as Record<string, `0x${string}`>;
  const integer = (name: string) => BigInt(amounts[name] ?? "0");
  const authorization = {
    from: from!,
    to: to!,
    nonce: nonce!,
    value: integer("value"),
    validAfter: integer("validAfter"),
    validBefore: integer("validBefore"),
  };
  const sender = await chain.newPayer(0n, 10n ** 18n);
  const data = transferCall(authorization, payload.signature);
  const receipt = await sendCall(chain, sender, { to: chain.asset.address, data });
  return receipt.transactionHash;
}
