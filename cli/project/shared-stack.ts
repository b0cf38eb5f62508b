/**
 * `init --from <url>`: the services of a shared stack, as published addresses name them (`…/s/v1:Neon~postgres,Vercel~project`). The address
 * is read and never fetched: all that it says stands in it. Each service is added as `add` would, so that doing it again finds what is there.
 */
import type { ServiceListing } from "../../protocol/index.ts";
import { plain } from "../terminal.ts";
import { ProjectError } from "./project-error.ts";

/** A stack with more than that is a mistake. */
const MAX_SERVICES = 50;

export interface StackService {
  /** The provider's name or id, as it was written. */
  provider: string;
  service: string;
}

/** Throws `CONFIG_INVALID`. */
export function readStack(address: string): StackService[] {
  const [, list] = /(?:^|\/)v1:([^/?#]+)$/.exec(decode(address)) ?? [];
  const services = (list ?? "").split(",").map((text): StackService => {
    const [provider = "", service = "", ...rest] = text.split("~");
    if (provider === "" || service === "" || rest.length > 0) throw invalid(address);
    return { provider, service };
  });
  if (services.length > MAX_SERVICES) throw invalid(address);
  return services;
}

/** The references in the catalog, plans first: some services are had only with one. Throws `SERVICE_UNKNOWN`. */
export function findStack(
  stack: readonly StackService[],
  listings: readonly ServiceListing[],
): string[] {
  const found = stack.map(({ provider, service }) => {
    const names = (one: ServiceListing) => [one.provider_id, one.provider_name.toLowerCase()];
    const listing = listings.find(
      (one) => names(one).includes(provider.toLowerCase()) && one.service_id === service,
    );
    if (listing) return listing;
    throw new ProjectError("SERVICE_UNKNOWN", {
      problem: `The catalog has no ${plain(service, 60)} of ${plain(provider, 60)}, which the stack names.`,
      nextStep: "Look what there is, and add the services that fit.",
    });
  });
  const plans = found.filter(({ kind }) => kind === "plan");
  const others = found.filter(({ kind }) => kind !== "plan");
  return [...plans, ...others].map(({ reference }) => reference);
}

function decode(address: string): string {
  try {
    return decodeURIComponent(address);
  } catch {
    throw invalid(address);
  }
}

function invalid(address: string): ProjectError {
  return new ProjectError("CONFIG_INVALID", {
    problem: `"${plain(address, 200)}" names no stack.`,
    nextStep: "Give an address that ends such as /v1:neon~postgres,vercel~project.",
  });
}
