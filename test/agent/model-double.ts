/**
 * A model at the end of a wire: aimock speaks the Responses API and chat completions over real HTTP, and plays a script. Its
 * next step follows from how many tool results the request holds, as a real model's follows from the conversation.
 */
import { type ChatCompletionRequest, LLMock } from "@copilotkit/aimock";

export interface ScriptedStep {
  calls: [tool: string, input: object][];
}

export interface ModelDouble extends AsyncDisposable {
  /** With "/v1". */
  baseUrl: string;
  mock: LLMock;
  /** Everything that was sent to the model, as text. */
  sent(): string;
}

/** Usage that each answer reports, in the words of either API. */
export const USAGE = { input: 100, output: 7 };

export async function openModel(script: ScriptedStep[]): Promise<ModelDouble> {
  const mock = new LLMock({ port: 0, host: "127.0.0.1" });
  mock.on({}, (request: ChatCompletionRequest) => {
    const usage = {
      prompt_tokens: USAGE.input,
      completion_tokens: USAGE.output,
      input_tokens: USAGE.input,
      output_tokens: USAGE.output,
      total_tokens: USAGE.input + USAGE.output,
    };
    let results = request.messages.filter(({ role }) => role === "tool").length;
    for (const { calls } of script) {
      if (results === 0) {
        const toolCalls = calls.map(([name, input]) => ({
          name,
          arguments: JSON.stringify(input),
        }));
        return { toolCalls, usage };
      }
      results -= calls.length;
    }
    return { content: "I have nothing to add.", usage };
  });
  await mock.start();
  return {
    baseUrl: `${mock.url}/v1`,
    mock,
    sent: () => JSON.stringify(mock.getRequests().map(({ body }) => body)),
    [Symbol.asyncDispose]: () => mock.stop(),
  };
}

/** What a sensible model does for "a page for Nimbus Coffee on nimbus.dev" at the harbour. */
export const LANDING_SCRIPT: ScriptedStep[] = [
  {
    calls: [
      ["search_catalog", {}],
      ["look_at_project", {}],
    ],
  },
  { calls: [["check_domain", { service: "harbour/name:plate", domain: "nimbus.dev" }]] },
  { calls: [["add_service", { service: "harbour/berth", configuration: {} }]] },
  {
    calls: [
      ["add_service", { service: "harbour/name:plate", configuration: { domain: "nimbus.dev" } }],
    ],
  },
  {
    calls: [
      [
        "deploy_worker",
        {
          service: "harbour/berth",
          name: "nimbus",
          domain: "nimbus.dev",
          source: 'export default { fetch: () => new Response("<h1>Nimbus Coffee</h1>") };',
        },
      ],
    ],
  },
  { calls: [["verify_url", { path: "/", expect_text: "Nimbus Coffee" }]] },
  { calls: [["finish", { outcome: "live" }]] },
];
