/**
 * `add_service`: has a service of the catalog for the project. One with a `create` operation is bought at its provider's own
 * API; every other is added by the orchestrator. Either way the same arguments never add or pay twice.
 */
import { setTimeout as wait } from "node:timers/promises";
import { z } from "zod";
import { findService, purchaseId, isGone } from "../../protocol/index.ts";
import { AgentError } from "../agent-error.ts";
import { buy } from "../buy.ts";
import type { Session } from "../session.ts";
import type { ToolDefinition } from "./tool.ts";

const Input = z.object({
  service: z.string().max(160).describe("Such as provider/service, as the catalog writes it."),
  configuration: z
    .record(z.string().max(64), z.string().max(1000))
    .default({})
    .describe("Its fields by name, as the catalog's configuration lists them; {} for none."),
});
type Input = z.output<typeof Input>;

export const addService = {
  name: "add_service",
  description:
    "Adds a service to the project, and pays its price if it has one. Safe to repeat with the same arguments.",
  input: Input,
  async run({ service: reference, configuration: given }, session) {
    const configuration = inOneWriting(given);
    const { provider, service } = findService(await session.catalog(), reference);
    if (!("create" in service.operations))
      return addResource({ service: reference, configuration }, session);
    const { result, record } = await buy(session, { reference, provider, service, configuration });
    return {
      service: reference,
      status: "complete",
      ...(record
        ? {
            payment: {
              state: record.state,
              amount: record.amount,
              asset: record.asset,
              ...(record.transaction === undefined ? {} : { transaction: record.transaction }),
            },
          }
        : {}),
      untrusted_result: result,
    };
  },
} satisfies ToolDefinition<Input, unknown>;

/** A domain is the same in every writing, and so must be its purchase. */
function inOneWriting(configuration: Record<string, string>): Record<string, string> {
  const domain = configuration["domain"];
  if (domain === undefined) return configuration;
  return { ...configuration, domain: domain.trim().toLowerCase().replace(/\.$/, "") };
}

/** Some resources take a while to be made; the same order asks how far it is. */
const PENDING = { asks: 20, pauseMs: 500 } as const;

async function addResource({ service, configuration }: Input, session: Session) {
  const project = await session.projectId();
  // Derived from what is added, so that a repeated call, also in a resumed run, is the same order.
  const identity = { project, service, operation: "add", inputs: configuration };
  const order = { service, configuration, idempotency_key: purchaseId(identity) };
  for (let ask = 0; ask < PENDING.asks; ask += 1) {
    const resource = await session.orchestrator.add(project, order);
    const { id, status } = resource;
    if (status === "complete") return { service, status, resource: id };
    if (isGone(resource)) break;
    await wait(PENDING.pauseMs, undefined, { signal: session.options.signal });
  }
  throw new AgentError("SERVICE_PENDING", {
    problem: `${service} was ordered and is not ready yet.`,
    nextStep: "Call add_service again with the same arguments.",
  });
}
