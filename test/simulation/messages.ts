/** What goes over the simulated wire, and how a payment is read off it. */
import type { Hex } from "viem";
import { type Authorization, decodeJson, readExactPayload } from "../../protocol/index.ts";

export interface Message {
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
  readonly body: string;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface Payment {
  readonly protocol: "x402" | "mpp";
  /** The header's value. */
  readonly bytes: string;
  readonly authorization: Authorization;
  readonly signature: Hex;
}

/** The payment that a message carries. */
export function readPayment({ headers }: Pick<Message, "headers">): Payment | undefined {
  const x402 = headers.get("X-PAYMENT") ?? headers.get("PAYMENT-SIGNATURE");
  if (x402 !== null) return toPayment("x402", x402, decodeJson(x402));
  const mpp = headers.get("Authorization");
  if (mpp === null || !mpp.startsWith("Payment ")) return undefined;
  const text = Buffer.from(mpp.slice("Payment ".length), "base64url").toString("utf8");
  return toPayment("mpp", mpp, JSON.parse(text));
}

function toPayment(protocol: Payment["protocol"], bytes: string, credential: unknown): Payment {
  const { payload } = credential as { payload: Record<string, unknown> };
  const flat =
    protocol === "mpp" ? { signature: payload["signature"], authorization: payload } : payload;
  const { signature, authorization } = readExactPayload(flat)!;
  return {
    protocol,
    bytes,
    authorization: authorization,
    signature: signature,
  };
}
