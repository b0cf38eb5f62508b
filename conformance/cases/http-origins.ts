/** Group D, second part: what pages of other origins, and caches, may do. */
import { broken, type Case, holds, noted, type Profile, skipped } from "../case.ts";
import { fetchStandard, policy } from "../basis.ts";
import { answerOf } from "../context.ts";
import { show } from "../read/json.ts";
import { isGrant } from "../pay/judge-refusal.ts";
import { askPrice, makePayment } from "../pay/payment.ts";
import { headerOf, type WireAnswer } from "../wire/exchange.ts";
import { judge } from "./judge.ts";

/** What a page must be able to read of each answer, and to send. */
const FOR_PAGES = {
  "x402-v2": {
    challenge: "payment-required",
    sent: "payment-signature",
    receipt: "payment-response",
  },
  // Its challenge is in the body.
  "x402-v1": { challenge: undefined, sent: "x-payment", receipt: "x-payment-response" },
  mpp: { challenge: "www-authenticate", sent: "authorization", receipt: "payment-receipt" },
} as const satisfies Record<Profile, object>;

function exposes(answer: WireAnswer, name: string): boolean {
  const names = namesIn(headerOf(answer, "access-control-expose-headers"));
  return names.has("*") || names.has(name);
}

const namesIn = (header = ""): ReadonlySet<string> =>
  new Set(header.split(",").map((name) => name.trim().toLowerCase()));

export const ORIGIN_CASES: readonly Case[] = [
  {
    id: "HTTP-05",
    title: "Pages that may call it may also read the price and send the payment",
    level: "advice",
    severity: "low",
    ring: 0,
    payments: 1,
    profiles: ["x402-v2", "x402-v1", "mpp"],
    basis: fetchStandard.says(
      "CORS-safelisted response-header name",
      "Other headers are read by a page only if Access-Control-Expose-Headers names them, and sent only if the preflight's Access-Control-Allow-Headers does.",
    ),
    gains:
      "The page sees a 402 without a price, cannot send its payment, or never sees the receipt.",
    mend: "Access-Control-Expose-Headers: PAYMENT-REQUIRED, PAYMENT-RESPONSE and Access-Control-Allow-Headers: PAYMENT-SIGNATURE\n(X-PAYMENT-RESPONSE and X-PAYMENT in version 1; WWW-Authenticate, Payment-Receipt and Authorization in MPP).",
    async run(context) {
      const { ask, profile, target, payer } = context;
      const origin = ["Origin", "https://app.example"] as const;
      const answer = answerOf(await ask({ headers: [origin] }));
      if (headerOf(answer, "access-control-allow-origin") === undefined)
        return skipped("It does not let other origins in.");
      const { challenge, sent, receipt } = FOR_PAGES[profile];
      const preflight = answerOf(
        await ask({
          method: "OPTIONS",
          headers: [
            origin,
            ["Access-Control-Request-Method", target.method],
            ["Access-Control-Request-Headers", sent],
          ],
          body: undefined,
        }),
      );
      const problems: string[] = [];
      if (challenge !== undefined && !exposes(answer, challenge))
        problems.push(`the 402's Access-Control-Expose-Headers does not name ${challenge}`);
      const allowed = namesIn(headerOf(preflight, "access-control-allow-headers"));
      // The wildcard does not stand for Authorization.
      if (!allowed.has(sent) && !(allowed.has("*") && sent !== "authorization"))
        problems.push(`the preflight's Access-Control-Allow-Headers does not name ${sent}`);
      if (problems.length === 0 && payer.money) {
        const { header } = await makePayment(context, await askPrice(context));
        const paid = await ask({ headers: [origin, header] }, { alone: true, deadlineMs: 60_000 });
        if (isGrant(paid) && !exposes(answerOf(paid), receipt))
          problems.push(`the paid answer's Access-Control-Expose-Headers does not name ${receipt}`);
      }
      return judge(problems, `${sent} can be sent, and what comes back can be read.`);
    },
  },
  {
    id: "HTTP-06",
    title: "No page of any origin may act with the user's credentials",
    level: "advice",
    severity: "high",
    ring: 0,
    profiles: "any",
    basis: policy(
      "An Access-Control-Allow-Origin that repeats whatever origin asks, with credentials, is no limit. Without credentials it is the same as *, which is allowed.",
    ),
    gains: "Any page that a signed-in user visits calls the endpoint as that user.",
    mend: "Name the origins that you know, or leave out Access-Control-Allow-Credentials.",
    cwe: 942,
    async run({ ask }) {
      const stranger = "https://stranger.example";
      const answer = answerOf(await ask({ headers: [["Origin", stranger]] }));
      const origin = headerOf(answer, "access-control-allow-origin");
      const credentials = headerOf(answer, "access-control-allow-credentials") === "true";
      if (origin === stranger && credentials)
        return broken("It repeats a stranger's origin and allows credentials.");
      if (origin === "*" && credentials)
        return broken("It says * and allows credentials: browsers refuse both together.");
      return holds(
        origin === undefined
          ? "It does not let other origins in."
          : `${origin}${credentials ? ", with credentials" : ", without credentials"}.`,
      );
    },
  },
  {
    id: "HTTP-07",
    title: "No cache may keep the 402",
    level: "policy",
    severity: "medium",
    ring: 0,
    profiles: ["x402-v2", "x402-v1"],
    basis: policy(
      "RFC 9111 lets a cache store a 402 only where it is told to; no-store says it for every cache. Without a word we warn, with leave to store we fail.",
    ),
    gains:
      "A cache answers paid requests with an old 402, and unpaid ones with somebody's challenge.",
    mend: "Set Cache-Control: no-store on every 402.",
    cwe: 524,
    async run({ first }) {
      const answer = await first();
      const value = headerOf(answer, "cache-control");
      if (/\bno-store\b/i.test(value ?? "")) return holds(show(value));
      const stored =
        /\b(public|s-maxage|max-age=[1-9])/i.test(value ?? "") ||
        headerOf(answer, "expires") !== undefined;
      return stored
        ? broken(`Cache-Control is ${show(value)}: a cache may keep this 402.`)
        : noted(`Cache-Control is ${show(value)}; say no-store.`);
    },
  },
];
