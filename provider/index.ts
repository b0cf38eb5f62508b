/** The shop behind the 402: what every provider shares, and the local Cloudflare. */
export {
  type Cloudflare,
  type CloudflareOptions,
  type CloudflareServer,
  createCloudflare,
  type OpenedCloudflare,
  startCloudflare,
} from "./cloudflare/cloudflare.ts";
export type { Registration } from "./cloudflare/registry.ts";
export type { Site } from "./cloudflare/sites.ts";
export type { Account, Accounts } from "./kit/accounts.ts";
export type { Authenticate } from "./kit/bearer.ts";
export type { Connection } from "./kit/connections.ts";
export type { Crooked } from "./kit/crooked.ts";
export {
  type Access,
  type ByService,
  type CatalogEntry,
  type JsonSchema,
  type Needs,
  type OpenedProvider,
  Pending,
  type PriceFunction,
  type Provide,
  type ProviderDefinition,
  type ProvisionOrder,
  type Update,
  type Usage,
  type Withdraw,
} from "./kit/definition.ts";
export { ProvisioningError, type ProvisioningErrorCode } from "./kit/error.ts";
export { LoopbackError } from "./kit/loopback.ts";
export type { ProviderKit } from "./kit/kit.ts";
export type { ProviderOptions, TrustedOrchestrator } from "./kit/options.ts";
export { createProvider, type Provider } from "./kit/provider.ts";
export { type ProviderServer, startProvider, type StartOptions } from "./kit/start.ts";
export { ProviderOptionsError } from "./kit/usable-options.ts";
export type { Settings } from "./kit/settings.ts";
export type { Held, Priced, Quoted, SettledSale, Sold, Till, Ware } from "./kit/till.ts";
