/** What a refund is to its signer, and to the facilitator: a payment like any other, of the refund account's to the payer. */
import { createHash } from "node:crypto";
import type { FacilitatorRequest } from "../paywall/facilitator-port.ts";
import { requirementsV2 } from "../paywall/terms.ts";
import type { SignIntent } from "../signer/index.ts";
import type { Refund } from "./refund.ts";

/** The provider's name under which a refund account's signer counts. */
const PROVIDER = "refunds";

/** The same sale, the same intent: a signer signs a nonce for one set of terms only. */
export function refundIntent(key: string, { sale, authorization }: Refund): SignIntent {
  const { payer, amount, asset } = sale;
  return {
    purchase: `refund ${key}`,
    provider: PROVIDER,
    quote: {
      payTo: [payer],
      maxAmount: amount,
      fingerprint: createHash("sha256").update(key).digest("hex"),
    },
    offer: { network: asset.network, asset: asset.address, payTo: payer, amount },
    authorization,
  };
}

/** The same bytes each time. Throws where nothing is signed. */
export function refundRequest({ sale, authorization, signature }: Refund): FacilitatorRequest {
  if (signature === undefined) throw new Error("only a refund that is signed is sent");
  const { payer: payTo, amount, asset } = sale;
  const asked = { method: "POST", resource: "", maxTimeoutSeconds: 60 };
  const accepted = requirementsV2({ amount, asset, payTo, description: "" }, asked);
  const payload = {
    signature,
    authorization: {
      ...authorization,
      value: authorization.value.toString(),
      validAfter: authorization.validAfter.toString(),
      validBefore: authorization.validBefore.toString(),
    },
  };
  return {
    x402Version: 2,
    paymentPayload: { x402Version: 2, accepted, payload },
    paymentRequirements: accepted,
  };
}
