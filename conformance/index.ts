/** The tester of 402-gated endpoints: its cases, the engine that runs them, and the reports. */
export { fetchText } from "./fetch-text.ts";
export { type BaselineEntry, parseEntry } from "./baseline.ts";
export { mergeReports } from "./merge.ts";
export { paidRoutes, type Route } from "./routes.ts";
export { check, type CheckOptions, type CheckProgress } from "./engine.ts";
export {
  type Case,
  LEVELS,
  type Level,
  PROFILES,
  type Profile,
  type Ring,
  type Verdict,
  VERDICTS,
} from "./case.ts";
export {
  conclusionOf,
  countsOf,
  idsText,
  nextStepOf,
  type Unjudged,
  unjudgedOf,
} from "./conclusion.ts";
export { CASES, findCase } from "./cases/catalog.ts";
export { type ChangeKind, diffReports, type ReportDiff, type VerdictChange } from "./diff.ts";
export { ConformanceError, type ConformanceErrorCode } from "./conformance-error.ts";
export type { Expectations } from "./context.ts";
export {
  fundedPayer,
  type FundedPayerOptions,
  type PayerMoney,
  type PayerSide,
} from "./pay/payer-side.ts";
export {
  type Harness,
  type HarnessOptions,
  openHarness,
  type ServerControl,
} from "./harness/harness.ts";
export {
  type ServedCommand,
  servedCommand,
  type ServedCommandOptions,
  startServed,
} from "./harness/served-command.ts";
export { serverSettings, type ServerSettings } from "./harness/settings.ts";
export { type LocalWorld, type LocalWorldOptions, openLocalWorld } from "./local-world.ts";
export { type ConformOptions, conformanceMatchers, type MatcherResult } from "./matcher.ts";
export { planCases } from "./plan.ts";
export type { ResolvedHost } from "./wire/address-kind.ts";
export {
  citation,
  routeText,
  type Report,
  ReportSchema,
  reportJsonSchema,
  type Result,
} from "./report.ts";
export { scopeOf, subjectOf } from "./subject.ts";
export { LEFT_OUT, type LeftOut } from "./cases/left-out.ts";
export { REPORT_FILES, REPORT_FORMATS, reportAs, type ReportFormat } from "./reports/formats.ts";
export { checkClient, type CheckClientOptions } from "./client/engine.ts";
export { AGENT_CASES, CLIENT_CASES, type ClientMode } from "./client/catalog.ts";
export type { ClientCase } from "./client/client-case.ts";
export { commandClient, type CommandClientOptions } from "./client/command.ts";
export { type Client, type ClientEnd, functionClient, type Order } from "./client/order.ts";
export {
  checkProvider,
  type CheckProviderOptions,
  PROVIDER_CASES,
  type ProviderReport,
  type ProviderResult,
} from "./provider/check-provider.ts";
export type { ProviderCase } from "./provider/case.ts";
export {
  newTesterIdentity,
  openProviderTester,
  type ProviderTester,
  TesterIdentity,
} from "./provider/tester.ts";
