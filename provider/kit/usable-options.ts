/**
 * What a provider is started with, looked at before anything of it is opened: what comes from a file that lacks it (`JSON.parse` gives
 * no type) is told by its name, and leaves no folder behind.
 */
import { PurserError } from "../../protocol/index.ts";
import type { ProviderOptions } from "./options.ts";

export class ProviderOptionsError extends PurserError<"PROVIDER_OPTIONS_INVALID"> {}

/** Throws `PROVIDER_OPTIONS_INVALID` for the first option that is not what it must be. */
export function requireUsable({
  facilitatorUrl,
  payTo,
  trust,
}: Pick<ProviderOptions, "facilitatorUrl" | "payTo" | "trust">): void {
  requireThat(isUrl(facilitatorUrl), "facilitatorUrl", "an http(s) URL");
  requireThat(isAddress(payTo), "payTo", "an address");
  requireThat(Array.isArray(trust), "trust", "a list of orchestrators");
  for (const [at, orchestrator] of trust.entries()) {
    const name = (field: string) => `trust[${at}].${field}`;
    requireThat(isText(orchestrator.issuer), name("issuer"), "a text");
    requireThat(isText(orchestrator.clientId), name("clientId"), "a text");
    if (orchestrator.profile !== "stripe")
      requireThat(isUrl(orchestrator.keysUrl), name("keysUrl"), "an http(s) URL");
  }
}

function requireThat(holds: boolean, option: string, wanted: string): void {
  if (holds) return;
  throw new ProviderOptionsError("PROVIDER_OPTIONS_INVALID", {
    problem: `The provider's option ${option} is not ${wanted}.`,
    nextStep:
      "Where it comes from a world's file, write that with `purser up --json > world.json`, and look whether the file has it.",
  });
}

function isText(value: unknown): boolean {
  return typeof value === "string" && value !== "";
}

function isAddress(value: unknown): boolean {
  return typeof value === "string" && /^0x[0-9a-fA-F]{40}$/.test(value);
}

function isUrl(value: unknown): boolean {
  return typeof value === "string" && URL.canParse(value) && /^https?:/.test(value);
}
