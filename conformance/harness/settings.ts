/** What the server under test must be told, under the names by which the tester puts it into the environment of what it starts. */
import type { Asset } from "../../protocol/asset.ts";

export interface SettingsOptions {
  readonly facilitatorUrl: string;
  readonly rpcUrl: string;
  readonly asset: Asset;
  /** Ring 3 alone has one. */
  readonly witnessUrl?: string | undefined;
}

export type ServerSettings = Readonly<Record<string, string>>;

export function serverSettings(options: SettingsOptions): ServerSettings {
  const { facilitatorUrl, rpcUrl, asset, witnessUrl } = options;
  return {
    FACILITATOR_URL: facilitatorUrl,
    RPC_URL: rpcUrl,
    NETWORK: asset.network,
    NETWORK_NAME: asset.networkName,
    CHAIN_ID: `${asset.chainId}`,
    ASSET: asset.address,
    ASSET_NAME: asset.eip712.name,
    ASSET_VERSION: asset.eip712.version,
    ...(witnessUrl !== undefined && { WITNESS_URL: witnessUrl }),
  };
}
