/** `check_domain`: whether a domain can be had, and for how much, by the service's own `check` operation. */
import { z } from "zod";
import { findService, priceOf } from "../../protocol/index.ts";
import { AgentError } from "../agent-error.ts";
import { domainInputs, isHostname } from "../domain-name.ts";
import { callProvider } from "../provider-call.ts";
import type { ToolDefinition } from "./tool.ts";

const Input = z.object({
  service: z.string().max(160).describe("A service that gives domains, such as provider/service."),
  domain: z.string().toLowerCase().refine(isHostname, "not a domain name such as nimbus.dev"),
});

export const checkDomain = {
  name: "check_domain",
  description: "Asks a provider whether a domain name is available, and for its price.",
  input: Input,
  async run({ service: reference, domain }, session) {
    const { provider, service } = findService(await session.catalog(), reference);
    const inputs = domainInputs(domain);
    const call = { provider, service, operation: "check", inputs };
    const { available, reason, price, currency } = await callProvider(session, call);
    if (typeof available !== "boolean") {
      throw new AgentError("PROVIDER_ANSWER_INVALID", {
        problem: `${provider.profile.id} did not say whether ${domain} is available.`,
        nextStep: "Treat the domain as not available there.",
      });
    }
    const listed = priceOf(service, inputs);
    return {
      service: reference,
      domain,
      available,
      /** What the provider says now; only the catalog's price will be paid. */
      price: isPrice(price) ? { amount: price, currency: asWord(currency) ?? "usd" } : null,
      catalog_price: listed && { amount: listed.amount, currency: listed.currency },
      ...(typeof reason === "string" && reason !== ""
        ? { untrusted_reason: reason.slice(0, 300) }
        : {}),
    };
  },
} satisfies ToolDefinition<z.output<typeof Input>, unknown>;

function isPrice(value: unknown): value is string {
  return typeof value === "string" && /^\d{1,12}(\.\d{1,6})?$/.test(value);
}

function asWord(value: unknown): string | undefined {
  return typeof value === "string" && /^[a-z]{2,10}$/i.test(value)
    ? value.toLowerCase()
    : undefined;
}
