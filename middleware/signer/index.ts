/** What holds the key: it signs authorizations that agree with what was agreed, within limits of its own, and counts them. */
export { accountSigner, type AccountSignerOptions } from "./account-signer.ts";
export type { CountedSigner } from "./counted-signer.ts";
export {
  DEFAULT_SIGNER_LIMITS,
  type SignedTotals,
  type Signer,
  type SignerLimits,
  type SignIntent,
} from "./intent.ts";
export {
  type SignerProcess,
  type SignerProcessOptions,
  startSignerProcess,
} from "./signer-process.ts";
