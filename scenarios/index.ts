/** Stories for an agent with money: their format, the world they run in, the runner, its record and the evaluation. */
export { evaluate, type EvaluatedRun, type EvaluationOptions } from "./eval/evaluate.ts";
export { type Score, scoreRuns } from "./eval/scores.ts";
export { type Interval, wilsonInterval } from "./eval/wilson.ts";
export {
  checkScenario,
  parseScenario,
  readScenario,
  ScenarioError,
  type ScenarioErrorCode,
  type ScenarioProblem,
} from "./format/parse-scenario.ts";
export { FrontMatter, type Scenario, sentenceScenario } from "./format/scenario.ts";
export { SCENARIO_TEMPLATE } from "./format/template.ts";
export { fillVocabulary, scenarioJsonSchema } from "./format/vocabulary.ts";
export { renderReport, type ReportSource } from "./report/report.ts";
export {
  chooseWorkspace,
  FilesError,
  prepareRun,
  type RunPlan,
  type RunRequest,
} from "./run/prepare-run.ts";
export { RecordError, type RecordErrorCode } from "./run/run-record.ts";
export {
  type Check,
  emptyResult,
  type Outcome,
  type ResultAsk,
  type ResultPayment,
  type RunResult,
  type WorldAddresses,
} from "./run/run-result.ts";
export { type FinishedRun, runScenario, type RunScenarioOptions } from "./run/run-scenario.ts";
export { LOCAL_DEFAULT_POLICY, scriptedHuman } from "./run/scripted-human.ts";
export {
  findSharedWorld,
  type SharedRunOptions,
  type SharedWorld,
} from "./shared-world/use-shared-world.ts";
export {
  SharedWorldError,
  shareWorld,
  type SharedWorldErrorCode,
} from "./shared-world/share-world.ts";
export { type Buyer, openBuyer } from "./world/buyer.ts";
export { joinWallet } from "./world/join-wallet.ts";
export { openKeyFile } from "./world/key-file.ts";
export { ISSUER, USER } from "./world/parts.ts";
export { markRestored, removeMark, restoredAt } from "./world/restored-mark.ts";
export {
  type JoinedWallet,
  openWalletFolder,
  walletFiles,
  type WalletFolderOptions,
} from "./world/wallet-folder.ts";
export { openWorld, type OpenWorldOptions, type World } from "./world/world.ts";
export { WorldError, type WorldErrorCode, type WorldPart } from "./world/world-error.ts";
