/** A person's own program, such as the command line: it calls the orchestrator with a session's token. */
import type { Orchestrator, User } from "../../orchestrator/index.ts";
import type { Answer } from "./desk-world.ts";

export interface Caller {
  get(path: string): Promise<Answer>;
  post(path: string, body: unknown): Promise<Answer>;
  put(path: string, body: unknown): Promise<Answer>;
  delete(path: string): Promise<Answer>;
}

interface Desk {
  server: { url: string; orchestrator: Pick<Orchestrator, "startSession"> };
  clock: { now: number };
}

/** `server` is read at each call, because a world may open it anew. */
export function openSession(world: Desk, session: { user?: User; agent?: string } = {}): Caller {
  const expiresAt = world.clock.now + 3_600_000;
  const token = world.server.orchestrator.startSession({ agent: "cli", expiresAt, ...session });
  const call = async (method: string, path: string, body?: unknown): Promise<Answer> => {
    const response = await fetch(`${world.server.url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token.reveal()}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as Answer["body"] };
  };
  return {
    get: (path) => call("GET", path),
    post: (path, body) => call("POST", path, body),
    put: (path, body) => call("PUT", path, body),
    delete: (path) => call("DELETE", path),
  };
}
