/**
 * Clients that pay, each with the limit of ten payments set as far as it knows limits; the stock ones are unmodified. A process loads the
 * one that it races with.
 */
import { createWalletClient, http, publicActions } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { baseSepolia } from "viem/chains";
import { openChain } from "../../../chain/index.ts";
import { BASE_SEPOLIA_USDC } from "../../../protocol/index.ts";
import { type Book, openBook, openPayer } from "../kill/payer.ts";

export interface RacePlan {
  readonly client: ClientName;
  readonly rpcUrl: string;
  readonly key: `0x${string}`;
  readonly book: Book;
  readonly url: string;
  readonly payTo: string;
  readonly items: readonly string[];
}

/** Buys an item, and says how it went: "delivered", or a word for what came instead. */
type Buy = (item: string) => Promise<string>;

const LIMIT = { units: 100_000n, dollars: "0.10" };
const { address, chainId, network, eip712 } = BASE_SEPOLIA_USDC;

export const CLIENTS = {
  async purser({ rpcUrl, key, book, url, payTo }) {
    const chain = await openChain({ rpcUrl, asset: BASE_SEPOLIA_USDC });
    const sellers = { s: { url, payTo, mpp: false } };
    const ledger = await openBook(book);
    const payer = openPayer({ key, sellers, cap: LIMIT.dollars, chain, ledger });
    return async (item) => {
      const { kind, code } = await payer.pay(`s-${item}`);
      return code ?? kind;
    };
  },
  async "x402-fetch"({ rpcUrl, key, url }) {
    const { wrapFetchWithPayment } = await import("x402-fetch");
    const account = privateKeyToAccount(key);
    const client = createWalletClient({ account, chain: baseSepolia, transport: http(rpcUrl) });
    const signer = client.extend(publicActions) as never;
    return buyWith(wrapFetchWithPayment(fetch, signer, LIMIT.units) as typeof fetch, url);
  },
  async "@x402/fetch"({ key, url }) {
    const { ExactEvmScheme, toClientEvmSigner } = await import("@x402/evm");
    const { wrapFetchWithPaymentFromConfig } = await import("@x402/fetch");
    const signer = toClientEvmSigner(privateKeyToAccount(key));
    const maxAmountPerPayment = LIMIT.units.toString();
    const paying = wrapFetchWithPaymentFromConfig(fetch, {
      schemes: [{ network: network as `eip155:1`, client: new ExactEvmScheme(signer) }],
      spendControls: {
        maxAmountPerPayment: false,
        allowedAssets: [{ network: network as `eip155:1`, asset: address, maxAmountPerPayment }],
      },
    });
    return buyWith(paying, url);
  },
  async mppx({ key, url }) {
    const { evm, Mppx } = await import("mppx/client");
    const account = privateKeyToAccount(key);
    const maxAtomicAmount = LIMIT.units.toString();
    const charge = evm.charge({
      account,
      authorization: eip712,
      networks: [chainId],
      currencies: [address],
      decimals: 6,
      maxAtomicAmount,
    });
    return buyWith(Mppx.create({ methods: [charge], polyfill: false }).fetch as typeof fetch, url);
  },
} as const satisfies Record<string, (plan: RacePlan) => Promise<Buy>>;

export type ClientName = "purser" | "x402-fetch" | "@x402/fetch" | "mppx";

function buyWith(paying: typeof fetch, url: string): Buy {
  return async (item) => {
    const { ok, status } = await paying(`${url}/shop/items`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ item }),
    });
    return ok ? "delivered" : `answer ${status}`;
  };
}
