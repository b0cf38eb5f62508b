/** A 402 with its body, or the refusal to pay what cannot be read. */
import { PaymentError } from "../payment-error.ts";
import { type Answer, readBody } from "../read-answer.ts";
import type { ReadRequest } from "./read-request.ts";
import type { WalkEnd } from "./unpaid-walk.ts";

/** The 402 whole, or `ANSWER_UNREADABLE`; the caller's abort is thrown as it is. */
export async function readChallenge(
  { hop: { url }, response, close }: WalkEnd,
  { signal }: Pick<ReadRequest, "signal">,
): Promise<Answer> {
  try {
    return { response, text: (await readBody(response)).toString("utf8") };
  } catch (cause) {
    signal?.throwIfAborted();
    throw new PaymentError("ANSWER_UNREADABLE", {
      problem: `${url} asks for a payment in an answer that cannot be read whole.`,
      nextStep: "Nothing was paid. Treat the answer as a failure.",
      cause,
    });
  } finally {
    close();
  }
}
