/** Unmodified mppx as a seller: what it charges settles as an EIP-3009 authorization through an x402 facilitator. */
import { evm, Mppx } from "mppx/express";
import { BASE_SEPOLIA_USDC } from "../../protocol/index.ts";

type Facilitator = NonNullable<Parameters<typeof evm.charge>[0]["x402"]>["facilitator"];

const { address, chainId, decimals, eip712 } = BASE_SEPOLIA_USDC;

/** Its `charge({ amount })` is the middleware. */
export function stockMppx(recipient: `0x${string}`, facilitator: Facilitator) {
  const charge = evm.charge({
    currency: address,
    chainId,
    decimals,
    authorization: { ...eip712 },
    recipient,
    x402: { facilitator },
  });
  const secretKey = "a secret of at least thirty-two bytes";
  return Mppx.create({ realm: "127.0.0.1", secretKey, methods: [charge] });
}
