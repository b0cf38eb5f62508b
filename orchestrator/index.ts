/** The signed-in user's side: identity, approvals, catalogs, caps, vault, and the desk where an agent's run asks for things. */
export type { AskRecord } from "./approvals.ts";
export { OrchestratorError, type OrchestratorErrorCode } from "./error.ts";
export type { CatalogReading } from "./merged-catalog.ts";
export { createOrchestrator, type Orchestrator, type OrchestratorOptions } from "./orchestrator.ts";
export type { PaymentReport, ProjectOverview } from "./project-views.ts";
export type { Cap, Project } from "./projects.ts";
export type { User } from "./people.ts";
export type { PlainProvider } from "./plain-catalog.ts";
export type { Identify } from "./sessions.ts";
export {
  type LocalIssuer,
  type LocalIssuerOptions,
  startLocalIssuer,
} from "./sign-in/local-issuer.ts";
export type { SignInOptions } from "./sign-in/sign-in.ts";
export type { Wallets } from "./payment-method.ts";
export type { RunOrder, StartedRun } from "./runs.ts";
export {
  type OrchestratorServer,
  startOrchestrator,
  type StartOrchestratorOptions,
} from "./server.ts";
export type { SecretRead } from "./vault.ts";
