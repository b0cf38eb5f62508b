/**
 * Reads one provider's catalog, page after page, and believes it only as far as it parses. A reference must mean one service,
 * so an id that is listed twice makes the whole catalog invalid.
 */
import type { z } from "zod";
import { type CatalogProvider, type Service, ServicesPage } from "../protocol/index.ts";
import { PlainPage, type PlainProvider, readPlainServices } from "./plain-catalog.ts";
import {
  callProvider,
  invalid,
  type ProviderAnswer,
  type ProviderCallOptions,
} from "./provider-call.ts";
import { refusal } from "./provider-error.ts";

const MAX_PAGES = 20;
const MAX_SERVICES = 5000;

/** The same of a provider that speaks the protocol as it is published: each page is asked for with a signature. */
export async function readPlainCatalog(
  baseUrl: string,
  plain: PlainProvider,
  send: (url: string) => Promise<ProviderAnswer>,
): Promise<{ provider: CatalogProvider; leftOut: number }> {
  const listed: object[] = [];
  let cursor: string | undefined;
  for (let count = 0; count < MAX_PAGES; count += 1) {
    const answer = await send(pageUrl(baseUrl, cursor));
    if (answer.status !== 200) throw refusal(baseUrl, "reading of its catalog", answer);
    const page = PlainPage.safeParse(answer.body);
    if (!page.success) throw invalid(`The catalog of ${baseUrl} cannot be read.`, page.error);
    listed.push(...page.data.data);
    if (listed.length > MAX_SERVICES)
      throw invalid(`The catalog of ${baseUrl} has more than ${MAX_SERVICES} services.`);
    cursor = page.data.next_cursor ?? undefined;
    if (cursor === undefined) return readPlainServices(baseUrl, plain, listed);
  }
  throw invalid(`The catalog of ${baseUrl} has more than ${MAX_PAGES} pages.`);
}

/** Throws `PROVIDER_UNAVAILABLE`, `PROVIDER_REFUSED` or `PROVIDER_INVALID`. */
export async function readProviderCatalog(
  baseUrl: string,
  options: ProviderCallOptions,
): Promise<CatalogProvider> {
  const first = await readPage(baseUrl, undefined, options);
  const services: Service[] = [...first.data];
  let cursor = first.next_cursor ?? undefined;
  for (let page = 1; cursor !== undefined; page += 1) {
    if (page >= MAX_PAGES)
      throw invalid(`The catalog of ${baseUrl} has more than ${MAX_PAGES} pages.`);
    const next = await readPage(baseUrl, cursor, options);
    services.push(...next.data);
    cursor = next.next_cursor ?? undefined;
    if (services.length > MAX_SERVICES) {
      throw invalid(`The catalog of ${baseUrl} has more than ${MAX_SERVICES} services.`);
    }
  }
  if (new Set(services.map(({ id }) => id)).size !== services.length) {
    throw invalid(`The catalog of ${baseUrl} lists one service id twice.`);
  }
  return { profile: first.provider, baseUrl, services };
}

function pageUrl(baseUrl: string, cursor: string | undefined): string {
  const query = cursor === undefined ? "" : `?cursor=${encodeURIComponent(cursor)}`;
  return `${baseUrl}/provisioning/services${query}`;
}

async function readPage(
  baseUrl: string,
  cursor: string | undefined,
  options: ProviderCallOptions,
): Promise<ServicesPage> {
  const url = pageUrl(baseUrl, cursor);
  const answer = await callProvider({ method: "GET", url }, options);
  if (answer.status !== 200) throw refusal(baseUrl, "reading of its catalog", answer);
  const page = ServicesPage.safeParse(answer.body);
  if (page.success) return page.data;
  throw invalid(`The catalog of ${baseUrl} cannot be read at ${place(page.error)}.`, page.error);
}

/** Where it does not parse, such as "data.3.pricing": only names that look like names, as a stranger chose them. */
function place(error: z.ZodError): string {
  const path = error.issues[0]?.path ?? [];
  const names = path.map(String).filter((name) => /^\w{1,30}$/.test(name));
  return names.slice(0, 6).join(".") || "its top";
}
