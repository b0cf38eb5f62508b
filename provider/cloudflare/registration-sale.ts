/**
 * Registering a name: `POST …/registrar/registrations`, which answers 402 first. A name that cannot be sold is refused before
 * any price is named, and the name is held while the payment settles.
 */
import { z } from "zod";
import type { Ware } from "../kit/till.ts";
import { connectionOf } from "./account-scope.ts";
import { parseDomainName } from "./domain-name.ts";
import { failure, success } from "./envelope.ts";
import { CloudflareError } from "./error.ts";
import { readInput } from "./input.ts";
import { describeRegistration } from "./registrar-api.ts";
import type { Registry } from "./registry.ts";
import { SERVICE_IDS } from "./services.ts";

interface RegistrationOrder {
  readonly domain: string;
}

const Body = z.looseObject({
  domain_name: z.string().max(253),
  /** Only what the price is for. */
  years: z.literal(1).optional(),
});

export function registrationSale({
  registry,
  now,
}: {
  registry: Registry;
  now: () => number;
}): Ware<RegistrationOrder> {
  return {
    name: "registration",
    service: SERVICE_IDS.domain,
    quote: (request) => {
      const connection = connectionOf(request);
      const body = readInput(Body, request.body);
      const { name, price, extension } = parseDomainName(body.domain_name);
      if (price === undefined) throw notSold(extension);
      const existing = registry.find(name);
      const own = existing?.accountId === connection.accountId;
      if (own && existing.state === "held") throw stillOpen(name);
      if (!registry.isFree(name)) throw unavailable(name, own);
      return { connection, inputs: { domain: name }, order: { domain: name } };
    },
    hold: ({ connection: { accountId }, order: { domain }, payment }) => {
      if (!registry.hold({ domain, accountId, payment, now: now() }))
        throw unavailable(domain, false);
    },
    deliver: ({ order: { domain }, payment }) => {
      registry.activate(payment);
      const registration = registry.find(domain)!;
      return { status: 201, body: success(describeRegistration(registration)) };
    },
    release: ({ payment }) => registry.release(payment),
    refuse: failure,
  };
}

function notSold(extension: string): CloudflareError {
  return new CloudflareError("DOMAIN_UNAVAILABLE", {
    problem: `Names below .${extension} are not sold here.`,
    nextStep: "Choose an extension that the catalog has a price for.",
  });
}

function unavailable(name: string, own: boolean): CloudflareError {
  return new CloudflareError("DOMAIN_UNAVAILABLE", {
    problem: own
      ? `${name} is registered by this account already.`
      : `${name} is registered by somebody else.`,
    nextStep: own ? "Use it; there is nothing to pay." : "Choose another name.",
  });
}

function stillOpen(name: string): CloudflareError {
  return new CloudflareError("REGISTRATION_OPEN", {
    problem: `A payment of this account for ${name} is still open.`,
    nextStep: "Send the same payment again; do not make another.",
  });
}
