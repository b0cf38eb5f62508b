/** A payment that is well-formed, asks for the right thing, and is signed by nobody. */
import { answerOf, type Context } from "../context.ts";
import type { WireAnswer } from "../wire/exchange.ts";
import { askPrice, makePayment, type PayableOffer } from "./payment.ts";

/** Sends a signature of zeros: a payment that is well-formed and not paid. */
export async function sendUnsigned(
  context: Context,
): Promise<{ answer: WireAnswer; header: string; offer: PayableOffer }> {
  const offer = await askPrice(context);
  const payment = await makePayment(context, offer, { signature: () => `0x${"00".repeat(65)}` });
  const answer = answerOf(await context.ask({ headers: [payment.header] }, { alone: true }));
  return { answer, header: payment.header[1], offer };
}
