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
const late: NonNullable<ShopFaults["answers"]> = async (answer, payment) => {
  if (payment) await setTimeout(1200);
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
  ["TIME-03", "takes nearly all of its time", { maxTimeoutSeconds: 7, answers: late }],
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
];
