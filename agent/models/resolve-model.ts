/**
 * From the name that a person gives a model to the model. Only a name with its provider in front is taken: the AI SDK would
 * send a bare one to a gateway on the internet. Providers' packages load when they are chosen.
 */
import type { LanguageModel } from "ai";
import { plannerModel } from "../planner/planner-model.ts";
import { AgentError } from "../agent-error.ts";
import { noopModel } from "./noop-model.ts";

export interface ResolvedModel {
  model: LanguageModel;
  /** The name it was chosen by. */
  name: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

interface Family {
  form: string;
  pattern: RegExp;
  open(id: string, env: Environment): Promise<LanguageModel> | LanguageModel;
}

const FAMILIES: readonly Family[] = [
  { form: "planner", pattern: /^(planner)$/, open: () => plannerModel() },
  { form: "naive", pattern: /^(naive)$/, open: () => plannerModel({ naive: true }) },
  { form: "noop", pattern: /^(noop)$/, open: () => noopModel() },
  { form: "openai:<id>", pattern: /^openai:(.+)$/, open: openai },
  { form: "compatible:<base URL>#<id>", pattern: /^compatible:(.+)$/, open: compatible },
];

/** The forms of names that `resolveModel` takes. */
export const MODEL_FORMS: readonly string[] = FAMILIES.map(({ form }) => form);

/** Opens a model by name, or throws `MODEL_UNKNOWN` or `MODEL_KEY_MISSING`. Nothing is sent yet. */
export async function resolveModel(
  name: string,
  { env }: { env: Environment },
): Promise<ResolvedModel> {
  for (const family of FAMILIES) {
    const id = family.pattern.exec(name)?.[1];
    if (id !== undefined) return { model: await family.open(id, env), name };
  }
  throw unknownModel(`There is no model "${name.slice(0, 200)}".`);
}

async function openai(id: string, env: Environment): Promise<LanguageModel> {
  const apiKey = env["OPENAI_API_KEY"];
  if (!apiKey) {
    throw new AgentError("MODEL_KEY_MISSING", {
      problem: `The model "openai:${id}" needs an API key, and OPENAI_API_KEY is not set.`,
      nextStep: 'Set OPENAI_API_KEY, or use the model "planner", which needs no key.',
    });
  }
  const baseURL = env["OPENAI_BASE_URL"];
  if (baseURL !== undefined && baseURL !== "" && !isHttpUrl(baseURL)) {
    throw unknownModel("OPENAI_BASE_URL is not an http(s) URL.");
  }
  const { createOpenAI } = await import("@ai-sdk/openai");
  return createOpenAI({ apiKey, ...(baseURL ? { baseURL } : {}) })(id);
}

/** Chat completions at any base URL: Ollama, vLLM, llama.cpp. A key is sent only where one is set for it. */
async function compatible(place: string, env: Environment): Promise<LanguageModel> {
  const hash = place.indexOf("#");
  const [baseURL, id] = hash < 0 ? [place, ""] : [place.slice(0, hash), place.slice(hash + 1)];
  if (!isHttpUrl(baseURL) || id === "") {
    throw unknownModel(`"compatible:${place.slice(0, 200)}" does not name a base URL and an id.`);
  }
  const { createOpenAICompatible } = await import("@ai-sdk/openai-compatible");
  const apiKey = env["COMPATIBLE_API_KEY"];
  return createOpenAICompatible({
    name: "compatible",
    baseURL,
    includeUsage: true,
    ...(apiKey ? { apiKey } : {}),
  })(id);
}

function isHttpUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  // The name of a model is written down; a password in it would be too.
  return /^https?:$/.test(protocol) && username === "" && password === "";
}

function unknownModel(problem: string): AgentError {
  return new AgentError("MODEL_UNKNOWN", {
    problem,
    nextStep: `Use one of: ${MODEL_FORMS.join(", ")}; such as compatible:http://127.0.0.1:11434/v1#llama3.`,
  });
}
