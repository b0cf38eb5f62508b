/**
 * The catalog of the local Cloudflare: what it sells, in its own ids, with a structured price beside every text. A planner that
 * has never heard of Cloudflare must be able to work from these entries alone.
 */
import { CAPABILITIES } from "../../protocol/index.ts";
import type { CatalogEntry } from "../kit/definition.ts";
import { EXTENSIONS } from "./extensions.ts";

const ACCOUNT = "/client/v4/accounts/{account_id}";
/** A name's last label is what the price depends on; one label before it, as no registry here sells deeper. */
const DOMAIN_PATTERN = "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.[a-z]{2,24}$";

export const SERVICE_IDS = {
  account: "account",
  workers: "workers:free",
  domain: "registrar:domain",
  kv: "kv",
} as const;

export const SERVICES: readonly CatalogEntry[] = [
  {
    id: SERVICE_IDS.account,
    description: "An account, which holds everything else. Made when a project connects.",
    categories: ["auth"],
    kind: "plan",
    pricing: { type: "free" },
    requires_payment_method: false,
    capabilities: { gives: [CAPABILITIES.account], needs: [] },
  },
  {
    id: SERVICE_IDS.workers,
    description:
      "Runs Workers: JavaScript modules that answer HTTP requests, at a subdomain of the account or at a domain that the account owns.",
    categories: ["compute"],
    kind: "plan",
    pricing: { type: "free" },
    free_tier: "100,000 requests a day",
    capabilities: { gives: [CAPABILITIES.hosting], needs: [] },
    operations: {
      deploy: {
        method: "PUT",
        path: `${ACCOUNT}/workers/scripts/{name}`,
        encoding: "worker",
        returns: { id: "/result/id" },
      },
      publish: {
        method: "POST",
        path: `${ACCOUNT}/workers/scripts/{name}/subdomain`,
        body: { enabled: true },
        returns: { url: "/result/url", hostname: "/result/hostname" },
      },
      attach: {
        method: "PUT",
        path: `${ACCOUNT}/workers/domains`,
        body: { hostname: "{domain}", service: "{name}", environment: "production" },
        returns: { url: "/result/url", hostname: "/result/hostname" },
      },
    },
  },
  {
    id: SERVICE_IDS.domain,
    description:
      "Registers a domain name for one year, at cost. The price depends on the extension, and a registration cannot be refunded.",
    categories: ["domains"],
    configuration_schema: {
      type: "object",
      properties: {
        domain: {
          type: "string",
          pattern: DOMAIN_PATTERN,
          description: "The name to register, such as example.dev.",
        },
      },
      required: ["domain"],
      additionalProperties: false,
    },
    pricing: {
      type: "paid",
      paid: EXTENSIONS.map(({ extension, price }) => ({
        type: "freeform",
        freeform: `$${price} for a year of .${extension}`,
        amount: price,
        currency: "usd",
        interval: "year",
        configuration: { extension },
      })),
    },
    requires_payment_method: true,
    capabilities: { gives: [CAPABILITIES.domain], needs: [] },
    operations: {
      check: {
        method: "POST",
        path: `${ACCOUNT}/registrar/domain-check`,
        body: { domains: ["{domain}"] },
        returns: {
          available: "/result/domains/0/registrable",
          reason: "/result/domains/0/reason",
          price: "/result/domains/0/pricing/registration_cost",
          currency: "/result/domains/0/pricing/currency",
        },
      },
      create: {
        method: "POST",
        path: `${ACCOUNT}/registrar/registrations`,
        body: { domain_name: "{domain}" },
        paid: true,
        returns: { domain: "/result/domain_name", status: "/result/status" },
      },
    },
  },
  {
    id: SERVICE_IDS.kv,
    description:
      "A key-value store that Workers read and write through a binding. It keeps text under keys and answers reads right after writes.",
    categories: ["storage"],
    configuration_schema: {
      type: "object",
      properties: {
        title: {
          type: "string",
          pattern: "^[\\w][\\w .-]{0,99}$",
          description:
            "A name for the namespace, unlike the account's others; chosen for you when left out.",
        },
      },
      additionalProperties: false,
    },
    pricing: { type: "free" },
    capabilities: { gives: [CAPABILITIES.keyValue], needs: [CAPABILITIES.hosting] },
    binding: { type: "kv_namespace", namespace_id: "{KV_NAMESPACE_ID}" },
  },
];
