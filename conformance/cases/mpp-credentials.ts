/** Group C, what MPP's credentials must and must not do. */
import { broken, type Case, holds, noted, skipped } from "../case.ts";
import { mppCore } from "../basis.ts";
import { answerOf } from "../context.ts";
import { refusesAll } from "../pay/judge-refusal.ts";
import { askPrice, type Draft, headerFor, makePayment } from "../pay/payment.ts";
import { readChallenge } from "../read/challenge.ts";
import { isObject, parse, show } from "../read/json.ts";
import { headerOf } from "../wire/exchange.ts";
import { judge, MPP } from "./judge.ts";

const common = { ring: 1, profiles: MPP } as const;
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
    title: "An unknown challenge is refused with 402",
    level: "must",
    severity: "critical",
    basis: mppCore(
      "Status Codes",
      "Unknown or already-used challenge `id` | 402 | Fresh challenge + `invalid-challenge` problem",
    ),
    gains: "A challenge that the server never made fixes the terms.",
    mend: "Verify the id before anything else in the credential.",
    run: (context) =>
      refusesAll(context, {
        "an id that was never issued": {
          edit: (draft) => void (draft["challenge"].id = "AAAAAAAAAAAAAAAAAAAAAA"),
        },
      }),
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
