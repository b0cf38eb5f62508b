/** Everybody who buys in the bench: each stack's own buyer, for the seller of the same name. */
import type { Address } from "viem";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { fetchMppx, fetchV1, fetchV2 } from "../../test/middleware/stock-clients.ts";
import { openFloorBuyer } from "./floor-buyer.ts";
import { openOwnBuyer } from "./own-buyer.ts";
import type { Place } from "./seller-child.ts";

export interface Buyer {
  readonly address: Address;
  /** Goes to a seller. */
  visit(place: Place): Promise<Visit>;
}

/** `close` also waits for what is done in the background. */
export interface Visit {
  /** Buys once, or throws. */
  buy(): Promise<void>;
  close?(): Promise<void>;
}

export const BUYERS: Readonly<Record<string, () => Promise<Buyer>>> = {
  ours: openOwnBuyer,
  floor: openFloorBuyer,
  "x402-express": () => openStockBuyer((payer, { rpcUrl }) => fetchV1(payer, rpcUrl)),
  "@x402/express": () => openStockBuyer((payer) => fetchV2(payer)),
  mppx: () => openStockBuyer((payer) => fetchMppx(payer)),
};

async function openStockBuyer(
  open: (
    payer: ReturnType<typeof privateKeyToAccount>,
    place: Place,
  ) => typeof fetch | Promise<typeof fetch>,
): Promise<Buyer> {
  const payer = privateKeyToAccount(generatePrivateKey());
  return {
    address: payer.address,
    async visit(place) {
      const fetchPaid = await open(payer, place);
      return { buy: async () => accept(await fetchPaid(place.url)) };
    },
  };
}

async function accept(response: Response): Promise<void> {
  const text = await response.text();
  if (response.status === 200) return;
  const receipt = response.headers.get("PAYMENT-RESPONSE");
  const why = receipt === null ? text : Buffer.from(receipt, "base64").toString();
  throw new Error(`${response.status} ${why.slice(0, 200)}`);
}
