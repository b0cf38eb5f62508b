/** The body of an answer, read only up to a limit: a stranger decides how much it sends, and we decide how much we keep. */
import { PurserError } from "./error.ts";

/** The whole text, or `ANSWER_TOO_LARGE` as soon as it is longer than `maxBytes`. */
export async function readBody(response: Response, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > maxBytes) {
      // Leaving the loop cancels the stream.
      throw new PurserError("ANSWER_TOO_LARGE", {
        problem: `The answer is larger than ${maxBytes} bytes.`,
        nextStep: "Treat the answer as a failure.",
      });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** JSON, or undefined when the text is something else. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
