/** Verifies and settles x402 payments on a chain, each exactly once. */
export type { SettleAnswer, SupportedAnswer, VerifyAnswer } from "./answers.ts";
export { createFacilitator, type Facilitator } from "./facilitator.ts";
export { gasAccount } from "./gas-account.ts";
export type { HealthAnswer } from "./health.ts";
export { facilitatorApp } from "./http.ts";
export type { FacilitatorEvent, FacilitatorLog } from "./log.ts";
export { FacilitatorError, type FacilitatorErrorCode } from "./network.ts";
export type { FacilitatorOptions } from "./options.ts";
export { readAsset, type ReadAssetOptions } from "./read-asset.ts";
export { REFUSALS, type RefusalReason } from "./refusal.ts";
export {
  type RunningFacilitator,
  startFacilitator,
  type StartFacilitatorOptions,
} from "./start.ts";
