/** Group M: the same resource under another spelling, unpaid. Each variant is held against a path that does not exist. */
import { broken, type Case, holds, type Outcome, skipped, unclear } from "../case.ts";
import { policy } from "../basis.ts";
import type { AskOptions, Context, RequestChange } from "../context.ts";
import type { Exchange } from "../wire/exchange.ts";

const common = {
  ring: 1,
  profiles: "any",
  level: "policy",
  severity: "critical",
  gains:
    "Whoever writes the path this way gets what is sold, unpaid: the gate and the handler read it differently.",
  mend: "Gate and route with the same router: mount the payment middleware on the route itself, not on a list of path patterns before it.",
  cwe: 288,
} as const;

type Variants = (path: string, query: string) => Readonly<Record<string, RequestChange>>;

/** Asks for each variant; one that is answered like the goods, and unlike a path that does not exist, got in. */
async function staysOut(context: Context, variants: Variants): Promise<Outcome> {
  const { target, ask, first, expect } = context;
  if ((await first()).status !== 402) return unclear("The path itself asks for no payment.");
  const [path = "/", query] = target.path.split("?");
  const control = await ask({ path: `${path}-no-such-path-${context.randomInt(1_000_000)}` });
  const root = await ask({ path: "/" });
  const same = (a: Exchange, b: Exchange) =>
    a.answer?.status === b.answer?.status && a.answer?.body === b.answer?.body;
  const statuses: string[] = [];
  for (const [name, change] of Object.entries(
    variants(path, query === undefined ? "" : `?${query}`),
  )) {
    const exchange = await ask(change, { alone: true });
    const { answer, failure } = exchange;
    statuses.push(`${name} ${answer?.status ?? failure}`);
    if (!answer || answer.status < 200 || answer.status >= 300 || answer.status === 204) continue;
    const empty = answer.body === "" && (change.method ?? "").toUpperCase() !== "HEAD";
    if (same(exchange, control) || same(exchange, root) || (empty && change.method !== undefined))
      continue;
    if (expect.marker !== undefined && !answer.body.includes(expect.marker) && answer.body !== "")
      continue;
    return broken(
      `${name} (${change.method ?? target.method} ${change.path ?? target.path}) was answered with ${answer.status}, unpaid.`,
    );
  }
  return holds(`${statuses.join(", ")}.`);
}

/** A path with accents in its other Unicode normal forms; nothing for one without. */
function normalForms(path: string, query: string): Record<string, RequestChange> {
  let plain = path;
  try {
    plain = decodeURI(path);
  } catch {
    return {};
  }
  return Object.fromEntries(
    ["NFC", "NFD", "NFKC"].flatMap((form) => {
      const other = encodeURI(plain.normalize(form));
      return other === encodeURI(plain) ? [] : [[form, { path: other + query }]];
    }),
  );
}

export const PATH_CASES: readonly Case[] = [
  {
    ...common,
    id: "PATH-01",
    title: "Another method does not get in",
    basis: policy(
      "A gate that names GET lets everything else through; frameworks answer HEAD, and some any verb, with the GET handler.",
    ),
    gains: "Whoever sends HEAD, or a verb that nobody thought of, has the GET handler run unpaid.",
    mend: `Mount the gate for every method: app.all(path, paid) before the handlers,
or answer 405 with Allow to what you do not sell.`,
    async run(context) {
      // Others, such as DELETE, may be operations of their own, and are not tried on somebody's server.
      const others = ["HEAD", "TRACE", "PROPFIND", "PURSER"].filter(
        (one) => one !== context.target.method,
      );
      const { method } = context.target;
      const small = (head: string) => method.toLowerCase() + head.slice(method.length);
      return staysOut(context, () => ({
        ...Object.fromEntries(others.map((one) => [one, { method: one }])),
        // Methods are case-sensitive; whoever routes without regard to case must gate so too.
        [method.toLowerCase()]: { raw: small, body: undefined },
      }));
    },
  },
  {
    ...common,
    id: "PATH-02",
    title: "A header or field that overrides the method does not get in",
    basis: policy("X-HTTP-Method-Override is read by some frameworks after the gate."),
    gains: "A request that the gate takes for another method reaches the paid handler, unpaid.",
    mend: "Mount method-override behind the payment middleware, or leave it out.",
    run: (context) =>
      staysOut(context, (path, query) => {
        const own = context.target.method;
        // An override is tried on another method than the one that it asks for.
        const method = own === "POST" ? "GET" : "POST";
        const form = ["Content-Type", "application/x-www-form-urlencoded"] as const;
        return {
          "X-HTTP-Method-Override": { method, headers: [["X-HTTP-Method-Override", own]] },
          "X-HTTP-Method": { method, headers: [["X-HTTP-Method", own]] },
          "X-Method-Override": { method, headers: [["X-Method-Override", own]] },
          _method: { method, path: `${path}${query}${query === "" ? "?" : "&"}_method=${own}` },
          ...(method === "POST" && {
            "_method in a form": { method, headers: [form], body: `_method=${own}` },
          }),
        };
      }),
  },
  {
    ...common,
    id: "PATH-03",
    title: "A backslash does not get in",
    basis: policy("GHSA-3j63-5h8p-gf7c: a trailing backslash passed a payment gate."),
    run: (context) =>
      staysOut(context, (path, query) => ({
        "\\": { path: `${path}\\${query}` },
        "%5C": { path: `${path}%5C${query}` },
        "\\ for /": { path: `/${path.slice(1).replaceAll("/", "\\")}${query}` },
      })),
  },
  {
    ...common,
    id: "PATH-04",
    title: "A broken percent escape does not get in",
    basis: policy("Where decoding throws, some gates fail open."),
    gains:
      "Where decoding the path throws, a gate that catches the error and goes on is open to everybody who writes a %.",
    mend: "Fail closed: try { decodeURIComponent(path) } catch { answer 400 }.",
    run: (context) =>
      staysOut(context, (path, query) => ({
        "%": { path: `${path}%${query}` },
        "%c0": { path: `${path}%c0${query}` },
        "%zz": { path: `${path}%zz${query}` },
      })),
  },
  {
    ...common,
    id: "PATH-05",
    title: "An encoded line break does not get in",
    basis: policy("A pattern whose dot does not match a line break lets it through."),
    run: (context) =>
      staysOut(context, (path, query) => ({
        "%0A": { path: `${path}%0A${query}` },
        "%0D": { path: `${path}%0D${query}` },
        "U+2028": { path: `${path}%E2%80%A8${query}` },
        "%00": { path: `${path}%00${query}` },
      })),
  },
  {
    ...common,
    id: "PATH-06",
    title: "Encoded letters and separators do not get in",
    basis: policy("RFC 3986, 6.2.2.2: an encoded unreserved character is the same path."),
    run: (context) =>
      staysOut(context, (path, query) => {
        const last = path.at(-1) ?? "a";
        const code = last.charCodeAt(0).toString(16).padStart(2, "0");
        return {
          "an encoded letter": { path: `${path.slice(0, -1)}%${code}${query}` },
          "a doubly encoded letter": { path: `${path.slice(0, -1)}%25${code}${query}` },
          "%2F": { path: `/${path.slice(1).replaceAll("/", "%2F")}%2F${query}` },
        };
      }),
  },
  {
    ...common,
    id: "PATH-07",
    title: "Doubled slashes and dots do not get in",
    basis: policy("RFC 3986, 5.2.4: dot segments are removed, by whom is the question."),
    run: (context) =>
      staysOut(context, (path, query) => ({
        "//": { path: `/${path}${query}` },
        "// at the end": { path: `${path}//${query}` },
        "/./": { path: `/.${path}${query}` },
        "/x/../": { path: `/x/..${path}${query}` },
        "%2e%2e": { path: `/x/%2e%2e${path}${query}` },
      })),
  },
  {
    ...common,
    id: "PATH-08",
    title: "Case, a trailing slash and ;parameters do not get in",
    level: "advice",
    severity: "high",
    basis: policy(
      "Express matches without regard to case and trailing slash by default; a pattern in a table may not.",
    ),
    run: (context) =>
      staysOut(context, (path, query) => ({
        capitals: { path: `${path.toUpperCase()}${query}` },
        "a trailing slash": { path: `${path}/${query}` },
        ";x=1": { path: `${path};x=1${query}` },
      })),
  },
  {
    ...common,
    id: "PATH-09",
    title: "Another way to name the target does not get in",
    basis: policy("Proxies' headers rewrite the path after the gate has looked at it."),
    gains:
      "A header that your proxy or framework obeys names the paid path behind the back of the gate.",
    mend: "Drop X-Original-URL, X-Rewrite-URL and X-Forwarded-* at the proxy, and gate on the path that is routed.",
    async run(context) {
      const { path, origin } = context.target;
      return staysOut(context, () => ({
        "the absolute form": { path: `${origin}${path}` },
        "X-Original-URL": { path: "/", headers: [["X-Original-URL", path]] },
        "X-Rewrite-URL": { path: "/", headers: [["X-Rewrite-URL", path]] },
        "X-Forwarded-Prefix": {
          headers: [
            ["X-Forwarded-Prefix", "/free"],
            ["X-Forwarded-Host", "localhost"],
          ],
        },
      }));
    },
  },
  {
    ...common,
    id: "PATH-10",
    title: "A framework's own headers do not get in",
    basis: policy("CVE-2025-29927: x-middleware-subrequest skipped a framework's middleware."),
    gains:
      "The framework takes the request for one of its own, and skips the middleware in which you ask for money.",
    mend: "Ask for the payment in the route handler itself, not in the framework's middleware; update the framework.",
    run: (context) =>
      staysOut(context, (path, query) => ({
        "x-middleware-subrequest": {
          headers: [
            ["x-middleware-subrequest", "middleware:middleware:middleware:middleware:middleware"],
          ],
        },
        "x-middleware-next": { headers: [["x-middleware-next", "1"]] },
        // How a framework's pages fetch what they show, past what stands before the pages.
        "/_next/data": { path: `/_next/data/purser-check${path}.json${query}` },
        __nextDataReq: {
          path: `${path}${query}${query === "" ? "?" : "&"}__nextDataReq=1`,
          headers: [["x-nextjs-data", "1"]],
        },
        "X-Forwarded-For": { headers: [["X-Forwarded-For", "127.0.0.1"]] },
      })),
  },
  {
    ...common,
    id: "PATH-11",
    title: "Lookalike letters in the path do not get in",
    basis: policy("Unicode folding after the gate makes full-width and accented letters plain."),
    run: (context) =>
      staysOut(context, (path, query) => {
        const last = path.at(-1) ?? "a";
        const start = path.slice(0, -1);
        // U+FF01 to U+FF5E are the printable ASCII characters, full width.
        const wide = encodeURIComponent(String.fromCodePoint((last.codePointAt(0) ?? 97) + 0xfee0));
        return {
          "a full-width letter": { path: `${start}${wide}${query}` },
          "a combining accent": { path: `${path}%CC%81${query}` },
          "a soft hyphen": { path: `${path}%C2%AD${query}` },
          ...normalForms(path, query),
        };
      }),
  },
  {
    ...common,
    id: "PATH-12",
    title: "Another host name or address does not get in",
    basis: policy("The gate may stand in the CDN, or on one virtual host only."),
    gains:
      "Whoever finds the origin behind your CDN, or another virtual host, buys nothing and gets everything.",
    mend: "Mount the gate in the server itself, for every host; let the origin take connections from the CDN alone.",
    async run(context) {
      const { target, also, ask } = context;
      const missing = `${target.path.split("?")[0]}-no-such-path-${context.randomInt(1_000_000)}`;
      const ways: [string, RequestChange, AskOptions][] = [
        ...["localhost", "internal.example", "127.0.0.1"].map(
          (host): [string, RequestChange, AskOptions] => [
            `Host: ${host}`,
            { headers: [["Host", host]] },
            { alone: true },
          ],
        ),
        ...(also ? [also] : []).map(({ url, path }): [string, RequestChange, AskOptions] => [
          url,
          { path },
          { elsewhere: true, alone: true },
        ]),
      ];
      const statuses: string[] = [];
      for (const [name, change, options] of ways) {
        const { answer, failure } = await ask(change, options);
        statuses.push(`${name} ${answer?.status ?? failure}`);
        if (!answer || answer.status < 200 || answer.status >= 300) continue;
        const control = await ask({ ...change, path: missing }, options);
        if (control.answer?.status === answer.status && control.answer.body === answer.body)
          continue;
        return broken(`${name} was answered with ${answer.status}, unpaid.`);
      }
      return holds(`${statuses.join(", ")}${also ? "" : "; --also-url tries another address"}.`);
    },
  },
  {
    ...common,
    id: "PATH-13",
    title: "A parameter given twice does not get in",
    level: "advice",
    severity: "high",
    basis: policy("The gate prices the first value, and the handler serves the last."),
    gains: "The gate prices one value, and the handler serves the other.",
    mend: "Read the parameter once, refuse one that stands twice, and hand the value that was priced to the handler.",
    run(context) {
      const { searchParams } = new URL(context.target.url);
      const [name] = [...searchParams.keys()];
      if (name === undefined) return skipped("The URL has no parameter.");
      return staysOut(context, (path, query) => ({
        "free first": { path: `${path}?${name}=free&${query.slice(1)}` },
        "free last": { path: `${path}${query}&${name}=free` },
      }));
    },
  },
];
