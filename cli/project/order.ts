/** What `add` is asked for, read from its command line, and that command line again for a next step. */
import { type AddOrder, providerOf } from "../../protocol/index.ts";
import { plain } from "../terminal.ts";
import { readJsonFlag } from "./json-flag.ts";
import type { ProjectFlags } from "./project-command.ts";
import { ProjectError } from "./project-error.ts";

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

/** Variables begin with it, and command lines name it. */
const RESOURCE_NAME = /^[A-Za-z][A-Za-z0-9_-]{0,49}$/;

/** What is wanted, without the key under which it is asked for. */
export type Order = Pick<AddOrder, "service" | "configuration" | "name" | "provider_configuration">;

/** Throws `CONFIG_INVALID`. */
export function readOrder(service: string, flags: AddFlags): Order {
  if (providerOf(service) === "") {
    throw new ProjectError("CONFIG_INVALID", {
      problem: `"${service.slice(0, 100)}" is no service.`,
      nextStep: "Name it as the catalog does, such as cloudflare/kv.",
    });
  }
  if (flags.name !== undefined && !RESOURCE_NAME.test(flags.name)) {
    throw new ProjectError("CONFIG_INVALID", {
      problem: `--name "${plain(flags.name, 60)}" cannot be used.`,
      nextStep: "Begin with a letter, and go on with letters, digits, - and _: fifty at most.",
    });
  }
  const configuration = readJsonFlag("--config", flags.config);
  const named = flags.name === undefined ? {} : { name: flags.name };
  const settings = readSettings("--provider-config", flags.providerConfig, flags.providerInfo);
  return { service, configuration, ...named, ...settings };
}

/** What a new account is to be set up with, from both flags; the second is what a provider asked for. */
function readSettings(
  flag: string,
  config: string | undefined,
  info: string | undefined,
): Pick<Order, "provider_configuration"> {
  const settings = { ...readJsonFlag(flag, config), ...readJsonFlag("--provider-info", info) };
  return Object.keys(settings).length === 0 ? {} : { provider_configuration: settings };
}

/** The command line to repeat, without what was a secret or is given by the next step. */
export function commandLine(tool: string, service: string, flags: AddFlags): string {
  return [
    `${tool} add ${service}`,
    ...(flags.name === undefined ? [] : [`--name ${flags.name}`]),
    ...quoted("--config", flags.config),
    ...quoted("--provider-config", flags.providerConfig),
    ...(flags.existing ? ["--existing"] : []),
    ...(flags.acceptTos ? ["--accept-tos"] : []),
    ...(flags.confirmPaidService ? ["--confirm-paid-service"] : []),
    ...(flags.yes ? ["--yes"] : []),
  ].join(" ");
}

function quoted(flag: string, text: string | undefined): string[] {
  return text === undefined ? [] : [`${flag} '${text.replaceAll("'", String.raw`'\''`)}'`];
}

/** In an order of their own, so that the same inputs are the same text. */
export function sorted(configuration: Readonly<Record<string, string>>) {
  return Object.entries(configuration).toSorted(([a], [b]) => (a < b ? -1 : 1));
}
