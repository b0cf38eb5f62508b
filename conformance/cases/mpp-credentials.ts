/** Group C, what MPP's credentials must and must not do. */
import { setTimeout } from "node:timers/promises";
import { broken, type Case, holds, noted, skipped } from "../case.ts";
import { mppCore } from "../basis.ts";
import { answerOf } from "../context.ts";
import { isGrant, refusesAll } from "../pay/judge-refusal.ts";
import { askPrice, type Draft, headerFor, makePayment } from "../pay/payment.ts";
import { buy, isUsed } from "../pay/sale.ts";
import { readChallenge } from "../read/challenge.ts";
import { isObject, parse, show } from "../read/json.ts";
import { type Exchange, headerOf } from "../wire/exchange.ts";
import { judge, MPP } from "./judge.ts";

const common = { ring: 1, profiles: MPP } as const;
/** Ten minutes: most challenges end within. */
const LONGEST_WAIT = 600_000;
const zeros = () => `0x${"00".repeat(65)}` as const;

export const MPP_CREDENTIAL_CASES: readonly Case[] = [
  {
    ...common,
    id: "MPP-03",
    title: "A challenge whose parameters were changed is refused",
    level: "must",
    severity: "critical",
    basis: mppCore(
      "Challenge Binding",
      "Servers MUST verify the binding when processing a credential and MUST reject a credential whose echoed challenge parameters do not match the expected binding.",
    ),
    gains: "The buyer writes the price, or keeps an old one for ever.",
    mend: "Recompute the id (HMAC) over realm, method, intent, request, expires, digest, opaque and header, and compare in constant time.",
    cwe: 345,
    run: (context) =>
      refusesAll(context, {
        "a lower amount": {
          edit: (draft) => void (draft["challenge"].request = lower(draft["challenge"].request)),
        },
        "a later expiry": {
          edit: (draft) => void (draft["challenge"].expires = "2099-01-01T00:00:00Z"),
        },
        "another realm": { edit: (draft) => void (draft["challenge"].realm = "other.example") },
        "other data of the server's own": {
          edit: (draft) =>
            void (draft["challenge"].opaque = Buffer.from('{"order":"1"}').toString("base64url")),
        },
      }),
  },
  {
    ...common,
    id: "MPP-06",
    title: "Answers to Payment-Authorization are for nobody else",
    level: "must",
    severity: "high",
    basis: mppCore(
      "Caching",
      "When a request carries a Payment credential in a field other than `Authorization`, every corresponding response MUST include `Cache-Control: private` or `Cache-Control: no-store`.",
    ),
    gains:
      "Caches know that Authorization makes an answer private; this header they do not know, and the paid answer is served to all.",
    mend: "Set Cache-Control: no-store or private on every answer to a request with Payment-Authorization.",
    cwe: 524,
    async run(context) {
      const offer = await askPrice(context);
      const { header } = await makePayment(context, offer, { signature: zeros });
      const answer = answerOf(
        await context.ask({ headers: [["Payment-Authorization", header[1]]] }, { alone: true }),
      );
      const value = headerOf(answer, "cache-control");
      return /\b(private|no-store)\b/i.test(value ?? "")
        ? holds(show(value))
        : broken(`Cache-Control of the ${answer.status} is ${show(value)}.`);
    },
  },
  {
    ...common,
    id: "MPP-07",
    title: "A malformed credential gets 402 and a fresh challenge",
    level: "must",
    severity: "medium",
    basis: mppCore(
      "Status Codes",
      "Malformed credential (invalid base64url, bad JSON) | 402 | Fresh challenge + `malformed-credential` problem",
    ),
    gains: "Clients cannot recover, or a crash shows how to take the server down.",
    mend: "Parse inside try/catch, and answer 402 with a new challenge.",
    async run(context) {
      const offer = await askPrice(context);
      const problems: string[] = [];
      for (const [what, text] of [
        ["no base64url", "%%%"],
        ["no JSON", Buffer.from("text").toString("base64url")],
        ["null", Buffer.from("null").toString("base64url")],
      ] as const) {
        const { answer, failure } = await context.ask(
          { headers: [headerFor(offer, "mpp", text)] },
          { alone: true },
        );
        if (answer?.status !== 402) problems.push(`${what} ended in ${answer?.status ?? failure}`);
        else if (!readChallenge(answer, "mpp").challenge)
          problems.push(`${what} got a 402 without a challenge`);
      }
      return judge(problems, "402 with a challenge.");
    },
  },
  {
    ...common,
    id: "MPP-08",
    title: "An unknown or used challenge is refused with 402 and a fresh one",
    level: "must",
    severity: "critical",
    basis: mppCore(
      "Status Codes",
      "Unknown or already-used challenge `id` | 402 | Fresh challenge + `invalid-challenge` problem",
    ),
    gains: "A challenge that the server never made fixes the terms.",
    mend: "Verify the id before anything else in the credential, and answer 402 with a new challenge.",
    payments: 1,
    async run(context) {
      const { money } = context.payer;
      const problems: string[] = [];
      const expect402 = (what: string, { answer, failure }: Exchange) => {
        if (answer?.status !== 402) problems.push(`${what} ended in ${answer?.status ?? failure}`);
        else if (!readChallenge(answer, "mpp").challenge)
          problems.push(`${what} got a 402 without a challenge`);
      };
      const edit = (draft: Draft) => void (draft["challenge"].id = "AAAAAAAAAAAAAAAAAAAAAA");
      const unknown = await makePayment(context, await askPrice(context), { edit });
      expect402(
        "an id that was never issued",
        await context.ask({ headers: [unknown.header] }, { alone: true }),
      );
      if (!money) return judge(problems, "402 with a challenge.");
      const sale = await buy(context);
      const again = await context.ask({ headers: [sale.payment.header] }, { alone: true });
      // The same answer for the same bytes is the way back of whoever lost it (RPLY-01, MPP-14).
      const copy = isGrant(again) && again.answer?.body === sale.answer.body;
      if (!copy) expect402("a used id", again);
      return judge(
        problems,
        copy ? "402 with a challenge; a copy gets the first answer." : "402 with a challenge.",
      );
    },
  },
  {
    ...common,
    id: "MPP-22",
    title: "A credential in another header than the challenge's buys nothing",
    level: "must",
    severity: "high",
    payments: 1,
    basis: mppCore(
      "Credentials",
      "Servers MUST accept a Payment credential for a given challenge only from the field selected by that challenge. A Payment credential received in any other field MUST NOT satisfy the challenge.",
    ),
    gains:
      "A gate that reads one header and a server that reads the other see two payments; caches keep what came by the one that they do not know.",
    mend: "Read the one header that the challenge names (Authorization, where it names none).",
    cwe: 436,
    async run(context) {
      const { money } = context.payer;
      const payment = await makePayment(
        context,
        await askPrice(context),
        money ? {} : { signature: zeros },
      );
      const [own, value] = payment.header;
      const other = own === "Authorization" ? "Payment-Authorization" : "Authorization";
      const exchange = await context.ask({ headers: [[other, value]] }, { alone: true });
      const end = exchange.answer?.status ?? exchange.failure;
      if (isGrant(exchange)) return broken(`In ${other} it was granted with ${end}.`);
      const { from, nonce } = payment.fields;
      return money && (await isUsed(money, from, nonce))
        ? broken(`In ${other} it was answered with ${end}, and the money was taken.`)
        : holds(`In ${other}: ${end}.`);
    },
  },
  {
    ...common,
    id: "MPP-23",
    title: "A challenge that has expired is refused with 402 and a fresh one",
    level: "must",
    severity: "high",
    load: true,
    payments: 1,
    basis: mppCore(
      "Status Codes",
      "Expired challenge `id` | 402 | Fresh challenge + `payment-expired` problem",
    ),
    gains: "An old price stays good for as long as the buyer likes.",
    mend: "Compare expires with the clock before the credential is settled, and answer 402 with a new challenge.",
    cwe: 613,
    async run(context) {
      const offer = await askPrice(context);
      const until = Date.parse(String(offer.raw["expires"]));
      if (Number.isNaN(until)) return skipped("The challenge does not expire (MPP-02).");
      const wait = until - context.now() + 1000;
      if (wait > LONGEST_WAIT) return skipped(`It holds for ${Math.round(wait / 1000)} seconds.`);
      // What was signed is good for longer than the challenge.
      const validBefore = BigInt(Math.ceil(until / 1000) + 600);
      const { header } = await makePayment(context, offer, { fields: { validBefore } });
      await setTimeout(Math.max(0, wait));
      const { answer, failure } = await context.ask({ headers: [header] }, { alone: true });
      const end = answer?.status ?? failure;
      if (answer?.status !== 402) return broken(`After its end: ${end}.`);
      return readChallenge(answer, "mpp").challenge
        ? holds("402 with a challenge.")
        : broken("402 without a challenge.");
    },
  },
  {
    ...common,
    id: "MPP-09",
    title: "Errors are Problem Details",
    level: "should",
    severity: "low",
    basis: mppCore(
      "Error Response Format",
      "Servers SHOULD return Problem Details RFC9457 error bodies for payment-related errors",
    ),
    gains: "Clients cannot tell an expired challenge from a wrong signature.",
    mend: "Answer application/problem+json with a type below https://paymentauth.org/problems/.",
    async run(context) {
      const offer = await askPrice(context);
      const { header } = await makePayment(context, offer, { signature: zeros });
      const answer = answerOf(await context.ask({ headers: [header] }, { alone: true }));
      const body = parse(answer.body);
      const type = isObject(body) ? body["type"] : undefined;
      if (typeof type !== "string")
        return broken(`The ${answer.status} has no problem type: ${show(answer.body)}.`);
      return type.startsWith("https://paymentauth.org/problems/")
        ? holds(type)
        : noted(`The type is ${show(type)}.`);
    },
  },
  {
    ...common,
    id: "MPP-16",
    title: "A credential of 4 KB is read",
    level: "must",
    severity: "low",
    basis: mppCore(
      "Size Considerations",
      "Servers MUST be able to handle credentials of at least 4KB.",
    ),
    gains: "Smart wallets, whose signatures are long, cannot pay.",
    mend: "Raise the server's and the proxy's header limit to at least 8 KB.",
    async run(context) {
      const offer = await askPrice(context);
      const send = async (length: number) => {
        const edit = (draft: Draft) => void (draft["source"] += "0".repeat(length));
        const { header } = await makePayment(context, offer, { signature: zeros, edit });
        const { answer, failure } = await context.ask({ headers: [header] }, { alone: true });
        return { status: answer?.status ?? failure, length: header[1].length };
      };
      const [short, long] = [await send(0), await send(2600)];
      if (long.status === short.status) return holds(`${long.length} characters: ${long.status}.`);
      return broken(
        `${long.length} characters ended in ${long.status}, ${short.length} in ${short.status}.`,
      );
    },
  },
  {
    ...common,
    id: "MPP-11",
    title: "A body other than the one that was priced is refused",
    level: "must",
    severity: "high",
    basis: mppCore(
      "Request Body Digest Binding",
      "3. Reject the credential if the digests do not match",
    ),
    gains: "The buyer pays for a small order and sends a large one.",
    mend: "Compare the body's digest with the challenge's before the work.",
    cwe: 345,
    async run(context) {
      const offer = await askPrice(context);
      if (offer.raw["digest"] === undefined) return skipped("The challenge has no digest.");
      const { header } = await makePayment(context, offer);
      const { answer } = await context.ask(
        { headers: [header], body: `${context.target.body ?? ""} ` },
        { alone: true },
      );
      const status = answer?.status ?? 0;
      return status >= 200 && status < 300
        ? broken("Another body was granted.")
        : holds(`${status}.`);
    },
  },
];

/** The request with an amount of 1. */
function lower(request: string): string {
  const value = parse(Buffer.from(request, "base64url").toString("utf8"));
  return Buffer.from(JSON.stringify({ ...(isObject(value) ? value : {}), amount: "1" })).toString(
    "base64url",
  );
}
