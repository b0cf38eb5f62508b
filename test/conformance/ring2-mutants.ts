/** One named fault for each case of ring 2, in a shop that is else right and really settles. */
import { setTimeout } from "node:timers/promises";
import { encodeJson } from "../../protocol/index.ts";
import type { Payment, ShopFaults } from "./shop.ts";

type Row = readonly [
  kills: string,
  fault: string,
  faults: ShopFaults | ((known: Known) => ShopFaults),
];

interface Known {
  /** A transaction that moved none of the buyer's money: it was given to the buyer. */
  given: string;
}

/** A fault in the answer to what was sold. */
const sold = (
  change: (headers: Record<string, string>) => Record<string, string | undefined>,
): ShopFaults => ({
  answers: (answer) => {
    if (answer.status !== 200) return answer;
    const headers = Object.entries({ ...answer.headers, ...change(answer.headers) });
    return {
      ...answer,
      headers: Object.fromEntries(
        headers.filter((line): line is [string, string] => line[1] !== undefined),
      ),
    };
  },
});
const receipt = (change: (receipt: Record<string, unknown>) => object): ShopFaults =>
  sold((headers) => {
    const text = Buffer.from(headers["PAYMENT-RESPONSE"] ?? "", "base64").toString();
    const told = JSON.parse(text === "" ? "{}" : text) as Record<string, unknown>;
    return { "PAYMENT-RESPONSE": encodeJson({ ...told, ...change(told) }) };
  });
/** The first receipt it gave, for everybody. */
function sameReceipt(): ShopFaults {
  let first: string | undefined;
  return sold((headers) => ({ "PAYMENT-RESPONSE": (first ??= headers["PAYMENT-RESPONSE"]) }));
}
/** Within six seconds of the end of its time, which leaves three for a chain that is ahead because it mines often. */
const [TIME_SECONDS, LATE_MS] = [9, 3_200];
const late: NonNullable<ShopFaults["answers"]> = async (answer, payment) => {
  if (payment) await setTimeout(LATE_MS);
  return answer;
};
const authorization = (payment: Payment) => payment["payload"]?.authorization ?? {};

export const RING_2: readonly Row[] = [
  ["SETL-01", "gives no receipt", sold(() => ({ "PAYMENT-RESPONSE": undefined }))],
  ["SETL-02", "says that nothing was settled", receipt(() => ({ success: false }))],
  ["SETL-03", "names another payer", receipt(() => ({ payer: `0x${"ab".repeat(20)}` }))],
  ["SETL-04", "invents a transaction", receipt(() => ({ transaction: `0x${"ab".repeat(32)}` }))],
  [
    "HTTP-08",
    "lets caches keep what was paid for",
    sold(() => ({ "Cache-Control": "public, max-age=60" })),
  ],
  ["HTTP-10", "answers ranges unpaid", { opensTo: ({ headers }) => headers.range !== undefined }],
  ["HTTP-02", "sells HEAD", { sellsHead: true }],
  ["RPLY-01", "works again for a used payment", { worksAgain: true }],
  [
    "RPLY-02",
    "takes a payment for used when it is settled",
    { claimsLate: true, settlesAfterwards: true },
  ],
  ["RPLY-07", "works again for a used payment", { worksAgain: true }],
  ["RPLY-08", "works again for a used payment", { worksAgain: true }],
  ["RPLY-04", "takes a payment at any path", { takesAnyPath: true }],
  ["TAMP-19", "takes a payment at any path", { takesAnyPath: true, forgetsNonces: true }],
  ["RPLY-11", "answers before it settles, and does not settle", { grantsWhen: () => true }],
  ["IDEM-08", "forgets what it sold", { forgetsNonces: true }],
  ["TAMP-05", "holds a payment to the buyer's own terms", { trustsAccepted: true }],
  ["TAMP-06", "holds a payment to the buyer's own terms", { trustsAccepted: true }],
  ["TIME-03", "takes nearly all of its time", { maxTimeoutSeconds: TIME_SECONDS, answers: late }],
  [
    "SETL-05",
    "shows somebody else's transaction",
    ({ given }) => receipt(() => ({ transaction: given })),
  ],
  ["SETL-06", "shows another payment's transaction", sameReceipt()],
  [
    "TAMP-01",
    "does not look at the amount",
    { grantsWhen: (payment) => authorization(payment).value === "9999" },
  ],
  [
    "TAMP-18",
    "has one price for all routes where it checks",
    {
      amountOf: ({ path }) => (path === "/other" ? "20000" : "10000"),
      grantsWhen: (payment) => authorization(payment).value === "10000",
    },
  ],
  [
    "TAMP-20",
    "does not price the order that came with the payment",
    {
      sells: "POST",
      amountOf: ({ body }) => String(10_000 * body.length),
      grantsWhen: (payment) => authorization(payment).value === "10000",
    },
  ],
  [
    "PRICE-03",
    "falls over when its price has moved",
    {
      amountOf: ({ count }) => String(10_000 + count),
      answers: (answer, payment) => (payment ? { ...answer, status: 500 } : answer),
    },
  ],
  ["HTTP-03", "sells PROPFIND", { sells: "PROPFIND" }],
  [
    "HTTP-09",
    "lets a CDN keep what was paid for",
    sold(() => ({ "Cache-Control": "public, max-age=60" })),
  ],
  [
    "SIG-06",
    "verifies the key of an account that is a contract",
    {
      grantsWhen: (payment) =>
        !authorization(payment).from.startsWith("0x036") && isStranger(payment),
    },
  ],
  [
    "HTTP-12",
    "takes the good one of two headers",
    { opensTo: ({ headersDistinct }) => (headersDistinct["payment-signature"]?.length ?? 0) > 1 },
  ],
  [
    "HTTP-17",
    "sells to a payment in the body",
    { opensTo: ({ headers }) => headers["content-type"] === "application/json" },
  ],
  [
    "HTTP-11",
    "sends its buyers elsewhere when they have paid",
    {
      answers: (answer) =>
        answer.status === 200
          ? { status: 302, headers: { Location: "https://cdn.example/goods" }, body: "" }
          : answer,
    },
  ],
  [
    "LEAK-03",
    "repeats its buyer's payment in the goods",
    {
      answers: (answer, _, { headers }) =>
        answer.status === 200
          ? { ...answer, body: JSON.stringify({ paidBy: headers["payment-signature"] }) }
          : answer,
    },
  ],
  ["RPLY-02", "sells twice when fifty come", { answers: afterCopies(30) }],
  [
    "RPLY-07",
    "takes a payment in another order for another one",
    {
      answers: (answer, payment) =>
        payment && Object.keys(payment)[0] !== "x402Version"
          ? { status: 200, headers: {}, body: "again" }
          : answer,
    },
  ],
  ["RPLY-11", "gives everybody the first receipt", sameReceipt()],
  [
    "SETL-09",
    "settles what it refuses",
    {
      answers: (answer) =>
        answer.status === 200 ? { ...answer, status: 402, body: "{}" } : answer,
    },
  ],
  [
    "HTTP-10",
    "names the version of its goods to everybody",
    { answers: (answer) => ({ ...answer, headers: { ...answer.headers, ETag: '"7"' } }) },
  ],
  ["RPLY-12", "does not look at used payments of another method", again("/paid", "PROPFIND")],
  ["RPLY-13", "keeps used payments by path", again("/PAID", "GET")],
  ["RPLY-05", "remembers its payments by itself", { takesAnyPath: true }],
  [
    "RPLY-09",
    "falls over where the money is there already",
    { answers: (answer, payment) => (payment ? { ...answer, status: 500 } : answer) },
  ],
  ["IDEM-01", "requires an identifier in words only", { requiresId: true, ignoresIds: true }],
  ["IDEM-02", "works again for an identifier", { forgetsNonces: true, ignoresIds: true }],
  ["IDEM-03", "looks at no identifier", { ignoresIds: true }],
  [
    "IDEM-04",
    "looks at the clock before it looks up",
    {
      answers: (answer, payment) =>
        payment && Number(authorization(payment).validBefore) * 1000 < Date.now()
          ? { ...answer, status: 402, body: "{}" }
          : answer,
    },
  ],
  ["IDEM-06", "keeps identifiers for all routes", { servesById: "work" }],
  ["IDEM-07", "takes any identifier", { takesAnyId: true }],
  ["IDEM-10", "forgets what it sold", { forgetsNonces: true }],
  ["SETL-07", "never settles", { grantsWhen: () => true }],
  ["SETL-08", "shows another payment's transaction", sameReceipt()],
  ["SETL-09", "never settles", { grantsWhen: () => true }],
  [
    "SETL-13",
    "passes on what was for itself",
    receipt(() => ({ extensionResponses: { screening: "low risk" } })),
  ],
  ["LEAK-04", "tells where it runs", sold(() => ({ "X-Served-By": "10.0.3.7:8080" }))],
];

/** Whoever pays with the first key that it sees is its customer; others are strangers. */
let customer: string | undefined;
function isStranger(payment: Payment): boolean {
  const from = String(authorization(payment).from);
  customer ??= from;
  return from !== customer;
}

/** New goods for each copy of a payment behind so many. */
function afterCopies(most: number): NonNullable<ShopFaults["answers"]> {
  const seen = new Map<string, number>();
  return (answer, payment) => {
    const nonce = String(authorization(payment ?? {}).nonce);
    const count = (seen.get(nonce) ?? 0) + 1;
    seen.set(nonce, count);
    return answer.status === 200 && count > most
      ? { ...answer, body: `{"sold":"copy ${count}"}` }
      : answer;
  };
}

/** Sells to a payment again where it comes this way. */
function again(url: string, method: string): ShopFaults {
  return {
    answers: (answer, payment, asked) =>
      payment && asked.url === url && asked.method === method
        ? { status: 200, headers: {}, body: "again" }
        : answer,
  };
}
