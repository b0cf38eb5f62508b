/** Takes the money of a caught payment, as whoever holds it can: through the facilitator of the local world, on its real chain. */
import { isObject } from "../read/json.ts";
import type { Asset } from "../../protocol/asset.ts";
import type { SignedPayment } from "./signed-payment.ts";

/** The transaction, or undefined where nothing moved: the signature does not hold, or the money was taken before. */
export async function takeMoney(
  { from, to, value, validAfter, validBefore, nonce, signature, terms }: SignedPayment,
  { facilitatorUrl, asset }: { facilitatorUrl: string; asset: Asset },
): Promise<string | undefined> {
  if (terms?.asset !== asset.address || terms.chainId !== asset.chainId) return undefined;
  const requirements = {
    scheme: "exact",
    network: asset.network,
    amount: String(value),
    asset: asset.address,
    payTo: to,
    maxTimeoutSeconds: 60,
    extra: { ...asset.eip712 },
  };
  const authorization = {
    from,
    to,
    value: String(value),
    validAfter: String(validAfter),
    validBefore: String(validBefore),
    nonce,
  };
  const response = await fetch(`${facilitatorUrl}/settle`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      x402Version: 2,
      paymentPayload: {
        x402Version: 2,
        accepted: requirements,
        payload: { signature, authorization },
      },
      paymentRequirements: requirements,
    }),
  });
  const answer: unknown = await response.json();
  const settled = isObject(answer) && answer["success"] === true;
  return settled ? String(answer["transaction"]) : undefined;
}
