/** A door that speaks MPP: a challenge, a credential, a receipt. */
import { mppHeader } from "./endpoint.ts";
import { type Json, openDoor } from "./door.ts";

export function openMppDoor(shopUrl: string): Promise<AsyncDisposable & { url: string }> {
  let count = 0;
  return openDoor(shopUrl, {
    payload({ headers: { authorization } }) {
      if (authorization === undefined) return undefined;
      const text = Buffer.from(authorization.replace(/^Payment /, ""), "base64url").toString();
      if (!text.startsWith("{")) return null;
      const { type: _, signature, ...fields } = (JSON.parse(text) as Json)["payload"] as Json;
      return { signature, authorization: fields };
    },
    ask(told) {
      told["www-authenticate"] = mppHeader(undefined, { id: `door-${(count += 1)}-${Date.now()}` });
      return "{}";
    },
    receipt({ transaction, payer }, ok) {
      if (!ok) return {};
      const timestamp = new Date().toISOString();
      const own = { status: "success", method: "evm", timestamp, reference: transaction, payer };
      return { "payment-receipt": Buffer.from(JSON.stringify(own)).toString("base64url") };
    },
  });
}
