/** The door before an ordinary Express handler: its answer is what is sold. */
import { sendAnswer, storedJson } from "./answers.ts";
import type { Door, PaidSale, PaywallAnswer, PaywallSale, Worked } from "./door.ts";
import type { Amends, FailedSale, PaywallOptions } from "../paywall.ts";
import { type HeldResponse, holdResponse } from "./held-response.ts";
import { rememberSale } from "./sale-of-request.ts";
import type { Visit } from "./visit.ts";

export interface HandlerDoorOptions extends Pick<
  PaywallOptions,
  "flow" | "name" | "maxAnswerBytes" | "handlerTimeoutMs" | "mayBuy" | "afterFailure"
> {
  readonly quote: Door<null>["quote"];
  readonly isFixed: boolean;
}

const TOO_LARGE: PaywallAnswer = {
  status: 500,
  body: {
    error: "answer_too_large",
    message: "The answer is too large to keep. Nothing was charged.",
  },
};
const LATE: PaywallAnswer = {
  status: 504,
  body: {
    error: "handler_timeout",
    message: "The work took too long. Nothing was charged.",
  },
};
/** After the money has moved: what is done about it stands beside this, or the same payment has it done again. */
const LATE_PAID = storedJson({
  status: 504,
  body: {
    error: "handler_timeout",
    message:
      "The work took too long, and the payment has settled. Send the same payment again; do not sign another.",
  },
});
const BROKEN = { status: 500, headers: {} };
/** Whoever pays gets all of it: an answer of "not modified", or of a part, would be kept as what was bought. */
const CONDITIONS = ["if-none-match", "if-modified-since", "if-range", "range"];

export function handlerDoor({
  flow = "work-first",
  name = flow,
  maxAnswerBytes = 1024 * 1024,
  handlerTimeoutMs = 60_000,
  mayBuy,
  afterFailure,
  quote,
  isFixed,
}: HandlerDoorOptions): Door<null> {
  const run = (sale: PaywallSale<null>, visit: Visit, onStream?: () => void): HeldResponse => {
    const { request, response, next } = visit;
    rememberSale(request, sale);
    for (const name of CONDITIONS) delete request.headers[name];
    const limits = { maxBytes: maxAnswerBytes, timeoutMs: handlerTimeoutMs };
    const held = holdResponse({ response, ...limits, onStream });
    next();
    return held;
  };
  return {
    name,
    flow,
    quote,
    isFixed,
    ...(mayBuy && { claimed: mayBuy }),
    ...(flow === "work-first"
      ? { work: (sale, visit) => workFirst(sale, visit, run) }
      : {
          async fulfil(sale: PaidSale<null>, visit: Visit, setReceipt: () => void) {
            const { response } = visit;
            const held = run(sale, visit, () => {
              setReceipt();
              response.setHeader("Cache-Control", "private, no-store");
            });
            const ended = await held.ended;
            if (ended === "broken") return { state: "broken", answer: BROKEN };
            if (ended === "late") {
              held.mute();
              return { state: "failed", answer: LATE_PAID };
            }
            const answer = held.answer();
            if (held.hasStreamed()) return { state: "done", answer, end: () => held.release() };
            held.discard();
            return { state: answer.status < 400 ? "done" : "failed", answer };
          },
        }),
    ...(afterFailure && {
      afterFailure: async (sale, answer) =>
        storedAmends(await afterFailure({ sale, answer } satisfies FailedSale)),
    }),
  };
}

async function workFirst(
  sale: PaywallSale<null>,
  visit: Visit | undefined,
  run: (sale: PaywallSale<null>, visit: Visit) => HeldResponse,
): Promise<Worked> {
  // Without its request the handler cannot run: the buyer's resend does it.
  if (!visit) return { refuse: () => undefined };
  const { response } = visit;
  const held = run(sale, visit);
  const ended = await held.ended;
  if (ended === "broken") return { refuse: () => held.discard() };
  if (ended === "late") {
    held.mute();
    return { refuse: () => sendAnswer(response, LATE) };
  }
  const answer = held.answer();
  if (held.isWhole() && answer.status >= 400) {
    response.setHeader("Cache-Control", "no-store");
    return { refuse: () => held.release() };
  }
  held.discard();
  return held.isWhole() ? { answer } : { refuse: () => sendAnswer(response, TOO_LARGE) };
}

function storedAmends({ headers, ...answer }: Amends) {
  const stored = storedJson(answer);
  return { ...stored, headers: { ...stored.headers, ...headers } };
}
