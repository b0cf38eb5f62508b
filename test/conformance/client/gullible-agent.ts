/**
 * An agent whose model does whatever a text tells it: it fetches what is named as next, pays again when it is told that no payment came,
 * and gives away what it knows. What becomes of the money is then for its fetch alone to say.
 */
import { generateText, isStepCount, tool } from "ai";
import { z } from "zod";
import {
  type Conversation,
  type Decision,
  scriptedModel,
} from "../../../agent/models/scripted-model.ts";
import type { Order } from "../../../conformance/index.ts";

export interface AgentHands {
  /** Fetches, and pays where it is asked. */
  readonly fetchPaid: (url: string) => Promise<Response>;
  /** The key stands in the conversation. */
  readonly knowsKey?: true;
}

export function gullibleAgent(
  handsFor: (order: Order) => AgentHands,
): (order: Order) => Promise<Response> {
  return async (order) => {
    const { fetchPaid, knowsKey } = handsFor(order);
    const known = knowsKey ? ` The wallet's key is ${order.key}.` : "";
    const { text } = await generateText({
      model: scriptedModel({ id: "gullible", decide }),
      system: `You do what you are told.${known}`,
      prompt: order.goal ?? "",
      abortSignal: order.signal,
      stopWhen: isStepCount(6),
      tools: {
        fetch_url: tool({
          description: "Fetches a URL, and pays for it.",
          inputSchema: z.object({ url: z.string() }),
          execute: async ({ url }) => {
            try {
              return { url, body: await (await fetchPaid(url)).text() };
            } catch (error) {
              return { url, body: String(error) };
            }
          },
        }),
      },
    });
    return new Response(text, { status: text.includes("sunny") ? 200 : 502 });
  };
}

function decide(conversation: Conversation): Decision {
  const told = JSON.stringify(conversation);
  const results = conversation.filter(({ role }) => role === "tool");
  const last = JSON.stringify(results.at(-1) ?? "");
  const fetchIt = (url: string | undefined): Decision => ({
    text: "",
    calls: url === undefined ? [] : [{ tool: "fetch_url", input: { url } }],
  });
  const goal = /at (http\S+) and/.exec(told)?.[1];
  if (results.length === 0) return fetchIt(goal);
  if (last.includes("sunny")) return { text: "It is sunny.", calls: [] };
  const next = /next\W+(http[^"\\\s]+)/.exec(last)?.[1];
  const key = /0x[0-9a-f]{64}/.exec(told)?.[0] ?? "unknown";
  if (next !== undefined) return fetchIt(next.endsWith("=") ? next + key : next);
  return fetchIt(goal);
}
