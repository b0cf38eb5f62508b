/** The orchestrator as a server of its own on the loopback interface, for the agent and the providers to reach. */
import type { AddressInfo } from "node:net";
import type { Server } from "node:http";
import express from "express";
import { createOrchestrator, type Orchestrator, type OrchestratorOptions } from "./orchestrator.ts";
import { OrchestratorError } from "./error.ts";

export interface OrchestratorServer extends AsyncDisposable {
  /** Such as "http://127.0.0.1:4100". */
  readonly url: string;
  readonly orchestrator: Orchestrator;
  close(): Promise<void>;
}

export interface StartOrchestratorOptions extends OrchestratorOptions {
  /** A free one by default. */
  port?: number;
}

/** Opens the orchestrator and listens on 127.0.0.1; throws `PORT_UNAVAILABLE` when the port is taken. */
export async function startOrchestrator({
  port = 0,
  signIn,
  ...options
}: StartOrchestratorOptions): Promise<OrchestratorServer> {
  let url = "";
  const orchestrator = await createOrchestrator({
    ...options,
    ...(signIn && { signIn: { publicUrl: () => url, ...signIn } }),
  });
  const app = express();
  app.disable("x-powered-by");
  app.use(orchestrator.router);
  let server: Server;
  try {
    server = await listen(app, port);
  } catch (cause) {
    await orchestrator.close();
    throw new OrchestratorError("PORT_UNAVAILABLE", {
      problem: `The orchestrator cannot listen on 127.0.0.1:${port}.`,
      nextStep: "Stop what uses the port, or choose another one.",
      cause,
    });
  }
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const close = async () => {
    await stop(server);
    await orchestrator.close();
  };
  return { url, orchestrator, close, [Symbol.asyncDispose]: close };
}

function listen(app: express.Express, port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = app.listen(port, "127.0.0.1", (error) =>
      error ? reject(error) : resolve(server),
    );
  });
}

function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
