/** What the parties agree on: money, 402 messages, catalog, mandate, provisioning, errors. Pure: no I/O, no clock. */
export { addAsset, ASSETS, type Asset, BASE_SEPOLIA_USDC, BASE_USDC, findAsset } from "./asset.ts";
export {
  type Authorization,
  authorizationTypedData,
  encodePayment,
  type ExactPayload,
  type PaymentHeader,
  readExactPayload,
  readSettleResponse,
  SettleResponse,
  TRANSFER_WITH_AUTHORIZATION,
} from "./authorization.ts";
export { parseJson, readBody } from "./bounded-body.ts";
export {
  CAPABILITIES,
  Catalog,
  CatalogError,
  type CatalogErrorCode,
  CatalogProvider,
  findService,
  mayBeFree,
  Operation,
  Price,
  priceOf,
  pricesOf,
  Pricing,
  ProviderProfile,
  Service,
  ServicesPage,
  underPlans,
} from "./catalog.ts";
export {
  DeviceAuthorization,
  type DeviceLogin,
  pollDeviceLogin,
  startDeviceLogin,
} from "./device-login.ts";
export { escapeHtml } from "./escape-html.ts";
export { type ErrorBody, type ErrorText, PurserError, toErrorBody } from "./error.ts";
export type { Human, HumanAnswer, HumanAsk, HumanAskKind } from "./human.ts";
export {
  IdentityAssertionClaims,
  IdentityAssertionError,
  signIdentityAssertion,
  verifyIdentityAssertion,
} from "./identity-assertion.ts";
export {
  MandateClaims,
  MandateError,
  type SigningKey,
  signMandate,
  verifyMandate,
} from "./mandate.ts";
export { AmountError, formatDecimal, parseAtomic, parseDecimal } from "./money.ts";
export {
  encodeMppPayment,
  type MppChallenge,
  type MppChallengeSource,
  mppNonce,
  type MppOffer,
  parseMppChallenges,
  readMppReceipt,
} from "./mpp.ts";
export {
  CHALLENGE_LIMITS,
  ChallengeError,
  type ChallengeErrorCode,
  type ChallengeSource,
  decodeJson,
  encodeJson,
  type Offer,
  type OfferTerms,
  parseChallenge,
  readOffer,
  type X402Version,
} from "./offer.ts";
export { orderOffer, OrderedOffer, readOrderedOffer } from "./ordered-offer.ts";
export {
  buildRequest,
  type OperationCall,
  type OperationRequest,
  readReturns,
} from "./operation.ts";
export {
  CatalogEnvelope,
  Connection,
  Credential,
  Delegation,
  DelegationOrder,
  isGone,
  OutcomeReport,
  PurchaseAnswer,
  PurchaseOrder,
  PurchaseRecord,
  PurchaseState,
  Question,
  Resource,
  ResourceOrder,
  Spend,
} from "./orchestrator-api.ts";
export {
  OrchestratorClientError,
  type OrchestratorClientErrorCode,
  type OrchestratorClientOptions,
} from "./orchestrator-call.ts";
export { type Account, OrchestratorClient, type ServiceFilter } from "./orchestrator-client.ts";
export {
  AccountRequest,
  AccountResponse,
  PlainAccountRequest,
  RequiresAuth,
  TermsEvidence,
  TokenResponse,
} from "./provisioning.ts";
export { type PurchaseIdentity, purchaseId } from "./purchase.ts";
export {
  API_VERSION,
  API_VERSION_HEADER,
  digestOf,
  type RequestClaims,
  SIGNATURE_HEADER,
  SignatureError,
  type SignedRequest,
  signRequest,
  verifyRequestSignature,
} from "./request-signature.ts";
export {
  ProvisioningQuote,
  QUOTE_PURPOSES,
  quoteHash,
  QuoteRequest,
} from "./provisioning-quote.ts";
export {
  DeepLink,
  DeepLinkRequest,
  ResourceBilling,
  ResourceLinkRequest,
  ResourceRenewal,
  ResourceRequest,
  ResourceResponse,
  ResourceUpdate,
  variableName,
} from "./resource.ts";
export { HMAC_HEADER, signHmac, verifyHmac } from "./hmac-signature.ts";
export { Secret } from "./secret.ts";
export { typedValues, valuesError } from "./typed-values.ts";
export { providerOf, serviceIdOf } from "./service-reference.ts";
export {
  AddOrder,
  AgentScope,
  CapOrder,
  ChangedConsent,
  Confirmation,
  ConnectionList,
  ConnectionOrder,
  ConnectionView,
  ConsentList,
  ConsentOrder,
  ConsentView,
  DeepLinkOrder,
  EnvView,
  InformationOrder,
  LinkOrder,
  LlmContext,
  Preflight,
  ProjectList,
  ProjectOrder,
  ProjectStatus,
  ProjectSummary,
  ProviderAddress,
  ProviderList,
  ProviderView,
  Quote,
  QuoteOrder,
  RemoveOrder,
  RenewOrder,
  ResourceAccess,
  ResourceList,
  RotateOrder,
  RunGrant,
  SecretReads,
  ServiceListing,
  ServicesEnvelope,
  SessionView,
  SpendHistory,
  Unlinked,
  UpdateOrder,
  Variable,
  VariableList,
  VariableName,
  VariableOrder,
  VariableValue,
} from "./session-api.ts";
export type { Trace, TraceEvent, TraceLine } from "./trace.ts";
