/** Runs an agent against doubles of an orchestrator and a provider, and keeps all that it wrote down. */
import type { LanguageModel } from "ai";
import type { AgentResult } from "../../agent/index.ts";
import { resolveModel, runAgent, type RunAgentOptions } from "../../agent/index.ts";
import type { TraceEvent } from "../../protocol/index.ts";
import { type Desk, type DeskOptions, openDesk } from "./desk-double.ts";
import { openShop, type Shop, type ShopOptions } from "./shop-double.ts";

export interface TestWorld extends AsyncDisposable {
  shop: Shop;
  desk: Desk;
}

export async function openTestWorld({
  shop: shopOptions = {},
  ...deskOptions
}: Omit<DeskOptions, "shops"> & { shop?: ShopOptions } = {}): Promise<TestWorld> {
  const shop = await openShop(shopOptions);
  const desk = await openDesk({ shops: [shop], ...deskOptions });
  return {
    shop,
    desk,
    async [Symbol.asyncDispose]() {
      await Promise.all([shop.close(), desk.close()]);
    },
  };
}

export async function run(
  desk: Pick<Desk, "url" | "token">,
  goal: string,
  {
    model,
    modelName = "planner",
    ...options
  }: Partial<RunAgentOptions> & { model?: LanguageModel } = {},
): Promise<AgentResult & { events: TraceEvent[]; tools: string[] }> {
  const events: TraceEvent[] = [];
  const result = await runAgent({
    goal,
    model: model ?? (await resolveModel(modelName, { env: {} })).model,
    modelName,
    orchestratorUrl: desk.url,
    token: desk.token,
    trace: { append: (event) => void events.push(event) },
    maxRetries: 0,
    timeoutMs: 20_000,
    ...options,
  });
  const tools = events.flatMap((event) => (event.type === "tool" ? [event.name] : []));
  return { ...result, events, tools };
}
