/** The agent: a model, typed tools and a loop that takes a goal to a live URL, and the record of how it went. */
export { AgentError, type AgentErrorCode } from "./agent-error.ts";
export type { AgentResult, StopReason } from "./agent-result.ts";
export type { Outcome } from "./finish.ts";
export { MODEL_FORMS, resolveModel, type ResolvedModel } from "./models/resolve-model.ts";
export { preloadAgent, runAgent, type RunAgentOptions } from "./run-agent.ts";
export { openTrace, readTrace, type TraceFile } from "./trace-file.ts";
