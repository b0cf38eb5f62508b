/** Group E, third part: payments whose encoding is odd, and headers that are no header. */
import { broken, type Case, holds, noted } from "../case.ts";
import { coreV2, policy, rfc9110 } from "../basis.ts";
import type { Context } from "../context.ts";
import { isGrant, judgeMeetings, type Meeting, refusesAll } from "../pay/judge-refusal.ts";
import { askPrice, type Draft, headerFor, makePayment } from "../pay/payment.ts";
import { isUsed } from "../pay/sale.ts";
import { isObject } from "../read/json.ts";
import { X402, X402_V2 } from "./judge.ts";

const common = {
  ring: 1,
  profiles: X402,
  severity: "high",
  gains: "A payment that nobody signed opens the door, or one request takes the server down.",
  cwe: 20,
} as const;

const zeros = () => `0x${"00".repeat(65)}` as const;

/** A payment that nobody signed, as JSON. */
async function unsignedJson(context: Context) {
  const offer = await askPrice(context);
  const edit = (draft: Draft) => {
    // A length that base64 must pad.
    while (Buffer.byteLength(JSON.stringify(draft)) % 3 !== 1)
      draft["payload"].authorization.from += "0";
  };
  const { value } = await makePayment(context, offer, { signature: zeros, edit });
  return { offer, text: JSON.stringify(value) };
}

/** Sends each text of header characters as a payment. */
async function meet(context: Context, of: Readonly<Record<string, readonly [string, string]>>) {
  const meetings: Meeting[] = [];
  for (const [what, header] of Object.entries(of))
    meetings.push({ what, exchange: await context.ask({ headers: [header] }, { alone: true }) });
  return meetings;
}

export const BYTE_CASES: readonly Case[] = [
  {
    ...common,
    id: "MALF-09",
    title: "A payment flow that is not offered is refused",
    level: "must",
    severity: "medium",
    profiles: X402_V2,
    basis: coreV2.says(
      "6.1 (later revision)",
      "A server must reject a payment whose accepted.extra.paymentFlow it did not offer.",
    ),
    gains:
      "The buyer chooses when the money moves, or believes that it moves before the work where it does not.",
    mend: "Compare the whole of accepted with your own offers, extra too.",
    run: (context) =>
      refusesAll(
        context,
        {
          "another payment flow": ({ raw }) => ({
            edit: (draft) => {
              const extra = isObject(raw["extra"]) ? raw["extra"] : {};
              const paymentFlow = extra["paymentFlow"] === "upfront" ? "escrow" : "upfront";
              draft["accepted"].extra = { ...extra, paymentFlow };
            },
          }),
        },
        { malformed: true },
      ),
  },
  {
    ...common,
    id: "MALF-11",
    title: "Another alphabet or padding of base64 changes no verdict",
    payments: 1,
    level: "policy",
    severity: "high",
    basis: policy(
      "The specification names no alphabet. A gate that cannot read a payment must not take that for a payment that holds.",
    ),
    mend: "Decode once, with one decoder, and hand the decoded payment to every check.",
    async run(context) {
      const { offer, text } = await unsignedJson(context);
      const standard = Buffer.from(text).toString("base64");
      const header = (characters: string) => headerFor(offer, context.profile, characters);
      const meetings = await meet(context, {
        "base64url without padding": header(Buffer.from(text).toString("base64url")),
        "base64 without padding": header(standard.replaceAll("=", "")),
        "base64 with a blank": header(`${standard.slice(0, 40)} ${standard.slice(40)}`),
      });
      const judged = judgeMeetings(meetings, {});
      const { money } = context.payer;
      if (judged.kind !== "holds" || !money) return judged;
      // A good one in that spelling may be taken or refused, for no alphabet is named: but not taken for nothing, nor refused and kept.
      const { value, fields } = await makePayment(context, offer);
      const other = Buffer.from(JSON.stringify(value)).toString("base64url");
      const exchange = await context.ask({ headers: [header(other)] }, { alone: true });
      const end = exchange.answer?.status ?? exchange.failure;
      const paid = await isUsed(money, fields.from, fields.nonce);
      if (isGrant(exchange) !== paid)
        return broken(`A good payment in base64url: ${end}, ${paid ? "and paid" : "not paid"}.`);
      return holds(
        `${judged.seen} A good payment in base64url: ${end}, ${paid ? "paid" : "not paid"}; both are right, for the specification names no alphabet.`,
      );
    },
  },
  {
    ...common,
    id: "MALF-12",
    title: "A very long payment header is refused, quickly",
    level: "policy",
    severity: "medium",
    basis: policy(
      "Node refuses more than 16 KB of headers with 431; what comes through below that must be refused by the gate.",
    ),
    gains: "One request holds the server up, or takes it down.",
    mend: "Limit the header's length before decoding it: a payment of exact is below 4 KB.",
    cwe: 400,
    async run(context) {
      const { offer, text } = await unsignedJson(context);
      const padded = (length: number) => {
        const value = JSON.stringify({ ...JSON.parse(text), filler: "x".repeat(length) });
        return headerFor(offer, context.profile, Buffer.from(value).toString("base64"));
      };
      const meetings = await meet(context, { "12 KB": padded(8_000), "20 KB": padded(14_000) });
      const [large] = await meet(context, { "1 MB": padded(750_000) });
      // A server that closes while a megabyte is still being sent has refused it.
      const closed = ["ECONNRESET", "EPIPE"].includes(large?.exchange.failure ?? "");
      const judged = judgeMeetings(large && !closed ? [...meetings, large] : meetings, {});
      if (judged.kind !== "holds") return judged;
      const after = await context.ask();
      return after.answer?.status === 402
        ? holds(`${judged.seen.slice(0, -1)}; ${closed ? "1 MB was cut off" : "1 MB too"}.`)
        : broken(
            `Then an unpaid request was answered with ${after.answer?.status ?? after.failure}.`,
          );
    },
  },
  {
    ...common,
    id: "MALF-15",
    title: "Control characters, halves of characters and lookalikes are refused",
    level: "policy",
    severity: "high",
    basis: policy(
      "What one reader drops or folds another keeps: a Cyrillic а in an address is not the address.",
    ),
    mend: "Match addresses and numbers against ASCII patterns before anything is compared.",
    gains: "One reader sees the right recipient or amount, and the next one another.",
    run: (context) =>
      refusesAll(
        context,
        {
          "NUL in the nonce": {
            edit: (draft) => void (draft["payload"].authorization.nonce += "\0"),
          },
          "a line break in an address": {
            edit: (draft) => void (draft["payload"].authorization.to += "\n"),
          },
          "half a character in the recipient": {
            edit: (draft) => void (draft["payload"].authorization.to += "\ud800"),
          },
          "an override of the writing direction": {
            edit: (draft) => void (draft["payload"].authorization.value += "\u202e"),
          },
          "a Cyrillic letter in an address": {
            edit: (draft) => {
              const { to } = draft["payload"].authorization as { to: string };
              draft["payload"].authorization.to = to.replace(/[aA](?=[^aA]*$)/, "а");
              if (draft["payload"].authorization.to === to)
                draft["payload"].authorization.to = `${to.slice(0, -1)}о`;
            },
          },
        },
        {},
      ),
  },
  {
    ...common,
    id: "MALF-17",
    title: "What follows the JSON, and other encodings of it, are refused",
    level: "policy",
    severity: "high",
    basis: policy("RFC 8259: one JSON text, in UTF-8. A second one behind it is another payment."),
    mend: "Parse the whole of the decoded text, with JSON.parse, and nothing more lenient.",
    async run(context) {
      const { offer, text } = await unsignedJson(context);
      const header = (bytes: Buffer) => headerFor(offer, context.profile, bytes.toString("base64"));
      const meetings = await meet(context, {
        "letters behind the JSON": header(Buffer.from(`${text}x`)),
        "two payments in one header": header(Buffer.from(text + text)),
        "UTF-16": header(Buffer.from(text, "utf16le")),
        "a byte order mark": header(Buffer.from(`\uFEFF${text}`)),
      });
      return judgeMeetings(meetings, {});
    },
  },
  {
    ...common,
    id: "MALF-18",
    title: "Line breaks within the payment header are refused",
    level: "policy",
    severity: "high",
    basis: rfc9110(
      "5.5",
      "Field values containing CR, LF, or NUL characters are invalid and dangerous, due to the varying ways that implementations might parse and interpret those characters",
    ),
    gains:
      "A proxy and the server see two different requests: the payment that was checked is not the one that is taken.",
    mend: "Leave the HTTP parser strict (no insecureHTTPParser), in the proxy too.",
    cwe: 113,
    async run(context) {
      const { offer, text } = await unsignedJson(context);
      const value = Buffer.from(text).toString("base64");
      const payment = headerFor(offer, context.profile, value);
      const odd = {
        "a folded line": `${value.slice(0, 20)}\r\n ${value.slice(20)}`,
        "a bare LF": `${value.slice(0, 20)}\n${value.slice(20)}`,
        "a bare CR": `${value.slice(0, 20)}\r${value.slice(20)}`,
        "a second header behind a bare LF": `${value}\nX-Purser-Check: 1`,
      };
      const meetings: Meeting[] = [];
      for (const [what, characters] of Object.entries(odd)) {
        const raw = (head: string) => head.replace(value, characters);
        meetings.push({ what, exchange: await context.ask({ headers: [payment], raw }) });
      }
      const granted = meetings.find(({ exchange }) => isGrant(exchange));
      if (granted) return broken(`${granted.what} was granted.`);
      const echoed = meetings.find(({ exchange: { answer } }) =>
        answer?.headers.some(([name]) => name.toLowerCase() === "x-purser-check"),
      );
      if (echoed) return broken(`${echoed.what} became a header of the answer.`);
      const failed = meetings.filter(({ exchange: { answer } }) => (answer?.status ?? 0) >= 500);
      const statuses = meetings.map(
        ({ exchange: { answer, failure } }) => answer?.status ?? failure,
      );
      const told = `${[...new Set(statuses)].join(", ")}.`;
      return failed.length > 0 ? noted(told) : holds(told);
    },
  },
];
