/** Reading an EVM chain, proofs of settlement, and the local chain (anvil with its EIP-3009 token). */
export {
  type AuthorizationProof,
  type ProvableAuthorization,
  readAuthorization,
  type ReadAuthorizationOptions,
  readOutcome,
} from "./authorization-proof.ts";
export {
  type Chain,
  openChain,
  type OpenChainOptions,
  type SearchOptions,
  type Transfer,
} from "./chain.ts";
export { ChainError, type ChainErrorCode, reading } from "./error.ts";
export { type JsonRpc, openJsonRpc, RpcRefusal } from "./json-rpc.ts";
export { fundAddress, type FundOptions } from "./local/funding.ts";
export type { LocalChain, LocalChainOptions } from "./local/local-chain.ts";
export { startLocalChain } from "./local/start.ts";
export type { EventLog } from "./receipt.ts";
export { TOKEN_ABI } from "./token-abi.ts";
