/** The last stages of a plan: write the Worker or take the user's folder, serve it, see it answer, and finish. */
import { z } from "zod";
import type { Decision } from "../models/scripted-model.ts";
import type { Facts } from "./facts.ts";
import type { Goal } from "./goal.ts";
import type { PastCall } from "./history.ts";
import { reactTo } from "./reaction.ts";
import { siteName } from "./site-name.ts";
import type { Stack } from "./stack.ts";
import { call, live, stop, type ToolCall } from "./step.ts";
import { writeWorker } from "./worker/worker-source.ts";

const MAX_TRIES = 3;

const DeployInput = z.object({ domain: z.string().optional() });
const VerifyOutput = z.object({ ok: z.boolean(), status: z.number(), url: z.string() });

/** `remarks` are what the person should know besides, once the site is live. */
export function deployAndVerify(
  goal: Goal,
  stack: Stack,
  { calls }: Facts,
  remarks: readonly string[],
): Decision {
  // The site that is shown to be live is the one deployed last: the first choice among the domains.
  const hostnames = stack.domains.map(({ hostname }) => hostname).toReversed();
  for (const hostname of hostnames.length > 0 ? hostnames : [undefined]) {
    const tries = calls.filter(
      (past) =>
        past.tool === "deploy_worker" &&
        DeployInput.safeParse(past.input).data?.domain === hostname,
    );
    if (tries.some(({ error }) => !error)) continue;
    const error = tries.at(-1)?.error;
    if (error && (reactTo(error).kind !== "again" || tries.length >= MAX_TRIES)) {
      return stop("failed", "deploy_failed", `The site could not be deployed: ${error.problem}`);
    }
    return call(
      `Deploying the site${hostname === undefined ? "" : ` to ${hostname}`}.`,
      deployCall(goal, stack, hostname),
    );
  }
  return verify(goal, calls, remarks);
}

function deployCall(goal: Goal, stack: Stack, hostname: string | undefined): ToolCall {
  const { content, storage, folder } = goal;
  return {
    tool: "deploy_worker",
    input: {
      service: stack.hosting?.service,
      name: siteName(goal),
      ...(hostname === undefined ? {} : { domain: hostname }),
      ...(folder === undefined
        ? { source: writeWorker({ content, storage, hostname }) }
        : { folder }),
      ...(stack.storage ? { storage: [stack.storage.service] } : {}),
    },
  };
}

function verify(goal: Goal, calls: readonly PastCall[], remarks: readonly string[]): Decision {
  const checks = checksOf(goal);
  const since = calls.slice(calls.findLastIndex(({ tool }) => tool === "deploy_worker") + 1);
  const made = since.filter(({ tool }) => tool === "verify_url");
  const last = made.slice(-checks.length);
  const failed = last.find(({ output }) => !VerifyOutput.safeParse(output).data?.ok);
  if (made.length > 0 && !failed) return live(remarks);
  if (made.length < MAX_TRIES * checks.length) return call("Does the site answer?", ...checks);
  const output = VerifyOutput.safeParse(failed?.output).data;
  const what = output
    ? `${output.url} answered ${output.status}, not as expected`
    : (failed?.error?.problem ?? "no answer");
  return stop("failed", "deploy_failed", `The site is deployed and does not work: ${what}.`);
}

/** What the site must do: show the goal's words, and give back what was written. The check leaves nothing behind. */
function checksOf({ content, storage, folder }: Goal): ToolCall[] {
  const text = folder === undefined ? { expect_text: content.says[0] ?? content.name } : {};
  const page = { tool: "verify_url", input: { path: "/", ...text } };
  if (folder !== undefined || !storage) return [page];
  if (storage.collections.length === 0)
    return [page, { tool: "verify_url", input: { path: "/counter", expect_text: "count" } }];
  const path = `${storage.collections[0]}/purser-check`;
  const body = '{"text":"written by the check of the deployment"}';
  return [
    page,
    { tool: "verify_url", input: { path, method: "PUT", body } },
    { tool: "verify_url", input: { path, expect_text: body } },
    { tool: "verify_url", input: { path, method: "DELETE" } },
  ];
}
