/** One named fault for each case of ring 1, in a shop that is else right. */
import type { IncomingMessage } from "node:http";
import { setTimeout } from "node:timers/promises";
import type { Payment, ShopFaults } from "./shop.ts";

type Row = readonly [kills: string, fault: string, faults: ShopFaults];

const authorization = (payment: Payment): Record<string, any> =>
  payment["payload"]?.authorization ?? {};
const when = (grantsWhen: NonNullable<ShopFaults["grantsWhen"]>): ShopFaults => ({ grantsWhen });
const field = (name: string, wrong: (value: unknown) => boolean) =>
  when((payment) => wrong(authorization(payment)[name]));
const signed = (wrong: (signature: string) => boolean) =>
  when((payment) => wrong(String(payment["payload"]?.signature)));
const open = (opensTo: NonNullable<ShopFaults["opensTo"]>): ShopFaults => ({ opensTo });
const path = (wrong: (path: string) => boolean) => open((asked) => wrong(asked.url ?? ""));
const has = (name: string) => open((asked: IncomingMessage) => asked.headers[name] !== undefined);
const decoded = (header: string) => Buffer.from(header, "base64").toString();
const seconds = () => Date.now() / 1000;

export const RING_1: readonly Row[] = [
  ["MALF-01", "dies of text that is not base64", { crashesWhen: (header) => header.includes("%") }],
  [
    "MALF-02",
    "dies of text that is not JSON",
    { crashesWhen: (header) => decoded(header) === "not json" },
  ],
  ["MALF-03", "dies of null", { crashesWhen: (header) => decoded(header) === "null" }],
  ["MALF-04", "sells for an empty object", when((payment) => Object.keys(payment).length === 0)],
  [
    "MALF-05",
    "needs no signature",
    when(({ payload }) => payload !== undefined && payload.signature === undefined),
  ],
  ["MALF-06", "takes a nonce in a list", field("nonce", Array.isArray)],
  ["MALF-07", "takes any version", when(({ x402Version }) => x402Version === 99)],
  ["MALF-08", "takes any network", when(({ accepted }) => accepted?.network === "eip155:424242")],
  [
    "MALF-10",
    "takes terms it never offered",
    when(({ accepted }) => accepted?.maxTimeoutSeconds === 999_999),
  ],
  ["MALF-13", "dies of deep JSON", { crashesWhen: (header) => decoded(header).startsWith("[[[") }],
  [
    "MALF-14",
    "dies of __proto__",
    { crashesWhen: (header) => decoded(header).includes("__proto__") },
  ],
  ["MALF-16", "reads 0x2710 as 10000", field("value", (value) => String(value).startsWith("0x"))],
  [
    "MALF-13",
    "takes the first of two amounts, and verifies nothing",
    open(({ headers }) => decoded(String(headers["payment-signature"])).includes('"amount":"1"')),
  ],
  ["MALF-16", "reads an amount with Number()", field("value", (value) => value === "10000.0")],
  ["MALF-16", "cuts an amount to 256 bits", field("value", (value) => String(value).length === 79)],
  [
    "MALF-08",
    "takes any way to move the asset",
    when(({ accepted }) => accepted?.extra?.assetTransferMethod === "pigeon"),
  ],
  ["MALF-06", "takes a number for a value", field("value", (value) => typeof value === "number")],
  [
    "MALF-07",
    "takes version 1 in the header of version 2",
    when((one) => one["x402Version"] === 1),
  ],
  ["MALF-04", "opens to everybody after an empty object", opensAfter("{}")],
  [
    "SIG-05",
    "takes the parity for v",
    signed((text) => /0[01]$/.test(text) && text.length === 132),
  ],
  ["SIG-01", "takes zeros for a signature", signed((text) => /^0x0+$/.test(text))],
  [
    "SIG-02",
    "looks at a signature's length only",
    signed((text) => text.length === 132 && /^0x1[bc]/.test(text)),
  ],
  ["SIG-03", "does not verify who signed", signed((text) => text.length === 132)],
  [
    "SIG-04",
    "does not verify a malleable signature",
    signed((text) => /^[89a-f]/.test(text.slice(66))),
  ],
  ["SIG-05", "takes a signature of one byte", signed((text) => text === "0x01")],
  ["SIG-07", "does not look at the type that was signed", signed((text) => text.length === 132)],
  ["TAMP-01", "takes less than the price", field("value", (value) => value === "9999")],
  ["TAMP-02", "takes more than the price", field("value", (value) => value === "10001")],
  ["TAMP-03", "takes nothing for the price", field("value", (value) => value === "0")],
  [
    "TAMP-04",
    "does not look who is paid",
    when((payment) => authorization(payment)["to"] !== payment["accepted"]?.payTo),
  ],
  ["TAMP-05", "believes the buyer's price", when(({ accepted }) => accepted?.amount === "1")],
  [
    "TAMP-06",
    "believes the buyer's recipient",
    when((payment) => payment["accepted"]?.payTo === authorization(payment)["from"]),
  ],
  ["TAMP-07", "does not verify the chain", signed((text) => text.length === 132)],
  ["TAMP-08", "does not verify the token", signed((text) => text.length === 132)],
  [
    "TAMP-09",
    "believes the buyer's token",
    when(({ accepted }) => accepted?.asset !== "0x036CbD53842c5426634e7929541eC2318f3dCF7e"),
  ],
  ["TAMP-10", "does not verify the token's name", signed((text) => text.length === 132)],
  ["TAMP-11", "takes what has expired", field("validBefore", (value) => Number(value) < seconds())],
  [
    "TAMP-12",
    "takes what is about to expire",
    field("validBefore", (value) => Number(value) < seconds() + 5),
  ],
  [
    "TAMP-13",
    "takes what is not valid yet",
    field("validAfter", (value) => Number(value) > seconds()),
  ],
  [
    "TAMP-15",
    "takes a nonce of any length",
    field("nonce", (value) => String(value).length !== 66),
  ],
  ["TAMP-16", "does not ask for the balance", signed((text) => text.length === 132)],
  [
    "ERR-01",
    "dies of what does not hold",
    { answers: (answer) => ({ ...answer, status: answer.status === 400 ? 500 : answer.status }) },
  ],
  [
    "ERR-02",
    "calls every refusal a want of money",
    {
      answers: (answer, payment) =>
        payment
          ? {
              ...answer,
              headers: { "Content-Type": "application/json" },
              body: '{"error":"insufficient_funds"}',
            }
          : answer,
    },
  ],
  [
    "ERR-02",
    "calls every refusal a wrong signature",
    {
      answers: (answer, payment) =>
        payment
          ? {
              ...answer,
              headers: { "Content-Type": "application/json" },
              body: '{"error":"invalid_exact_evm_payload_signature"}',
            }
          : answer,
    },
  ],
  [
    "ERR-03",
    "names its facilitator",
    {
      answers: (answer, payment) =>
        payment
          ? { ...answer, body: '{"error":"https://facilitator.shop.example said no"}' }
          : answer,
    },
  ],
  [
    "ERR-03",
    "shows its stack",
    {
      answers: (answer, payment) =>
        payment ? { ...answer, body: "Error: no\n    at sell (/home/app/shop.js:10:3)" } : answer,
    },
  ],
  [
    "ERR-05",
    "refuses without a challenge",
    { answers: (answer, payment) => (payment ? { ...answer, headers: {} } : answer) },
  ],
  ["ERR-06", "stays open after a refusal", stays((answer) => ({ ...answer, status: 200 }))],
  [
    "PRICE-04",
    "asks more after a failure",
    stays((answer) => ({
      ...answer,
      headers: {
        ...answer.headers,
        "PAYMENT-REQUIRED": dearer(answer.headers["PAYMENT-REQUIRED"]),
      },
    })),
  ],
  [
    "LEAK-03",
    "repeats the payment",
    {
      answers: (answer, payment) =>
        payment
          ? { ...answer, body: Buffer.from(JSON.stringify(payment)).toString("base64") }
          : answer,
    },
  ],
  [
    "HTTP-12",
    "joins two headers and believes one",
    open((asked) => (asked.headersDistinct["payment-signature"]?.length ?? 0) > 1),
  ],
  ["HTTP-13", "believes the header of version 1", has("x-payment")],
  ["HTTP-17", "takes a payment from a cookie", has("cookie")],
  ["PATH-01", "gates GET only", open(({ method, url }) => method === "HEAD" && url === "/paid")],
  ["PATH-02", "reads the method from a form", has("content-type")],
  [
    "PATH-10",
    "serves its pages' data beside them",
    path((text) => text.startsWith("/_next/data/")),
  ],
  [
    "HTTP-17",
    "takes a payment from the query",
    path((text) => text.includes("PAYMENT-SIGNATURE=")),
  ],
  ["PATH-02", "lets a header choose the method", has("x-http-method-override")],
  ["PATH-03", "routes a backslash like its path", path((text) => text.endsWith("\\"))],
  ["PATH-04", "opens where an escape is broken", path((text) => text.endsWith("%"))],
  ["PATH-05", "opens at a line break", path((text) => text.endsWith("%0A"))],
  ["PATH-06", "decodes after its gate", path((text) => text === "/pai%64")],
  ["PATH-07", "joins slashes after its gate", path((text) => text === "//paid")],
  ["PATH-08", "gates small letters only", path((text) => text === "/PAID")],
  ["PATH-09", "obeys X-Original-URL", has("x-original-url")],
  ["PATH-10", "trusts its framework's header", has("x-middleware-subrequest")],
  ["PATH-13", "prices the first of two values", path((text) => text.includes("id=free&id="))],
  ["PATH-11", "folds full-width letters", path((text) => text.includes("%EF%BD"))],
  [
    "PATH-12",
    "is open on localhost",
    open(({ headers, url }) => headers.host === "localhost" && url === "/paid"),
  ],
  [
    "MALF-09",
    "settles when the buyer likes",
    when(({ accepted }) => accepted?.extra?.paymentFlow === "upfront"),
  ],
  [
    "MALF-11",
    "takes what it need not decode",
    when((_, { headers }) => String(headers["payment-signature"]).length % 4 !== 0),
  ],
  ["MALF-12", "takes what is too long to read", when((payment) => "filler" in payment)],
  [
    "MALF-15",
    "drops what it cannot show",
    when((payment) => String(authorization(payment)["value"]).includes("\u202e")),
  ],
  [
    "MALF-17",
    "reads until the payment ends",
    open(({ headers }) => decoded(String(headers["payment-signature"])).endsWith("}x")),
  ],
  [
    "MALF-18",
    "joins folded lines",
    {
      lenientParser: true,
      opensTo: ({ headers }) => /\s/.test(String(headers["payment-signature"] ?? "").trim()),
    },
  ],
  ["SIG-06", "takes a wrapper for a signature", signed((text) => text.endsWith("6492"))],
  [
    "HTTP-11",
    "sends paying clients elsewhere",
    {
      answers: (answer, payment) =>
        payment
          ? { ...answer, status: 307, headers: { Location: "https://other.example/" } }
          : answer,
    },
  ],
  ["HTTP-16", "reads all before it asks", { sells: "POST", readsFirst: true }],
  [
    "ERR-04",
    "sends payers away for how long it does not say",
    { answers: (answer, payment) => (payment ? { ...answer, status: 429 } : answer) },
  ],
  ["LOAD-02", "falls over at the hundredth bad payment", { crashesWhen: after(100) }],
  ["LOAD-03", "serves fifty connections", { maxConnections: 50 }],
  [
    "TIME-02",
    "takes its time with a wrong amount",
    {
      answers: async (answer, payment) => {
        if (payment && authorization(payment)["value"] !== "10000") await setTimeout(12);
        return answer;
      },
    },
  ],
];

/** From its so-manieth time on. */
function after(times: number): () => boolean {
  let count = 0;
  return () => count++ > times;
}

/** Once it has met this text, it sells to whoever asks. */
function opensAfter(text: string): ShopFaults {
  let met = false;
  return {
    answers: (answer, _, { headers }) => {
      const header = headers["payment-signature"];
      const was = met;
      met ||= typeof header === "string" && decoded(header) === text;
      return was && header === undefined ? { ...answer, status: 200 } : answer;
    },
  };
}

/** After its first refusal of a payment it answers everything unpaid in another way. */
function stays(change: NonNullable<ShopFaults["answers"]>): ShopFaults {
  let refused = false;
  return {
    answers: (answer, payment, asked) => {
      if (payment) refused = true;
      return refused && !payment ? change(answer, payment, asked) : answer;
    },
  };
}

function dearer(header = ""): string {
  const text = Buffer.from(header, "base64").toString();
  return Buffer.from(text.replace('"10000"', '"20000"')).toString("base64");
}
