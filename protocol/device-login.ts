/**
 * How a program without a browser gets a session of its orchestrator (RFC 8628): it shows the person an address and a code, the
 * person consents on any device, and the program asks until it has the session's token.
 */
import { z } from "zod";
import { parseJson, readBody } from "./bounded-body.ts";
import { PurserError } from "./error.ts";
import { OrchestratorClientError } from "./orchestrator-call.ts";
import { Secret } from "./secret.ts";

const text = (max: number) => z.string().min(1).max(max);

/** RFC 8628, section 3.2. */
export const DeviceAuthorization = z.looseObject({
  device_code: text(500),
  user_code: text(50),
  verification_uri: z.url().max(2000),
  verification_uri_complete: z.url().max(2000).optional(),
  /** Seconds. */
  expires_in: z.number().positive(),
  interval: z.number().positive().default(5),
});
export type DeviceAuthorization = z.output<typeof DeviceAuthorization>;

const Token = z.looseObject({
  access_token: text(8192),
  expires_in: z.number().positive().optional(),
});
const Refusal = z.looseObject({ error: text(100) });

export interface DeviceLoginOptions {
  /** The orchestrator's base URL. */
  url: string;
  fetch: typeof fetch;
  signal: AbortSignal;
}

const MAX_ANSWER_BYTES = 64 * 1024;
const GRANT = "urn:ietf:params:oauth:grant-type:device_code";

/** `clientName` is what the person sees as asking. */
export async function startDeviceLogin(
  clientName: string,
  options: DeviceLoginOptions,
): Promise<DeviceAuthorization> {
  const { answer } = await post("/v1/device_authorization", { client_id: clientName }, options);
  const { data, error } = DeviceAuthorization.safeParse(answer);
  if (data) return data;
  throw new OrchestratorClientError("ORCHESTRATOR_ANSWER_INVALID", {
    problem: "The orchestrator offers no sign-in by device code.",
    nextStep: "Ask whoever runs the orchestrator how its users sign in.",
    cause: error,
  });
}

export type DeviceLogin =
  | { state: "signed_in"; token: Secret }
  /** `slow_down` asks for five more seconds between two asks, from now on. */
  | { state: "pending" | "slow_down" | "declined" | "expired" };

/** Asks once whether the person has consented; `ORCHESTRATOR_UNREACHABLE` where that is not answered, and may be asked again. */
export async function pollDeviceLogin(
  { device_code }: Pick<DeviceAuthorization, "device_code">,
  clientName: string,
  options: DeviceLoginOptions,
): Promise<DeviceLogin> {
  const form = { grant_type: GRANT, device_code, client_id: clientName };
  const { ok, answer } = await post("/v1/token", form, options);
  const token = ok ? Token.safeParse(answer).data : undefined;
  if (token) return { state: "signed_in", token: new Secret(token.access_token) };
  const refusal = Refusal.safeParse(answer).data?.error ?? "";
  return { state: STATES[refusal] ?? "expired" };
}

/** RFC 8628, section 3.5. Whatever else is answered ends the login, as an expired code does. */
const STATES: Readonly<Record<string, "pending" | "slow_down" | "declined">> = {
  authorization_pending: "pending",
  slow_down: "slow_down",
  access_denied: "declined",
};

async function post(
  path: string,
  form: Record<string, string>,
  { url, fetch, signal }: DeviceLoginOptions,
): Promise<{ ok: boolean; answer: unknown }> {
  try {
    const response = await fetch(url.replace(/\/$/, "") + path, {
      method: "POST",
      body: new URLSearchParams(form),
      redirect: "error",
      signal: AbortSignal.any([signal, AbortSignal.timeout(30_000)]),
    });
    const text = await readBody(response, MAX_ANSWER_BYTES);
    // Not an answer to the question: what stands between may be ill for a moment.
    if (response.status >= 500) throw new Error(`It answered ${response.status}.`);
    return { ok: response.ok, answer: parseJson(text) };
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof PurserError) throw cause;
    throw new OrchestratorClientError("ORCHESTRATOR_UNREACHABLE", {
      problem: `The orchestrator at ${url} did not answer.`,
      nextStep: "See that it is up, and ask again.",
      cause,
    });
  }
}
