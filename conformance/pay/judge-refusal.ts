/** Whether a payment that is not right was refused, and cleanly: no grant, no crash, no silence, and the endpoint well afterwards. */
import { broken, holds, noted, type Outcome } from "../case.ts";
import type { Context } from "../context.ts";
import type { Exchange } from "../wire/exchange.ts";
import { askPrice, makePayment, type PayableOffer, type PaymentChange } from "./payment.ts";

export const isGrant = ({ answer }: Exchange): boolean =>
  answer !== undefined && answer.status >= 200 && answer.status < 300;

/** How one bad payment was met. */
export interface Meeting {
  readonly what: string;
  readonly exchange: Exchange;
}

/** Payments that must be refused, each by its name. */
export type Bad = Readonly<
  Record<string, PaymentChange | ((offer: PayableOffer) => PaymentChange)>
>;

export interface RefusalOptions {
  /** The payment cannot be read at all: then a server error breaks the case, and is not only worth a look. */
  readonly malformed?: boolean;
}

/** Sends each bad payment; whichever is not refused breaks the case. */
export async function refusesAll(
  context: Context,
  bad: Bad,
  options: RefusalOptions = {},
): Promise<Outcome> {
  const meetings: Meeting[] = [];
  for (const [what, change] of Object.entries(bad)) {
    const offer = await askPrice(context);
    const made = typeof change === "function" ? change(offer) : change;
    const { header } = await makePayment(context, offer, made);
    meetings.push({ what, exchange: await context.ask({ headers: [header] }, { alone: true }) });
  }
  const judged = await andIsWell(context, judgeMeetings(meetings, options));
  if (judged.kind !== "holds" || options.malformed === true || context.payer.money) return judged;
  return holds(
    `${judged.seen} The payer holds nothing, which is a reason too: ring 2 asks again with money.`,
  );
}

/** Sends each of these headers as a payment: none can be read. */
export async function refusesHeaders(
  context: Context,
  headersOf: (offer: PayableOffer) => Readonly<Record<string, readonly [string, string]>>,
): Promise<Outcome> {
  const offer = await askPrice(context);
  const meetings: Meeting[] = [];
  for (const [what, header] of Object.entries(headersOf(offer))) {
    meetings.push({ what, exchange: await context.ask({ headers: [header] }, { alone: true }) });
  }
  return andIsWell(context, judgeMeetings(meetings, { malformed: true }));
}

/** After what was refused an unpaid request must be told to pay, as before. */
async function andIsWell({ ask }: Context, judged: Outcome): Promise<Outcome> {
  if (judged.kind === "broken") return judged;
  const { answer, failure } = await ask();
  return answer?.status === 402
    ? judged
    : broken(`${judged.seen} Then an unpaid request ended with ${answer?.status ?? failure}.`);
}

export function judgeMeetings(
  meetings: readonly Meeting[],
  { malformed = false }: RefusalOptions,
): Outcome {
  const tell = (list: readonly Meeting[]) =>
    list
      .slice(0, 3)
      .map(({ what, exchange: { answer, failure } }) => `${what}: ${answer?.status ?? failure}`)
      .join("; ");
  const granted = meetings.filter(({ exchange }) => isGrant(exchange));
  if (granted.length > 0) return broken(`Granted: ${tell(granted)}.`);
  const silent = meetings.filter(({ exchange }) => !exchange.answer);
  if (silent.length > 0) return broken(`No answer: ${tell(silent)}.`);
  const odd = meetings.filter(({ exchange }) => {
    const status = exchange.answer?.status ?? 0;
    return status >= 500 || (status >= 300 && status < 400);
  });
  if (odd.length > 0) return (malformed ? broken : noted)(`Not granted, but ${tell(odd)}.`);
  const statuses = meetings.map(({ exchange }) => exchange.answer?.status);
  return holds(`Refused: ${[...new Set(statuses)].join(", ")}.`);
}
