/** An answer that recovery has fetched, as text in the wallet's book, until its caller asks for it again. */
import { PurchaseAnswer } from "../../protocol/orchestrator-api.ts";
import { Secret } from "../../protocol/secret.ts";
import { withUrl } from "../with-url.ts";

/** A larger one is not kept: it is fetched anew when its caller asks. */
const MAX_BODY_BYTES = 1024 * 1024;

/** Undefined where it is too large to keep. */
export async function writeKeptAnswer(response: Response): Promise<Secret | undefined> {
  const { url, status, statusText } = response;
  const bytes = response.body === null ? null : Buffer.from(await response.arrayBuffer());
  if (bytes !== null && bytes.length > MAX_BODY_BYTES) return undefined;
  const body = bytes?.toString("base64") ?? null;
  const text = { url, status, statusText, headers: [...response.headers], body };
  return new Secret(JSON.stringify(text satisfies PurchaseAnswer));
}

export function parseKeptAnswer(kept: Secret): PurchaseAnswer {
  return PurchaseAnswer.parse(JSON.parse(kept.reveal()));
}

/** The answer as it came. */
export function answerAsItCame({ url, body, ...init }: PurchaseAnswer): Response {
  const bytes = body === null ? null : Buffer.from(body, "base64");
  return withUrl(new Response(bytes, init), url);
}
