/**
 * From a reservation to a payment that may leave: the signer is asked, and the bytes are recorded as sent, durably, before anybody
 * gets them. Whatever fails before that record gives the amount back.
 */
import type { Asset } from "../protocol/asset.ts";
import { type Authorization, encodePayment } from "../protocol/authorization.ts";
import { encodeMppPayment, type MppOffer } from "../protocol/mpp.ts";
import type { Offer } from "../protocol/offer.ts";
import type { Ledger, LedgerEntry } from "../store/index.ts";
import type { Signer } from "./signer.ts";

export interface SignEntryOptions {
  readonly ledger: Pick<Ledger, "markSent" | "release">;
  readonly signer: Signer;
  readonly asset: Asset;
  /** One that this caller has just reserved. */
  readonly entry: LedgerEntry;
  readonly offer: Offer | MppOffer;
}

export async function signEntry({
  ledger,
  signer,
  asset: { network, address: asset },
  entry,
  offer,
}: SignEntryOptions): Promise<LedgerEntry> {
  const { payTo: to, amount: value, validAfter, validBefore, nonce } = entry;
  const from = signer.address;
  const authorization: Authorization = { from, to, value, validAfter, validBefore, nonce };
  try {
    const signature = await signer.sign({ network, asset, authorization });
    const payment =
      "mpp" in offer
        ? encodeMppPayment(offer, authorization, signature)
        : encodePayment(offer, authorization, signature);
    return await ledger.markSent(nonce, payment);
  } catch (error) {
    // Not sent, so it can be given back; where even that fails, `recover` does it.
    await ledger.release(nonce, "NEVER_SENT").catch(() => undefined);
    throw error;
  }
}
