/** The field's own paying clients, unmodified, each set up as its README has it, with the limit that it has an option for. */
import { ExactEvmScheme, toClientEvmSigner } from "@x402/evm";
import { wrapAxiosWithPaymentFromConfig } from "@x402/axios";
import { wrapFetchWithPaymentFromConfig } from "@x402/fetch";
import { type AxiosInstance, create as createAxios } from "axios";
import { evm, Mppx } from "mppx/client";
import { createWalletClient, http, publicActions } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { baseSepolia } from "viem/chains";
import { withPaymentInterceptor } from "x402-axios";
import { wrapFetchWithPayment } from "x402-fetch";
import { formatDecimal } from "../../protocol/index.ts";
import type { Order } from "../../conformance/index.ts";

type Pay = (order: Order) => Promise<Response>;

const requestOf = ({ method, headers, body, signal }: Order) => ({
  method,
  headers: new Headers(headers),
  signal,
  ...(body === undefined ? {} : { body }),
});

/** A wallet as x402 v1 wants it: of one chain, and with its RPC server. */
const walletOf = ({ key, rpcUrl }: Order) =>
  createWalletClient({
    account: privateKeyToAccount(key),
    chain: baseSepolia,
    transport: http(rpcUrl),
  }).extend(publicActions) as never;

const configOf = ({ key, asset, max }: Order) => ({
  schemes: [
    {
      network: asset.network as `eip155:${string}`,
      client: new ExactEvmScheme(toClientEvmSigner(privateKeyToAccount(key))),
    },
  ],
  spendControls: { maxAmountPerPayment: `$${formatDecimal(max, asset.decimals)}` },
});

async function askAxios(client: AxiosInstance, order: Order): Promise<Response> {
  const { url, method, headers, body, signal } = order;
  const { status, data } = await client.request<unknown>({
    url,
    method,
    headers: { ...headers },
    data: body,
    signal,
  });
  return Response.json(data, { status });
}

export const STOCK_CLIENTS: Readonly<Record<string, Pay>> = {
  "x402-fetch 1.2.0": (order) =>
    wrapFetchWithPayment(fetch, walletOf(order), order.max)(order.url, requestOf(order)),
  "x402-axios 0.7.2": (order) =>
    askAxios(withPaymentInterceptor(createAxios(), walletOf(order)), order),
  "@x402/fetch 2.27.0": (order) =>
    wrapFetchWithPaymentFromConfig(fetch, configOf(order))(order.url, requestOf(order)),
  "@x402/axios 2.11.0": (order) =>
    askAxios(wrapAxiosWithPaymentFromConfig(createAxios(), configOf(order)), order),
  "mppx 0.11.0": (order) => {
    const { asset, max, key } = order;
    const charge = evm.charge({
      account: privateKeyToAccount(key),
      decimals: asset.decimals,
      authorization: asset.eip712,
      maxAmount: formatDecimal(max, asset.decimals),
      currencies: [asset.address],
      networks: [asset.chainId],
    });
    const client = Mppx.create({ methods: [charge], polyfill: false });
    return client.fetch(order.url, requestOf(order));
  },
};
