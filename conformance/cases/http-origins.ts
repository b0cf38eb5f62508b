/** Group D, second part: what pages of other origins, and caches, may do. */
import { broken, type Case, holds, noted, skipped } from "../case.ts";
import { fetchStandard, policy } from "../basis.ts";
import { answerOf } from "../context.ts";
import { show } from "../read/json.ts";
import { headerOf } from "../wire/exchange.ts";

export const ORIGIN_CASES: readonly Case[] = [
  {
    id: "HTTP-05",
    title: "Pages that may call it may also read the price and send the payment",
    level: "advice",
    severity: "low",
    ring: 0,
    profiles: "any",
    basis: fetchStandard.says(
      "CORS-safelisted response-header name",
      "Other headers are read by a page only if Access-Control-Expose-Headers names them.",
    ),
    gains: "The page sees a 402 without a price, and cannot pay.",
    mend: "Access-Control-Expose-Headers: PAYMENT-REQUIRED, PAYMENT-RESPONSE and Access-Control-Allow-Headers: PAYMENT-SIGNATURE.",
    async run({ ask, first }) {
      const answer = answerOf(await ask({ headers: [["Origin", "https://app.example"]] }));
      if (headerOf(answer, "access-control-allow-origin") === undefined)
        return skipped("It does not let other origins in.");
      const exposed = (headerOf(answer, "access-control-expose-headers") ?? "").toLowerCase();
      const carried = ["payment-required", "www-authenticate"].filter(
        (name) => headerOf(answer, name) !== undefined,
      );
      if (carried.length === 0 || (await first()).status !== 402)
        return skipped("The challenge is in the body.");
      const hidden = carried.filter((name) => exposed !== "*" && !exposed.includes(name));
      return hidden.length === carried.length
        ? broken(`Access-Control-Expose-Headers does not name ${hidden.join(", ")}.`)
        : holds("Exposed.");
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
      "An Access-Control-Allow-Origin that repeats whatever origin asks, with credentials, is no limit.",
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
