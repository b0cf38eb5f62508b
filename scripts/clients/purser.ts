/** Our paying fetch, as `docs/paying.md` sets it up: one provider, one recipient, one token, a limit, and a wallet that remembers. */
import { privateKeyToAccount } from "viem/accounts";
import { openChain } from "../../chain/index.ts";
import type { Order } from "../../conformance/index.ts";
import { accountSigner, createPayingFetch, Wallet } from "../../middleware/index.ts";
import { formatDecimal, Secret } from "../../protocol/index.ts";
import { openLedger } from "../../store/index.ts";

export interface PurserClient extends Disposable {
  readonly pay: (order: Order) => Promise<Response>;
}

/** One book for all its purchases, as one program would have it. */
export function purserClient(): PurserClient {
  const secret = new Secret(new Uint8Array(32).fill(7));
  const ledger = openLedger({ path: ":memory:", bytesKey: secret });
  return {
    async pay({ url, method, headers, body, key, rpcUrl, asset, payTo, max, purchase, signal }) {
      const chain = await openChain({ rpcUrl, asset });
      const signer = accountSigner(privateKeyToAccount(key));
      const limit = formatDecimal(max, asset.decimals);
      await using payingFetch = createPayingFetch({
        wallet: new Wallet({ ledger, signer, chain, nonceSecret: secret }),
        scope: purchase,
        policy: {
          providers: [{ id: "shop", origins: [new URL(url).origin], payees: [payTo] }],
          maxPerCall: limit,
          maxPerPurchase: limit,
          maxCallsPerMinute: 10_000,
          local: true,
        },
        recovery: false,
        pause: () => Promise.resolve(),
      });
      const init = { method, headers: new Headers(headers), signal };
      const response = await payingFetch(url, body === undefined ? init : { ...init, body });
      await payingFetch.idle();
      return response;
    },
    [Symbol.dispose]: () => ledger.close(),
  };
}
