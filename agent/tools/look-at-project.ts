/** `look_at_project`: what the project has and may still spend, so that nothing is bought twice. */
import { z } from "zod";
import type { ToolDefinition } from "./tool.ts";

export const lookAtProject = {
  name: "look_at_project",
  description:
    "Shows the project: budget left, accounts, resources, purchases, and the spending cap of each provider. What is already there must not be bought again.",
  input: z.object({}),
  async run(_input, session) {
    const { budget, connections, resources, purchases, spend, payment_method } =
      await session.readProject();
    return {
      budget,
      has_payment_method: payment_method !== null,
      connections: connections.map(({ provider, account_id }) => ({ provider, account_id })),
      // How code reaches a resource is filled in when a Worker is deployed; the model need not see it.
      resources: resources.map(({ id, service, status, configuration }) => ({
        id,
        service,
        status,
        configuration,
      })),
      purchases,
      spend,
    };
  },
} satisfies ToolDefinition<object, unknown>;
