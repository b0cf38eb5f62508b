/** Group A: what a crawler finds. */
import { z } from "zod";
import { broken, type Case, holds, noted, skipped, told, unclear } from "../case.ts";
import { coreV2, mppCore, policy } from "../basis.ts";
import { answerOf, type Context, type RequestChange } from "../context.ts";
import { openWireClient } from "../wire/wire-client.ts";
import { listedPrice, readOperation } from "../read/openapi.ts";
import { isObject, type JsonObject, parse, show, walk } from "../read/json.ts";
import { judge, X402_V2 } from "./judge.ts";

export const DISCOVERY_CASES: readonly Case[] = [
  {
    id: "DISC-01",
    title: "An OpenAPI document tells of the price",
    level: "info",
    severity: "low",
    ring: 0,
    profiles: "any",
    basis: policy("Crawlers such as x402scan read /openapi.json; no specification asks for it."),
    gains: "Nothing: without one the endpoint is found less often.",
    mend: "Serve /openapi.json; name 402 among the answers of paid operations, and the price in x-payment-info.",
    async run(context) {
      const operation = await readOperation(context);
      if (typeof operation === "string") return told(operation);
      const { responses } = operation as { responses?: unknown };
      if (!isObject(responses) || !("402" in responses))
        return told("It does not name 402 for this operation.");
      return listedPrice(operation)
        ? holds("It names 402 and the price.")
        : told("It names 402, and no price (x-payment-info).");
    },
  },
  {
    id: "DISC-03",
    title: "The price comes before the input is looked at",
    level: "advice",
    severity: "low",
    ring: 0,
    profiles: "any",
    basis: policy(
      'Crawlers ask without knowing the input; x402scan reports "Expected 402, got 400".',
    ),
    gains:
      "Catalogs list the endpoint as broken, and buyers who only want the price guess at inputs.",
    mend: "Put the payment middleware before body parsing and validation.",
    async run({ ask, target }) {
      const [path = "/", query] = target.path.split("?");
      const asked: Record<string, RequestChange> = {};
      if (!["GET", "HEAD", "DELETE"].includes(target.method)) {
        asked["an empty body"] = { body: "" };
        asked["invalid JSON"] = { body: "{", headers: [["Content-Type", "application/json"]] };
      }
      if (query !== undefined) {
        const names = [...new URLSearchParams(query).keys()];
        asked["no query"] = { path };
        asked["a query without values"] = {
          path: `${path}?${names.map((name) => `${encodeURIComponent(name)}=`).join("&")}`,
        };
      }
      if (Object.keys(asked).length === 0) return skipped("It takes neither a body nor a query.");
      const problems: string[] = [];
      for (const [what, change] of Object.entries(asked)) {
        const { status } = answerOf(await ask(change));
        if (status !== 402) problems.push(`${what} is answered with ${status}`);
      }
      return judge(problems, `402 for ${Object.keys(asked).join(", ")}.`);
    },
  },
  {
    id: "DISC-04",
    title: "Every extension's info is valid against its own schema",
    level: "stated",
    severity: "low",
    ring: 0,
    profiles: X402_V2,
    basis: coreV2("5.1.2", "JSON Schema defining the expected structure of `info`"),
    gains: "Catalogs drop the endpoint, and clients that validate before they pay refuse it.",
    mend: "Make info and schema from one definition, and validate one by the other in a test of yours.",
    async run(context) {
      const extensions = await extensionsOf(context);
      if (extensions.length === 0) return skipped("No extension with info and schema.");
      const unread: string[] = [];
      const problems = extensions.flatMap(([name, { info, schema }]) => {
        const reader = readerOf(schema as JsonObject);
        if (!reader) unread.push(name);
        const { error } = reader?.safeParse(info) ?? {};
        return error
          ? [`${name}: ${z.prettifyError(error).replaceAll("\n", " ").slice(0, 160)}`]
          : [];
      });
      if (problems.length === 0 && unread.length === extensions.length)
        return unclear(`The schema of ${unread.join(", ")} cannot be read here.`);
      const rest = unread.length > 0 ? `, but for ${unread.join(", ")}: not read here` : "";
      return judge(problems, `${extensions.length} extensions${rest}.`);
    },
  },
  {
    id: "DISC-05",
    title: "No extension schema sends its reader elsewhere",
    level: "policy",
    severity: "high",
    ring: 0,
    profiles: X402_V2,
    basis: policy(
      "A validator that follows $ref fetches a URL of the server's choosing (CWE-918).",
    ),
    gains: "The server makes its clients and catalogs send requests into their own networks.",
    mend: 'Write the schema out, with $ref only to "#/…".',
    cwe: 918,
    async run(context) {
      const { extensions } = (await context.challenge()).value as { extensions?: unknown };
      const odd = [...walk(extensions ?? {})].filter(
        ([path, value]) =>
          /(^|\.)\$(ref|id|dynamicRef)$/.test(path) &&
          typeof value === "string" &&
          !value.startsWith("#"),
      );
      return judge(
        odd.map(([path, value]) => `extensions.${path} is ${show(value)}`),
        "None does.",
      );
    },
  },
  {
    id: "DISC-08",
    title: "Whether there is a /.well-known/x402",
    level: "info",
    severity: "low",
    ring: 0,
    profiles: "any",
    basis: policy("No clause of the core specification asks for it; some crawlers look."),
    gains: "Nothing.",
    mend: "Nothing to mend.",
    async run({ ask }) {
      const answer = answerOf(
        await ask({ method: "GET", path: "/.well-known/x402", body: undefined }),
      );
      return told(`${answer.status}${isObject(parse(answer.body)) ? ", a JSON object" : ""}.`);
    },
  },
  {
    id: "DISC-09",
    title: "The same URL over plain http makes no offer",
    level: "policy",
    severity: "high",
    ring: 0,
    profiles: "any",
    basis: mppCore(
      "Transport Security",
      "Servers MUST NOT issue Payment challenges over unencrypted HTTP.",
    ),
    gains: "Whoever is on the way changes the recipient, or takes the payment and uses it.",
    mend: "Redirect http to https before the payment middleware, and send Strict-Transport-Security.",
    cwe: 319,
    async run({ target, first }) {
      if (target.host.kind === "loopback")
        return skipped("On this machine there is no way in between.");
      const answered = (await first()).status;
      if (target.origin.startsWith("http:"))
        return answered === 402
          ? broken("It was asked over http, and made an offer.")
          : skipped("It makes no offer.");
      const origin = `http://${new URL(target.url).hostname}`;
      using client = openWireClient({ origin, host: target.host, deadlineMs: 5000 });
      const headers = [["Host", new URL(origin).host]] as const;
      const result = await client.send({
        method: target.method,
        path: target.path,
        headers,
        body: undefined,
      });
      if ("failure" in result) return holds(`http is not served (${result.failure}).`);
      const { status } = result.answer;
      if (status === 402) return broken("The same path makes an offer over http.");
      return status >= 200 && status < 300
        ? noted(`http is answered with ${status}.`)
        : holds(`http is answered with ${status}.`);
    },
  },
];

async function extensionsOf({ challenge }: Context) {
  const { extensions } = (await challenge()).value as { extensions?: unknown };
  if (!isObject(extensions)) return [];
  return Object.entries(extensions).filter(
    (entry): entry is [string, JsonObject] =>
      isObject(entry[1]) && isObject(entry[1]["info"]) && isObject(entry[1]["schema"]),
  );
}

/** Reads what the schema allows, where it can be read. It never follows a reference to elsewhere: such a schema is DISC-05's. */
function readerOf(schema: JsonObject): z.ZodType | undefined {
  try {
    return z.fromJSONSchema(schema);
  } catch {
    return undefined;
  }
}
