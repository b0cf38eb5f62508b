/** Intents that a signer signs, unless a test makes them wrong. */
import type { Address } from "viem";
import type { SignIntent } from "../../middleware/index.ts";
import { type Authorization, BASE_SEPOLIA_USDC } from "../../protocol/index.ts";

const PAYEE: Address = `0x${"dd".repeat(20)}`;

export interface IntentOptions extends Partial<Authorization> {
  from: Address;
  provider?: string;
}

/** One cent, at the provider "shop", usable for two minutes. */
export function newIntent({ from, provider = "shop", ...fields }: IntentOptions): SignIntent {
  const authorization: Authorization = {
    from,
    to: PAYEE,
    value: 10_000n,
    validAfter: 0n,
    validBefore: BigInt(Math.floor(Date.now() / 1_000)) + 120n,
    nonce: `0x${"11".repeat(32)}`,
    ...fields,
  };
  const { network, address: asset } = BASE_SEPOLIA_USDC;
  const { to: payTo, value: amount } = authorization;
  return {
    purchase: "pur_1",
    provider,
    quote: { payTo: [payTo], maxAmount: amount, fingerprint: "ab".repeat(32) },
    offer: { network, asset, payTo, amount },
    authorization,
  };
}
