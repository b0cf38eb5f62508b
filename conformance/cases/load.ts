/** Group N, second part: many bad payments, slow connections, and how long a refusal takes. Only with `--load`. */
import { randomBytes } from "node:crypto";
import { performance } from "node:perf_hooks";
import { setTimeout } from "node:timers/promises";
import { toHex } from "viem";
import { broken, type Case, holds } from "../case.ts";
import { mppCore, policy } from "../basis.ts";
import { answerOf, type Context } from "../context.ts";
import { isGrant } from "../pay/judge-refusal.ts";
import { newStranger } from "../pay/payer-side.ts";
import { askPrice, encodePayment, makePayment } from "../pay/payment.ts";
import { openSocket } from "../wire/raw-client.ts";
import { judge, X402 } from "./judge.ts";

const ALL = [...X402, "mpp"] as const;
const common = { ring: 1, load: true, profiles: ALL } as const;
const zeros = () => `0x${"00".repeat(65)}` as const;

export const LOAD_CASES: readonly Case[] = [
  {
    id: "LOAD-01",
    title: "Many unpaid requests at once are all told to pay",
    level: "advice",
    severity: "high",
    ring: 0,
    profiles: "any",
    load: true,
    basis: policy("A gate that opens, or falls over, when it is busy is no gate."),
    gains: "Whoever sends enough gets in, or keeps everybody out.",
    mend: "Answer the 402 without asking the facilitator, and limit what one client may send.",
    cwe: 770,
    async run(context) {
      const statuses = await flood(context);
      const all = [...statuses.values()].reduce((sum, count) => sum + count, 0);
      const odd = [...statuses].filter(([status]) => !["402", "429"].includes(status));
      return judge(
        odd.map(([status, count]) => `${count} of ${all} ended with ${status}`),
        `${all} answers of 402 or 429 in ${context.floodMs / 1000} s.`,
      );
    },
  },
  {
    ...common,
    id: "LOAD-02",
    title: "Many bad payments at once let nobody in, and keep nobody out",
    level: "policy",
    severity: "high",
    basis: mppCore(
      "Denial of Service",
      "Servers SHOULD implement rate limiting on challenges issued and credential verification attempts.",
    ),
    gains:
      "A few hundred worthless payments open the gate, close the shop, or run up the facilitator's bill.",
    mend: "Check form and signature yourself before the facilitator is asked, and limit attempts for each client.",
    cwe: 770,
    async run(context) {
      const offer = await askPrice(context);
      const bad = await makePayment(context, offer, { signature: zeros });
      const seen = new Map<string, number>();
      const from = context.harness?.timeline.happenings.length ?? 0;
      for (let round = 0; round < 10; round++) {
        const payments = Array.from({ length: 50 }, () => {
          const nonce = toHex(randomBytes(32));
          const text = JSON.stringify(bad.value).replaceAll(bad.fields.nonce, nonce);
          return { header: encodePayment(offer, context.profile, text) };
        });
        const exchanges = await Promise.all(
          payments.map(({ header }) => context.ask({ headers: [header] })),
        );
        for (const { answer, failure } of exchanges) {
          const key = String(answer?.status ?? failure);
          seen.set(key, (seen.get(key) ?? 0) + 1);
        }
      }
      const odd = [...seen].filter(([status]) => !["400", "402", "429"].includes(status));
      const asked = context.harness?.timeline.happenings.slice(from) ?? [];
      const after = await context.ask();
      const problems = odd.map(([status, count]) => `${count} of 500 ended with ${status}`);
      // Once for each payment is what a right server may ask.
      if (asked.length > 500)
        problems.push(`the facilitator was asked ${asked.length} times for 500`);
      if (![402, 429].includes(after.answer?.status ?? 0))
        problems.push(`then an unpaid request with ${after.answer?.status ?? after.failure}`);
      return judge(problems, [...seen].map(([status, count]) => `${count} × ${status}`).join(", "));
    },
  },
  {
    ...common,
    id: "LOAD-03",
    title: "Connections that never finish their request keep nobody out",
    level: "advice",
    severity: "medium",
    profiles: "any",
    basis: policy(
      "Slow requests (slowloris) hold a connection each, at no cost to whoever sends them.",
    ),
    gains: "One laptop keeps every buyer out.",
    mend: "Leave the server's headersTimeout on, and let a proxy hold slow clients.",
    cwe: 400,
    async run({ target, ask }) {
      const sockets = Array.from({ length: 500 }, () => openSocket(target));
      for (const socket of sockets) {
        // What becomes of these does not matter: the next request does.
        socket.on("error", () => undefined);
        socket.write(
          `${target.method} ${target.path} HTTP/1.1\r\nHost: ${target.authority}\r\nX-Slow: `,
        );
      }
      const exchanges = [];
      for (let count = 0; count < 5; count++)
        exchanges.push(await ask({}, { alone: true, deadlineMs: 5000 }));
      for (const socket of sockets) socket.destroy();
      const failed = exchanges.filter(
        ({ answer }) => answer?.status !== 402 && answer?.status !== 429,
      );
      return failed.length === 0
        ? holds("5 of 5 were answered beside 500 slow ones.")
        : broken(
            `${failed.length} of 5 were not served beside 500 slow connections (${failed[0]?.answer?.status ?? failed[0]?.failure}).`,
          );
    },
  },
  {
    ...common,
    id: "TIME-02",
    title: "How long a refusal takes does not tell why",
    level: "advice",
    severity: "low",
    basis: policy(
      "The time of an answer must not tell strangers what the server knows of a payer.",
    ),
    gains: "A stranger learns whether an address holds money, or how far a forged payment got.",
    mend: "Little to mend: refuse all of them in one place, after the same steps.",
    cwe: 208,
    async run(context) {
      const offer = await askPrice(context);
      const signer = newStranger();
      const kinds = {
        "a wrong signature": { signature: zeros },
        "an unknown payer": { signer, fields: { from: signer.address } },
        "a wrong amount": { signer, fields: { from: signer.address, value: offer.price + 1n } },
      } as const;
      const times: Record<string, number[]> = {};
      // Two hundred of each where nobody has shortened the load.
      const rounds = Math.max(30, Math.min(200, Math.round(context.floodMs / 150)));
      for (let round = 0; round < rounds; round++) {
        for (const [kind, change] of Object.entries(kinds)) {
          const { header } = await makePayment(context, offer, change);
          const exchange = await context.ask({ headers: [header] });
          answerOf(exchange);
          if (isGrant(exchange)) return broken(`${kind} was granted.`);
          (times[kind] ??= []).push(exchange.ms);
        }
      }
      const [[first, base], ...others] = Object.entries(times) as [
        [string, number[]],
        ...[string, number[]][],
      ];
      const gaps = others.flatMap(([kind, list]) => {
        const [a, b] = [median(base), median(list)];
        return Math.abs(a - b) > 10 && Math.abs(rankZ(base, list)) > 3.3
          ? [`${first} takes ${a.toFixed(1)} ms and ${kind} ${b.toFixed(1)} ms`]
          : [];
      });
      const medians = Object.entries(times).map(
        ([kind, list]) => `${kind} ${median(list).toFixed(1)} ms`,
      );
      return judge(gaps, `Medians of ${rounds}: ${medians.join(", ")}.`);
    },
  },
];

/** Two hundred a second, as long as no more than that are under way. How many ended with which status. */
async function flood({ ask, floodMs }: Context): Promise<Map<string, number>> {
  const statuses = new Map<string, number>();
  const underWay = new Set<Promise<unknown>>();
  const send = () => {
    const sent = ask().then(({ answer, failure }) => {
      const key = String(answer?.status ?? failure);
      statuses.set(key, (statuses.get(key) ?? 0) + 1);
      underWay.delete(sent);
    });
    underWay.add(sent);
  };
  const began = performance.now();
  for (let count = 0; performance.now() - began < floodMs; count++) {
    const early = began + count * 5 - performance.now();
    if (early > 0) await setTimeout(early);
    while (underWay.size >= 200) await Promise.race(underWay);
    send();
  }
  await Promise.all(underWay);
  return statuses;
}

function median(list: readonly number[]): number {
  return list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)] ?? 0;
}

/** Mann and Whitney's U as a normal deviate: how surely two samples differ in rank. */
function rankZ(a: readonly number[], b: readonly number[]): number {
  const all = [...a.map((ms) => ({ ms, own: true })), ...b.map((ms) => ({ ms, own: false }))];
  const ranked = all.toSorted((x, y) => x.ms - y.ms);
  const sum = ranked.reduce((total, { own }, at) => total + (own ? at + 1 : 0), 0);
  const [n, m] = [a.length, b.length];
  const u = sum - (n * (n + 1)) / 2;
  return (u - (n * m) / 2) / Math.sqrt((n * m * (n + m + 1)) / 12);
}
