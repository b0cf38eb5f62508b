/**
 * `/accounts/:account/registrar`: what is free and what it costs, and what the account owns. Mounted below the account.
 * Registering a name is a sale, see `registration-sale.ts`.
 */
import express, { type Request, type RequestHandler, Router } from "express";
import { z } from "zod";
import { connectionOf, param } from "./account-scope.ts";
import { type DomainName, parseDomainName } from "./domain-name.ts";
import { endpoint, success } from "./envelope.ts";
import { CloudflareError } from "./error.ts";
import { readInput } from "./input.ts";
import { EXTENSIONS } from "./extensions.ts";
import type { Registration, Registry } from "./registry.ts";

export interface RegistrarApiOptions {
  registry: Registry;
  /** Sells a registration. */
  register: RequestHandler;
}

const Check = z.looseObject({ domains: z.array(z.string().max(253)).min(1).max(20) });
const Search = z.looseObject({ q: z.string().max(63) });
const LISTED_EXTENSIONS = 10;

export function registrarApi({ registry, register }: RegistrarApiOptions): Router {
  const router = Router({ mergeParams: true });
  router.post(
    "/domain-check",
    express.json(),
    endpoint((request) => {
      const data = readInput(Check, request.body);
      return {
        domains: data.domains.map((name) => describeCandidate(parseDomainName(name), registry)),
      };
    }),
  );
  router.get(
    "/domain-search",
    endpoint((request) => {
      const label = readInput(Search, request.query)
        .q.toLowerCase()
        .replaceAll(/[^a-z0-9-]/g, "");
      const names = EXTENSIONS.slice(0, LISTED_EXTENSIONS).map(
        ({ extension }) => `${label}.${extension}`,
      );
      return { domains: names.map((name) => describeCandidate(parseDomainName(name), registry)) };
    }),
  );
  router.get("/registrations", (request, response) => {
    const own = registry.list(connectionOf(request).accountId).map(describeRegistration);
    response.json(success(own, { count: own.length, cursor: "" }));
  });
  router.get(
    "/registrations/:domain",
    endpoint((request) => describeRegistration(find(request, registry))),
  );
  router.post("/registrations", express.json(), register);
  return router;
}

function find(request: Request, registry: Registry): Registration {
  const registration = registry.find(param(request, "domain").toLowerCase());
  if (
    registration?.accountId === connectionOf(request).accountId &&
    registration.state === "active"
  ) {
    return registration;
  }
  throw new CloudflareError("DOMAIN_NOT_FOUND", {
    problem: "The account has no such registration.",
    nextStep: "List its registrations.",
  });
}

function describeCandidate({ name, price }: DomainName, registry: Registry): object {
  if (price === undefined) {
    return { name, registrable: false, reason: "extension_not_supported" };
  }
  const pricing = { currency: "USD", registration_cost: price, renewal_cost: price };
  if (!registry.isFree(name)) return { name, registrable: false, reason: "domain_unavailable" };
  return { name, registrable: true, tier: "standard", pricing };
}

/** A registration as the v4 API writes it. */
export function describeRegistration({ domain, state, createdAt, expiresAt }: Registration) {
  return {
    domain_name: domain,
    status: state === "active" ? "active" : "registration_pending",
    auto_renew: false,
    locked: false,
    privacy_mode: "redaction",
    created_at: new Date(createdAt).toISOString(),
    expires_at: new Date(expiresAt).toISOString(),
  };
}
