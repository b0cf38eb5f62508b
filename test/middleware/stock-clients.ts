/** The field's own clients, unmodified, as buyers. */
import { wrapFetchWithPaymentFromConfig } from "@x402/fetch";
import { ExactEvmScheme, toClientEvmSigner } from "@x402/evm";
import { evm, Mppx } from "mppx/client";
import { createWalletClient, http, type LocalAccount, publicActions } from "viem";
import { baseSepolia } from "viem/chains";
import { BASE_SEPOLIA_USDC } from "../../protocol/index.ts";

/** `@x402/fetch`, for version 2. Its own limits are lifted: ours are tested elsewhere. */
export function fetchV2(account: LocalAccount, inner: typeof fetch = fetch): typeof fetch {
  return wrapFetchWithPaymentFromConfig(inner, {
    schemes: [
      {
        network: BASE_SEPOLIA_USDC.network as `eip155:84532`,
        client: new ExactEvmScheme(toClientEvmSigner(account)),
      },
    ],
    spendControls: { maxAmountPerPayment: false, allowedAssets: true },
  });
}

/** `x402-fetch`, for version 1. */
export async function fetchV1(account: LocalAccount, rpcUrl: string): Promise<typeof fetch> {
  const { wrapFetchWithPayment } = await import("x402-fetch");
  const client = createWalletClient({ account, chain: baseSepolia, transport: http(rpcUrl) });
  const signer = client.extend(publicActions);
  return wrapFetchWithPayment(fetch, signer as never, 1_000_000_000n) as typeof fetch;
}

/** mppx's own client, for MPP; `decimals` and the token's domain are told, because its table has no token of ours. */
export function fetchMppx(account: LocalAccount): typeof fetch {
  const { eip712, decimals } = BASE_SEPOLIA_USDC;
  const charge = evm.charge({ account, decimals, authorization: eip712, maxAmount: "1000" });
  return Mppx.create({ methods: [charge], polyfill: false }).fetch as typeof fetch;
}
