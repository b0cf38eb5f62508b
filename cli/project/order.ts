/** What `add` is asked for, read from its command line, and that command line again for a next step. */
import type { AddOrder } from "../../protocol/index.ts";
import { readJsonFlag } from "./json-flag.ts";
import type { ProjectFlags } from "./project-command.ts";
import { ProjectError } from "./project-error.ts";
import { providerOf } from "./project-state.ts";

export interface AddFlags extends ProjectFlags {
  name?: string;
  config?: string;
  providerConfig?: string;
  providerInfo?: string;
  resourceInfo?: string;
  resourceId?: string;
  existing?: true;
  forceProviderRelink?: true;
  preflight?: true;
}

/** What is wanted, without the key under which it is asked for. */
export type Order = Pick<AddOrder, "service" | "configuration" | "name">;

/** Throws `CONFIG_INVALID` or `NOT_SUPPORTED`. */
export function readOrder(service: string, flags: AddFlags): Order {
  if (providerOf(service) === "") {
    throw new ProjectError("CONFIG_INVALID", {
      problem: `"${service.slice(0, 100)}" is no service.`,
      nextStep: "Name it as the catalog does, such as cloudflare/kv.",
    });
  }
  for (const [flag, value] of [
    ["--provider-config", flags.providerConfig],
    ["--provider-info", flags.providerInfo],
  ] as const) {
    if (Object.keys(readJsonFlag(flag, value)).length === 0) continue;
    throw new ProjectError("NOT_SUPPORTED", {
      problem: `${flag} is not understood: no provider of this orchestrator's catalog takes settings for an account.`,
      nextStep: `Leave ${flag} out.`,
    });
  }
  const configuration = readJsonFlag("--config", flags.config);
  const named = flags.name === undefined ? {} : { name: flags.name };
  return { service, configuration, ...named };
}

/** The command line to repeat, without what was a secret or is given by the next step. */
export function commandLine(tool: string, service: string, flags: AddFlags): string {
  return [
    `${tool} add ${service}`,
    ...(flags.name === undefined ? [] : [`--name ${flags.name}`]),
    ...(flags.config === undefined
      ? []
      : [`--config '${flags.config.replaceAll("'", String.raw`'\''`)}'`]),
    ...(flags.existing ? ["--existing"] : []),
    ...(flags.acceptTos ? ["--accept-tos"] : []),
    ...(flags.confirmPaidService ? ["--confirm-paid-service"] : []),
    ...(flags.yes ? ["--yes"] : []),
  ].join(" ");
}

/** In an order of their own, so that the same inputs are the same text. */
export function sorted(configuration: Readonly<Record<string, string>>) {
  return Object.entries(configuration).toSorted(([a], [b]) => (a < b ? -1 : 1));
}
