/** Group B, first part: that an unpaid request is told to pay, and how. */
import { broken, type Case, holds, noted, unclear } from "../case.ts";
import { coreV2, httpV2, policy } from "../basis.ts";
import { isObject, parse, show, walk } from "../read/json.ts";
import { headerOf, headerValues } from "../wire/exchange.ts";
import { judge, X402_V2 } from "./judge.ts";

export const SIGNAL_CASES: readonly Case[] = [
  {
    id: "CHAL-01",
    title: "An unpaid request is answered with 402",
    level: "stated",
    severity: "critical",
    ring: 0,
    profiles: "any",
    basis: httpV2(
      "Payment Required Signaling",
      'The server indicates payment is required using the HTTP 402 "Payment Required" status code.',
    ),
    gains:
      "Whoever asks gets what is for sale without paying; paying clients never learn that they should.",
    mend: "Put the payment middleware before the handler, on this method and path.\nMost often the route in its table does not match the path that is served.",
    cwe: 862,
    async run({ first, target }) {
      const { status } = await first();
      if (status === 402) return holds("402.");
      if (status >= 200 && status < 300)
        return broken(`${target.method} ${target.path} was answered with ${status}, unpaid.`);
      return unclear(
        `Answered with ${status}: this may not be the paid request. Check URL, method (-X), headers (-H) and body (-d).`,
      );
    },
  },
  {
    id: "CHAL-02",
    title: "The challenge is in the header PAYMENT-REQUIRED, once",
    level: "stated",
    severity: "high",
    ring: 0,
    profiles: X402_V2,
    basis: httpV2(
      "Payment Required Signaling",
      "HTTP 402 status code with `PAYMENT-REQUIRED` header",
    ),
    gains: "No client can pay: each treats the answer as a plain failure.",
    mend: "Send the PaymentRequired object as base64 in PAYMENT-REQUIRED.\nBehind a proxy, check that it is not dropped or joined with another.",
    async run({ first }) {
      const answer = await first();
      const values = headerValues(answer, "payment-required");
      if (values.length === 1) return holds(`One header of ${values[0]?.length ?? 0} characters.`);
      if (values.length > 1)
        return broken(
          `PAYMENT-REQUIRED stands ${values.length} times; clients read different ones.`,
        );
      const inBody = isObject(parse(answer.body)) && answer.body.includes('"accepts"');
      return broken(
        inBody
          ? "There is no PAYMENT-REQUIRED header; the challenge is in the body, as x402 v1 had it."
          : "There is no PAYMENT-REQUIRED header.",
      );
    },
  },
  {
    id: "CHAL-03",
    title: "PAYMENT-REQUIRED is base64 of a JSON object",
    level: "stated",
    severity: "high",
    ring: 0,
    profiles: X402_V2,
    basis: httpV2(
      "Payment Required Signaling",
      "Base64-encoded `PaymentRequired` schema in header",
    ),
    gains:
      "Clients cannot read what to pay. The specification does not name the alphabet: base64url and missing padding are read by some clients only.",
    mend: 'Encode with the standard alphabet and padding: Buffer.from(JSON.stringify(challenge)).toString("base64").',
    async run({ first }) {
      const header = headerOf(await first(), "payment-required");
      if (header === undefined) return broken("There is no PAYMENT-REQUIRED header.");
      const value = parse(Buffer.from(header, "base64").toString("utf8"));
      if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(header))
        return broken(`It holds characters that are not base64: ${show(header, 40)}.`);
      if (!isObject(value)) return broken(`It decodes to ${show(value)}, not to a JSON object.`);
      if (/[-_]/.test(header))
        return noted("It is base64url: clients that read standard base64 strictly refuse it.");
      if (header.length % 4 !== 0)
        return noted("Its padding is missing: clients that read base64 strictly refuse it.");
      return holds("Standard base64 of a JSON object.");
    },
  },
  {
    id: "CHAL-04",
    title: "x402Version is the number 2",
    level: "stated",
    severity: "high",
    ring: 0,
    profiles: X402_V2,
    basis: coreV2("5.1.2", "Protocol version identifier (must be 2)"),
    gains:
      "Clients choose how to pay by it; with another value they refuse, or pay in another version's form.",
    mend: "Set x402Version: 2, a number and no text, in the challenge of PAYMENT-REQUIRED; a body of version 1 keeps its own 1.",
    async run({ challenge }) {
      const { value } = await challenge();
      const version = value["x402Version"];
      return version === 2 ? holds("2.") : broken(`It is ${show(version)}.`);
    },
  },
  {
    id: "CHAL-24",
    title: "The challenge leaves room in the header limits of servers and proxies",
    level: "advice",
    severity: "medium",
    ring: 0,
    profiles: "any",
    basis: policy(
      "Node refuses more than 16 KB of headers in all and nginx more than 8 KB in one; MPP: servers SHOULD keep challenges under 8KB.",
    ),
    gains: "Clients behind such a limit see a broken connection, not a price.",
    mend: "Shorten descriptions and extension schemas, or offer fewer entries in accepts.",
    async run({ first }) {
      const answer = await first();
      const names = ["payment-required", "www-authenticate"];
      const sizes = names.map((name) => (headerOf(answer, name) ?? "").length);
      const largest = Math.max(...sizes);
      return largest < 8192 ? holds(`${largest} characters.`) : broken(`${largest} characters.`);
    },
  },
  {
    id: "CHAL-25",
    title: "The challenge's JSON means the same to every parser",
    level: "advice",
    severity: "medium",
    ring: 0,
    profiles: ["x402-v2", "x402-v1"],
    basis: policy(
      "RFC 8259, section 4: the behaviour of software that receives an object with non-unique names is unpredictable.",
    ),
    gains: "Two parsers read two prices: a client checks one amount and signs the other.",
    mend: "Build the challenge as one object and serialize it once, as UTF-8 without a byte order mark.",
    async run({ challenge }) {
      const { text, value } = await challenge();
      const problems: string[] = [];
      if (text.startsWith("\uFEFF")) problems.push("it begins with a byte order mark");
      if (text.includes("\uFFFD")) problems.push("it is not valid UTF-8");
      const paths = [...walk(value)].map(([path]) => path);
      if (paths.some((path) => /(^|\.)(__proto__|constructor|prototype)(\.|$)/.test(path))) {
        problems.push("it has a key that JavaScript gives a meaning, such as __proto__");
      }
      if (paths.some((path) => path.split(/[.[]/).length > 32))
        problems.push("it is nested deeper than 32");
      const double = doubleKey(text);
      if (double !== undefined) problems.push(`the key ${show(double)} stands twice in one object`);
      return judge(problems, "No double keys, valid UTF-8, not deep.");
    },
  },
];

/** A key that stands twice in one object of a JSON text, which `JSON.parse` hides. */
function doubleKey(text: string): string | undefined {
  const scopes: (Set<string> | undefined)[] = [];
  const tokens = text.matchAll(/"((?:[^"\\]|\\.)*)"(\s*:)?|[{}[\]]/g);
  for (const [token, string, colon] of tokens) {
    if (token === "{") scopes.push(new Set());
    else if (token === "[") scopes.push(undefined);
    else if (token === "}" || token === "]") scopes.pop();
    else if (colon !== undefined && string !== undefined) {
      const keys = scopes.at(-1);
      if (keys?.has(string) === true) return string;
      keys?.add(string);
    }
  }
  return undefined;
}
