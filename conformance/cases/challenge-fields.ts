/** Group B, second part: the fields of an x402 challenge beside its offers. */
import { broken, type Case, holds, noted, skipped } from "../case.ts";
import { coreV2, policy } from "../basis.ts";
import { isObject, show } from "../read/json.ts";
import { judge, X402, X402_V2 } from "./judge.ts";

export const FIELD_CASES: readonly Case[] = [
  {
    id: "CHAL-05",
    title: "resource.url is a URL",
    level: "stated",
    severity: "medium",
    ring: 0,
    profiles: X402_V2,
    basis: coreV2("5.1.2", "`url` | `string` | Required | URL of the protected resource"),
    gains:
      "Clients cannot tell what they pay for, and wallets that hold a payment to its resource refuse.",
    mend: "Send resource: { url } with the absolute URL that is sold.",
    async run({ challenge }) {
      const { resource } = (await challenge()).value as { resource?: unknown };
      if (!isObject(resource)) return broken(`resource is ${show(resource)}.`);
      const { url } = resource as { url?: unknown };
      if (typeof url === "string" && URL.canParse(url)) return holds(show(url));
      return broken(`resource.url is ${show(url)}, not an absolute URL.`);
    },
  },
  {
    id: "CHAL-06",
    title: "resource.url is the URL that was asked for",
    level: "advice",
    severity: "medium",
    ring: 0,
    profiles: X402_V2,
    basis: policy(
      "The specification does not say how resource.url relates to the request; clients that pin what they buy compare them.",
    ),
    gains:
      "A client that holds payments to their resource refuses; behind a TLS proxy an http: URL makes it suspect an attack.",
    mend: "Make the URL from your public origin, not from the socket (trust proxy, X-Forwarded-Proto).",
    async run({ challenge, target }) {
      const { resource } = (await challenge()).value as { resource?: { url?: unknown } };
      const text = resource?.url;
      if (typeof text !== "string" || !URL.canParse(text))
        return skipped("resource.url cannot be read (CHAL-05).");
      const [told, asked] = [new URL(text), new URL(target.url)];
      const problems = [];
      if (told.protocol !== asked.protocol)
        problems.push(`it says ${told.protocol} where ${asked.protocol} was asked`);
      if (told.host !== asked.host) problems.push(`it names the host ${told.host}`);
      if (told.pathname !== asked.pathname)
        problems.push(`it names the path ${show(told.pathname)}`);
      return judge(problems, "Same origin and path.");
    },
  },
  {
    id: "CHAL-07",
    title: "accepts is a list with at least one offer",
    level: "stated",
    severity: "high",
    ring: 0,
    profiles: X402,
    basis: coreV2(
      "5.1.2",
      "Array of payment requirement objects defining acceptable payment methods",
    ),
    gains: "There is nothing to pay with: the endpoint is closed to every client.",
    mend: "Send accepts as an array with an entry for each way to pay.",
    async run({ challenge }) {
      const { value, entries } = await challenge();
      if (!Array.isArray(value["accepts"])) return broken(`accepts is ${show(value["accepts"])}.`);
      if (entries.length === 0)
        return noted("accepts is empty: allowed by its type, but nobody can pay.");
      return holds(`${entries.length} offer${entries.length === 1 ? "" : "s"}.`);
    },
  },
  {
    id: "CHAL-21",
    title: "What resource says for people stays within its bounds",
    level: "stated",
    severity: "low",
    ring: 0,
    profiles: X402_V2,
    basis: coreV2.says(
      "5.1.2 (later revision)",
      "ResourceInfo: serviceName of at most 32 ASCII characters, at most 5 tags of 32, iconUrl an http(s) URL of at most 2048.",
    ),
    gains: "Catalogs drop the entry or cut it, and buyers see half a name.",
    mend: "Shorten serviceName and tags, and give iconUrl as a plain https URL.",
    async run({ challenge }) {
      const { resource } = (await challenge()).value as { resource?: unknown };
      if (!isObject(resource)) return skipped("There is no resource (CHAL-05).");
      const { serviceName, tags, iconUrl } = resource;
      if (serviceName === undefined && tags === undefined && iconUrl === undefined) {
        return skipped("None of serviceName, tags and iconUrl is given.");
      }
      const problems = [];
      const short = (text: unknown) => typeof text === "string" && /^[\x20-\x7E]{1,32}$/.test(text);
      if (serviceName !== undefined && !short(serviceName))
        problems.push(`serviceName is ${show(serviceName)}`);
      if (tags !== undefined && !(Array.isArray(tags) && tags.length <= 5 && tags.every(short)))
        problems.push(`tags is ${show(tags)}`);
      const icon =
        typeof iconUrl === "string" && /^https?:\/\//.test(iconUrl) && iconUrl.length <= 2048;
      if (iconUrl !== undefined && !icon) problems.push(`iconUrl is ${show(iconUrl)}`);
      return judge(problems, "Within bounds.");
    },
  },
  {
    id: "CHAL-22",
    title: "Every extension has info and schema, both objects",
    level: "stated",
    severity: "low",
    ring: 0,
    profiles: X402_V2,
    basis: coreV2(
      "5.1.2",
      "`schema` | `object` | Required | JSON Schema defining the expected structure of `info`",
    ),
    gains: "Clients that echo extensions fail on them, and catalogs skip the endpoint.",
    mend: "Send each extension as { info: {…}, schema: {…} }.",
    async run({ challenge }) {
      const { extensions } = (await challenge()).value as { extensions?: unknown };
      if (extensions === undefined) return skipped("No extensions.");
      if (!isObject(extensions)) return broken(`extensions is ${show(extensions)}.`);
      const problems = Object.entries(extensions).flatMap(([name, extension]) =>
        isObject(extension) && isObject(extension["info"]) && isObject(extension["schema"])
          ? []
          : [`${show(name)} is ${show(extension)}`],
      );
      return judge(problems, `${Object.keys(extensions).length} extensions.`);
    },
  },
  {
    id: "CHAL-29",
    title: "error is a text where it is given",
    level: "stated",
    severity: "low",
    ring: 0,
    profiles: X402,
    basis: coreV2(
      "5.1.2",
      "`error` | `string` | Optional | Human-readable error message explaining why payment is required",
    ),
    gains: "Strict clients refuse the whole challenge for it, and nobody can pay.",
    mend: "Send error as a string (the reason's code), or leave it out.",
    async run({ challenge }) {
      const { error } = (await challenge()).value as { error?: unknown };
      if (error === undefined) return holds("Not given.");
      return typeof error === "string" ? holds(show(error)) : broken(`error is ${show(error)}.`);
    },
  },
];
