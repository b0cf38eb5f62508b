/** Group H, second part: the extension payment-identifier, by which a buyer names a payment and may ask for its answer again. */
import { setTimeout } from "node:timers/promises";
import { broken, type Case, holds, noted, type Outcome, skipped } from "../case.ts";
import { paymentIdentifier } from "../basis.ts";
import { answerOf, type Context } from "../context.ts";
import { isGrant } from "../pay/judge-refusal.ts";
import { askPrice, type Draft, makePayment, type PaymentChange } from "../pay/payment.ts";
import { isUsed, moneyOf } from "../pay/sale.ts";
import { isObject, show } from "../read/json.ts";
import { headerOf } from "../wire/exchange.ts";
import { judge, X402_V2 } from "./judge.ts";
import { besideSibling } from "./sibling.ts";

const NAME = "payment-identifier";
const common = { ring: 2, profiles: X402_V2, severity: "high" } as const;
const behaviour = "Idempotency Behavior";

/** Runs where the endpoint advertises the extension. */
const advertised =
  (run: (context: Context, info: Readonly<Record<string, unknown>>) => Promise<Outcome>) =>
  async (context: Context): Promise<Outcome> => {
    const { extensions } = (await context.challenge()).value as { extensions?: unknown };
    const extension = isObject(extensions) ? extensions[NAME] : undefined;
    if (!isObject(extension)) return skipped(`It does not advertise ${NAME}.`);
    return await run(context, isObject(extension["info"]) ? extension["info"] : {});
  };

const newId = (context: Context) => `purser_check_${context.randomInt(2 ** 32)}_${Date.now()}`;

/** The payment, under this name. */
const named =
  (id: unknown): NonNullable<PaymentChange["edit"]> =>
  (draft: Draft) => {
    const before = draft["extensions"]?.[NAME] ?? {};
    draft["extensions"] = {
      ...draft["extensions"],
      [NAME]: { ...before, info: { ...before.info, id } },
    };
  };

async function pay(context: Context, change: PaymentChange, path?: string) {
  const where = path === undefined ? {} : { path };
  const payment = await makePayment(context, await askPrice(context, where), change);
  const exchange = await context.ask(
    { ...where, headers: [payment.header] },
    { alone: true, deadlineMs: 60_000 },
  );
  return { payment, exchange, answer: answerOf(exchange) };
}

export const IDENTIFIER_CASES: readonly Case[] = [
  {
    ...common,
    id: "IDEM-01",
    title: "Where an identifier is required, a payment without one is refused",
    level: "stated",
    severity: "medium",
    payments: 1,
    basis: paymentIdentifier(
      behaviour,
      "`required: true`, no `id` provided | Return 400 Bad Request",
    ),
    gains: "Buyers who believe that they can ask again cannot, and pay twice.",
    mend: "Answer 400 before the payment is settled where info.id is missing.",
    run: advertised(async (context, { required }) => {
      if (required !== true) return skipped("The identifier is not required.");
      const { exchange, answer } = await pay(context, {
        edit: (draft) => void delete draft["extensions"]?.[NAME],
      });
      return isGrant(exchange)
        ? broken("It was granted without one.")
        : answer.status === 400
          ? holds("400.")
          : noted(`${answer.status}, not 400.`);
    }),
  },
  {
    ...common,
    id: "IDEM-02",
    title: "The same identifier with the same payment gets the same answer",
    level: "stated",
    payments: 1,
    basis: paymentIdentifier(behaviour, "Same `id`, same payload | Return cached response"),
    gains: "The extension promises a second chance to whoever lost the answer, and there is none.",
    mend: "Store status, headers and body with the settlement, and send them again.",
    run: advertised(async (context) => {
      const { payment, answer, exchange } = await pay(context, { edit: named(newId(context)) });
      if (!isGrant(exchange)) return broken(`With an id it was answered with ${answer.status}.`);
      const again = await context.ask({ headers: [payment.header] }, { alone: true });
      const other = again.answer;
      if (!other || !isGrant(again))
        return broken(`The second time it was answered with ${other?.status ?? again.failure}.`);
      const name = "payment-response";
      const problems = [];
      if (other.body !== answer.body) problems.push("the body is another one");
      if (headerOf(other, name) !== headerOf(answer, name))
        problems.push("the receipt is another one");
      return judge(problems, "The same body and receipt.");
    }),
  },
  {
    ...common,
    id: "IDEM-03",
    title: "The same identifier with another payment is refused",
    level: "stated",
    payments: 2,
    basis: paymentIdentifier(behaviour, "Same `id`, different payload | Return 409 Conflict"),
    gains:
      "A buyer's mistake is charged twice, or a stranger who guesses an id gets another's answer.",
    mend: "Keep the payment's fingerprint with its id, and answer 409 where it differs.",
    run: advertised(async (context) => {
      const money = moneyOf(context);
      const id = newId(context);
      const first = await pay(context, { edit: named(id) });
      if (!isGrant(first.exchange)) return broken(`With an id: ${first.answer.status}.`);
      const { payment, exchange, answer } = await pay(context, { edit: named(id) });
      const charged = await isUsed(money, payment.fields.from, payment.fields.nonce);
      if (isGrant(exchange) || charged)
        return broken(`${answer.status}${charged ? ", and charged" : ""}, not 409.`);
      return answer.status === 409
        ? holds("409, nothing taken.")
        : noted(`${answer.status}, not 409.`);
    }),
  },
  {
    ...common,
    id: "IDEM-04",
    title: "The stored answer outlives the authorization",
    level: "should",
    severity: "medium",
    load: true,
    payments: 1,
    basis: paymentIdentifier(
      "Recovering a Lost Response",
      "Look up the `id` before verifying the payment. A resend can fail verification once its payment has settled or its authorization has expired.",
    ),
    gains: "Whoever comes back a minute later has paid and gets nothing.",
    mend: "Look the identifier up before the facilitator is asked.",
    run: advertised(async (context) => {
      const until = BigInt(Math.ceil(context.now() / 1000)) + 9n;
      const change = { edit: named(newId(context)), fields: { validBefore: until } };
      const { payment, exchange, answer } = await pay(context, change);
      if (!isGrant(exchange)) return broken(`Some seconds before its end: ${answer.status}.`);
      await setTimeout(Math.max(0, Number(until) * 1000 - context.now()) + 500);
      const again = await context.ask({ headers: [payment.header] }, { alone: true });
      return again.answer?.body === answer.body
        ? holds("The same answer, after its end.")
        : broken(`After its end it is answered with ${again.answer?.status ?? again.failure}.`);
    }),
  },
  {
    ...common,
    id: "IDEM-06",
    title: "An identifier of one route gets nothing at another",
    level: "policy",
    payments: 2,
    basis: paymentIdentifier(
      "Request Binding",
      "Servers should avoid using `id` alone as the storage key for authorization decisions when the same backend handles multiple paid resources.",
    ),
    gains:
      "One payment buys at every route: that is a failure. Where the other route hands out the first one's stored answer it is a warning, for the text says should.",
    mend: "Keep identifiers by route and payer, and compare the whole payment.",
    run: advertised(
      besideSibling(async (context, sibling) => {
        const money = moneyOf(context);
        const edit = named(newId(context));
        const first = await pay(context, { edit });
        if (!isGrant(first.exchange)) return broken(`With an id: ${first.answer.status}.`);
        const { payment, exchange, answer } = await pay(context, { edit }, sibling.path);
        const charged = await isUsed(money, payment.fields.from, payment.fields.nonce);
        if (isGrant(exchange) && !charged)
          return answer.body === first.answer.body
            ? noted("The other route gave the first one's stored answer for the same id.")
            : broken("The other route was granted without its payment.");
        return holds(`${answer.status}${charged ? ", charged for itself" : ", nothing taken"}.`);
      }),
    ),
  },
  {
    ...common,
    id: "IDEM-07",
    title: "An identifier that is none is refused",
    level: "stated",
    severity: "medium",
    payments: 3,
    basis: paymentIdentifier.says(
      "`id` Format",
      "16 to 128 characters: letters, digits, hyphens and underscores.",
    ),
    gains: "Ids of any length fill the store; short ones are guessed.",
    mend: "Match ^[A-Za-z0-9_-]{16,128}$ before the payment is looked at, and answer 400.",
    run: advertised(async (context) => {
      const bad = {
        "15 characters": "a".repeat(15),
        "129 characters": "a".repeat(129),
        blanks: "a b c ".repeat(4),
      };
      const problems: string[] = [];
      for (const [what, id] of Object.entries(bad)) {
        const { exchange, answer } = await pay(context, { edit: named(id) });
        if (isGrant(exchange) || answer.status >= 500)
          problems.push(`an id of ${what} is answered with ${show(answer.status)}`);
      }
      return judge(problems, "Refused: too short, too long, blanks.");
    }),
  },
];
