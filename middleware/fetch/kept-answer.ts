/** An answer that recovery has fetched, as text in the wallet's book, until its caller asks for it again. */
import { z } from "zod";
import { Secret } from "../../protocol/secret.ts";
import { withUrl } from "../read-answer.ts";

/** A larger one is not kept: it is fetched anew when its caller asks. */
const MAX_BODY_BYTES = 1024 * 1024;

const Text = z.object({
  url: z.string(),
  status: z.number().int(),
  statusText: z.string(),
  headers: z.array(z.tuple([z.string(), z.string()])),
  /** Base64; null where the status allows none. */
  body: z.string().nullable(),
});

/** Undefined where it is too large to keep. */
export async function writeKeptAnswer(response: Response): Promise<Secret | undefined> {
  const { url, status, statusText } = response;
  const bytes = response.body === null ? null : Buffer.from(await response.arrayBuffer());
  if (bytes !== null && bytes.length > MAX_BODY_BYTES) return undefined;
  const body = bytes?.toString("base64") ?? null;
  const text = { url, status, statusText, headers: [...response.headers], body };
  return new Secret(JSON.stringify(text satisfies z.output<typeof Text>));
}

export function readKeptAnswer(kept: Secret): Response {
  const { url, body, ...init } = Text.parse(JSON.parse(kept.reveal()));
  const bytes = body === null ? null : Buffer.from(body, "base64");
  return withUrl(new Response(bytes, init), url);
}
