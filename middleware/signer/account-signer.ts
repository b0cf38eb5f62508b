/** A signer in this process: for tests, and for KMS-like accounts of viem's, which hold the key elsewhere. */
import type { LocalAccount } from "viem/accounts";
import { type Asset, BASE_SEPOLIA_USDC } from "../../protocol/asset.ts";
import { authorizationTypedData } from "../../protocol/transfer-authorization.ts";
import { type CountedSigner, countedSigner } from "./counted-signer.ts";
import { CounterFile } from "./counter-file.ts";
import { DEFAULT_SIGNER_LIMITS, type SignerLimits } from "./intent.ts";

export interface AccountSignerOptions {
  /** The one token that it signs for. */
  readonly asset?: Asset;
  /** Over `DEFAULT_SIGNER_LIMITS`. */
  readonly limits?: Partial<SignerLimits>;
  /** Where it counts what it signs; only in this process's memory unless given. */
  readonly counterFile?: string;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

/** A signer over an account, with the checks, the limits and the counter of the signer process. */
export function accountSigner(
  account: Pick<LocalAccount, "address" | "signTypedData">,
  { asset = BASE_SEPOLIA_USDC, limits, counterFile, now }: AccountSignerOptions = {},
): CountedSigner {
  const { address } = account;
  const file =
    counterFile === undefined
      ? undefined
      : new CounterFile({
          path: counterFile,
          identity: { network: asset.network, asset: asset.address, address },
          // Its key is out of reach, so the seals only show damage, and not who wrote a line.
          sealKey: new TextEncoder().encode(address.toLowerCase()),
        });
  return countedSigner({
    asset,
    address,
    limits: { ...DEFAULT_SIGNER_LIMITS, ...limits },
    signAuthorization: (authorization) =>
      account.signTypedData(authorizationTypedData(asset, authorization)),
    file,
    now,
  });
}
