/** A door that speaks x402 v1: a challenge in the body, `X-PAYMENT`, `X-PAYMENT-RESPONSE`, and a network by its name. */
import { encodeJson } from "../../protocol/index.ts";
import { type Json, openDoor } from "./door.ts";
import { v1Challenge } from "./endpoint.ts";

export function openV1Door(shopUrl: string): Promise<AsyncDisposable & { url: string }> {
  return openDoor(shopUrl, {
    payload({ headersDistinct }) {
      const [header] = headersDistinct["x-payment"] ?? [];
      if (header === undefined) return undefined;
      const text = Buffer.from(header, "base64").toString();
      return text.startsWith("{") ? ((JSON.parse(text) as Json)["payload"] as Json) : null;
    },
    ask: (_, url) => JSON.stringify(v1Challenge(url)),
    receipt: (told) => ({
      "x-payment-response": encodeJson({ ...told, network: "base-sepolia" }),
    }),
    passes: ["extension-responses"],
  });
}
