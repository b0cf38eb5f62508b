/** What can be registered: one label and an extension that is sold here, in lower case. */
import { CloudflareError } from "./error.ts";
import { EXTENSIONS } from "./extensions.ts";

const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const PRICES = new Map(EXTENSIONS.map(({ extension, price }) => [extension, price]));

export interface DomainName {
  /** In lower case, such as "nimbus.dev". */
  readonly name: string;
  readonly extension: string;
  /** Of one year in US dollars, decimal text; undefined where the extension is not sold. */
  readonly price: string | undefined;
}

/** Reads a name that somebody wants, or throws `DOMAIN_INVALID`. */
export function parseDomainName(text: unknown): DomainName {
  const name = typeof text === "string" ? text.toLowerCase() : "";
  const dot = name.indexOf(".");
  const extension = name.slice(dot + 1);
  if (
    dot > 0 &&
    name.length <= 253 &&
    LABEL.test(name.slice(0, dot)) &&
    /^[a-z.]{2,63}$/.test(extension)
  ) {
    return { name, extension, price: PRICES.get(extension) };
  }
  throw new CloudflareError("DOMAIN_INVALID", {
    problem: `"${String(text).slice(0, 100)}" is not a domain name such as example.dev.`,
    nextStep: "Send a name of one label and an extension.",
  });
}

/** A hostname in lower case without a last dot, or undefined where it is none. */
export function parseHostname(text: unknown): string | undefined {
  if (typeof text !== "string") return undefined;
  const name = text.toLowerCase().replace(/\.$/, "");
  const labels = name.split(".");
  const valid =
    name.length <= 253 && labels.length > 1 && labels.every((label) => LABEL.test(label));
  return valid ? name : undefined;
}

/** The names that may be registered for a hostname to be served: itself, and each name above it. */
export function domainsAbove(hostname: string): string[] {
  const labels = hostname.split(".");
  return labels.slice(0, -1).map((_, index) => labels.slice(index).join("."));
}
