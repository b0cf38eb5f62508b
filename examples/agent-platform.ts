/**
 * A platform with signed-in users becomes an orchestrator: `npx node examples/agent-platform.ts [provider-url…]`. The sign-in here is
 * the least that works on one machine; what matters is what `createOrchestrator` gets of it, and that is all there is to do.
 */
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import express, { type Request } from "express";
import { createOrchestrator, type User } from "../orchestrator/index.ts";
import { Secret } from "../protocol/index.ts";
import { openLedger } from "../store/index.ts";

export async function openPlatform({ dir, providers }: { dir: string; providers: string[] }) {
  const app = express();
  // What the platform has already: its users, and who is signed in.
  const signedIn = new Map<string, User>();
  app.post("/sign-in/:name", (request, response) => {
    const { name } = request.params;
    const user = { id: `usr_${name}`, email: `${name}@example.com`, name, emailVerified: true };
    const session = randomUUID();
    signedIn.set(session, user);
    response.cookie("session", session, { httpOnly: true, sameSite: "lax" }).json({ user: name });
  });
  const currentUser = (request: Request) => {
    const [, session = ""] = /(?:^|; )session=([\w-]+)/.exec(request.get("cookie") ?? "") ?? [];
    return signedIn.get(session);
  };

  // What makes it an orchestrator.
  const ledger = openLedger({
    path: join(dir, "ledger.db"),
    bytesKey: new Secret(new Uint8Array(32)), // In earnest: 32 secret bytes that are kept.
  });
  const orchestrator = await createOrchestrator({
    dir: join(dir, "orchestrator"),
    issuer: "https://agents.example",
    identity: currentUser,
    ledger,
    // wallet: (user) => the user's Wallet, where they have a payment method
  });
  for (const url of providers) orchestrator.addProvider(url);
  app.use(orchestrator.router);

  return {
    app,
    orchestrator,
    close: async () => {
      await orchestrator.close();
      ledger.close();
    },
  };
}

if (process.argv[1] === import.meta.filename) {
  const platform = await openPlatform({
    dir: ".purser/platform",
    providers: process.argv.slice(2),
  });
  const server = platform.app.listen(4300, "127.0.0.1", () => {
    process.stdout.write("http://127.0.0.1:4300\n");
  });
  process.once("SIGINT", () => {
    server.close();
    server.closeAllConnections();
    void platform.close();
  });
}
