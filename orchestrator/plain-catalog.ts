/**
 * The catalog of a provider that speaks APP 0.1d as it is published, in our shape. It says nothing of the provider, so the human has; and
 * its prices are texts, which nobody can compare, cap or add up: what has no amount is left out, and said to be.
 */
import { z } from "zod";
import { type CatalogProvider, Pricing, Service } from "../protocol/index.ts";
import { invalid } from "./provider-call.ts";

/** What the human says of such a provider. */
export const PlainProvider = z.object({
  id: z.string().regex(/^[a-z0-9][a-z0-9-]{0,49}$/),
  name: z.string().min(1).max(100),
  tos_url: z.url().max(500),
  tos_version: z.string().min(1).max(50),
  /** What an account request asks for, in the provider's own words. */
  scopes: z.array(z.string().min(1).max(100)).max(50).default([]),
});
export type PlainProvider = z.output<typeof PlainProvider>;

export const PlainPage = z.looseObject({
  data: z.array(z.looseObject({ id: z.string().max(200) })).max(5000),
  next_cursor: z.string().max(200).nullish(),
});

/** The provider, and how many of its services were left out. */
export function readPlainServices(
  baseUrl: string,
  { id, name, tos_url, tos_version }: PlainProvider,
  listed: readonly object[],
): { provider: CatalogProvider; leftOut: number } {
  const services = listed.flatMap(
    (service) => Service.safeParse(withKnownPrice(service)).data ?? [],
  );
  if (new Set(services.map((service) => service.id)).size !== services.length)
    throw invalid(`The catalog of ${baseUrl} lists one service id twice.`);
  const profile = {
    id,
    name,
    tos_url,
    tos_version,
    issuer: new URL(baseUrl).origin,
    // It is paid by a token that nobody here can make.
    payment: { pay_to: [], assets: [] },
  };
  return { provider: { profile, baseUrl, services }, leftOut: listed.length - services.length };
}

/** A component keeps the options that can be read. No operation of a stranger's own API is described here, whatever the entry says. */
function withKnownPrice(service: object): object {
  const { pricing, ...rest } = service as { pricing?: unknown };
  const { type, component } = (pricing ?? {}) as {
    type?: unknown;
    component?: { options?: unknown };
  };
  if (type !== "component" || !Array.isArray(component?.options))
    return { ...rest, pricing, operations: {} };
  const options = component.options.filter((option: unknown) => {
    const one = { type: "component", component: { options: [option] } };
    return Pricing.safeParse(one).success;
  });
  return { ...rest, pricing: { type, component: { options } }, operations: {} };
}
