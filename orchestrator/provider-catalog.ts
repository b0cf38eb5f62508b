/**
 * Reads one provider's catalog, page after page, and believes it only as far as it parses. A reference must mean one service,
 * so an id that is listed twice makes the whole catalog invalid.
 */
import type { z } from "zod";
import { type CatalogProvider, type Service, ServicesPage } from "../protocol/index.ts";
import { callProvider, invalid, type ProviderCallOptions } from "./provider-call.ts";
import { refusal } from "./provider-error.ts";

const MAX_PAGES = 20;
const MAX_SERVICES = 5000;

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

async function readPage(
  baseUrl: string,
  cursor: string | undefined,
  options: ProviderCallOptions,
): Promise<ServicesPage> {
  const query = cursor === undefined ? "" : `?cursor=${encodeURIComponent(cursor)}`;
  const url = `${baseUrl}/provisioning/services${query}`;
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
