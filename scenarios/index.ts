/** Stories for an agent with money: their format, the world they run in, the runner, its record and the evaluation. */
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
export type {
  Check,
  Outcome,
  ResultAsk,
  ResultPayment,
  RunResult,
  WorldAddresses,
} from "./run/run-result.ts";
export { fillVocabulary, scenarioJsonSchema } from "./format/vocabulary.ts";
export { type Interval, wilsonInterval } from "./eval/wilson.ts";
export { renderReport, type ReportSource } from "./report/report.ts";
