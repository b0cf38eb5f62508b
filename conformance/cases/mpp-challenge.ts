/** Group C, what an unpaid request shows of MPP. */
import { broken, type Case, holds, noted, skipped } from "../case.ts";
import { mppCore } from "../basis.ts";
import { answerOf } from "../context.ts";
import { isObject, parse, show } from "../read/json.ts";
import { headerOf, headerValues } from "../wire/exchange.ts";
import { inEach, judge, MPP } from "./judge.ts";

export const MPP_CHALLENGE_CASES: readonly Case[] = [
  {
    id: "MPP-01",
    title: "WWW-Authenticate carries a complete Payment challenge",
    level: "must",
    severity: "high",
    ring: 0,
    profiles: MPP,
    basis: mppCore.says(
      "Challenge (WWW-Authenticate)",
      "`id` … MUST be non-empty; `method` MUST be a lowercase ASCII string; `request`: base64url JSON, padding MUST NOT be included, serialized using JCS",
    ),
    gains:
      "Clients reject the challenge, or their credential does not match the binding that you verify.",
    mend: "Send id, realm, method, intent and request; encode the request as base64url of canonical JSON (JCS) without padding.",
    async run({ first, challenge }) {
      if (headerValues(await first(), "www-authenticate").length === 0)
        return broken("There is no WWW-Authenticate header.");
      const { entries } = await challenge();
      return judge(
        inEach(entries, "Payment", (entry) => challengeProblem(entry as Record<string, string>)),
        `${entries.length} complete.`,
      );
    },
  },
  {
    id: "MPP-02",
    title: "The challenge says until when it holds",
    level: "should",
    severity: "medium",
    ring: 0,
    profiles: MPP,
    basis: mppCore.says(
      "Optional Parameters",
      "`expires`: … an RFC3339 date-time string. Servers SHOULD include this parameter.",
    ),
    gains: "A credential for an old price stays good for as long as you cannot tell it is old.",
    mend: "Add expires, a few minutes ahead: new Date(Date.now() + 300_000).toISOString(); bind it into the id.",
    async run({ challenge, now }) {
      const { entries } = await challenge();
      const problems = inEach(entries, "Payment", (entry) => {
        const { expires } = entry as { expires?: string };
        if (expires === undefined) return "has no expires";
        const until = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/.test(expires)
          ? Date.parse(expires)
          : Number.NaN;
        if (Number.isNaN(until)) return `expires at ${show(expires)}, which is not RFC 3339`;
        return until <= now() ? `has expired already (${expires})` : undefined;
      });
      return judge(problems, "In the future.");
    },
  },
  {
    id: "MPP-04",
    title: "The 402 is not to be stored",
    level: "must",
    severity: "medium",
    ring: 0,
    profiles: MPP,
    basis: mppCore("Caching", "Servers MUST send `Cache-Control: no-store` with 402 responses"),
    gains:
      "A cache hands one buyer's challenge to another; both pay for one id, and one is refused.",
    mend: "Set Cache-Control: no-store on every 402.",
    async run({ first }) {
      const value = headerOf(await first(), "cache-control");
      return /(^|,)\s*no-store\s*(,|$)/i.test(value ?? "")
        ? holds(show(value))
        : broken(`Cache-Control is ${show(value)}.`);
    },
  },
  {
    id: "MPP-13",
    title: "No challenge is made over plain HTTP",
    level: "must",
    severity: "high",
    ring: 0,
    profiles: MPP,
    basis: mppCore(
      "Transport Security",
      "Servers MUST NOT issue Payment challenges over unencrypted HTTP.",
    ),
    gains: "Whoever is on the way reads the credential and uses it, or changes the recipient.",
    mend: "Redirect to https before the payment middleware, or refuse.",
    cwe: 319,
    async run({ target }) {
      if (target.host.kind === "loopback")
        return skipped("On this machine there is no way in between.");
      return target.origin.startsWith("https:")
        ? holds("The endpoint is https; DISC-09 asks its http twin.")
        : broken("It answered with a challenge over http.");
    },
  },
  {
    id: "MPP-17",
    title: "Where a login is needed too, it is asked for first",
    level: "should",
    severity: "low",
    ring: 0,
    profiles: MPP,
    basis: mppCore.says(
      "Interaction with Other Authentication Schemes",
      "1. First verify authentication credentials 2. Return 401 if authentication fails 3. Return 402 … only after",
    ),
    gains: "Strangers learn your prices, and a buyer pays before learning that they may not enter.",
    mend: "Mount authentication before the payment middleware: 401 for strangers, 402 for whoever may buy.",
    async run({ first, ask, target }) {
      const answer = await first();
      const schemes = headerOf(answer, "www-authenticate") ?? "";
      const other = /(^|,\s*)(bearer|basic|digest|dpop|negotiate)\b/i.exec(schemes)?.[2];
      if (other !== undefined) return noted(`The 402 asks for ${other} and for a payment at once.`);
      // The caller has a login, and this is what a stranger sees.
      const login = target.headers.filter(([name]) => /^(authorization|cookie)$/i.test(name));
      if (login.length === 0) return skipped("No other scheme is asked for.");
      const headers = login.map(([name]): [string, null] => [name, null]);
      const { status } = answerOf(await ask({ headers }));
      if (status === 402) return skipped("It asks for a payment without the login too.");
      return holds(`Without the login ${status}, with it 402.`);
    },
  },
];

function challengeProblem(entry: Record<string, string>): string | undefined {
  const missing = ["id", "realm", "method", "intent", "request"].filter(
    (name) => (entry[name] ?? "") === "",
  );
  if (missing.length > 0) return `lacks ${missing.join(", ")}`;
  const { method = "", request = "", header } = entry;
  if (!/^[a-z]+$/.test(method)) return `has the method ${show(method)}`;
  if (!/^[A-Za-z0-9_-]+$/.test(request))
    return "has a request that is not base64url without padding";
  if (header !== undefined && header !== "Payment-Authorization")
    return `selects the header ${show(header)}`;
  const text = Buffer.from(request, "base64url").toString("utf8");
  const value = parse(text);
  if (!isObject(value)) return "has a request that is no JSON object";
  return text === canonical(value) ? undefined : "has a request that is not canonical JSON (JCS)";
}

/** JSON as RFC 8785 writes it, for the values that occur here. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (!isObject(value)) return JSON.stringify(value) ?? "null";
  const keys = Object.keys(value).toSorted((a, b) => (a < b ? -1 : 1));
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join(",")}}`;
}
