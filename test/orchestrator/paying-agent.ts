/**
 * An agent that buys harbour's flag at the harbour, as any agent does: it reads the catalog, has the account's token, and pays from the
 * orchestrator's wallet. Started as a program, it is killed at a named point; nothing of it can clean up.
 */
import { payCall, quoteFor, remoteWallet } from "../../middleware/index.ts";
import type { PayOutcome } from "../../middleware/index.ts";
import {
  CatalogEnvelope,
  Credential,
  ProjectList,
  purchaseId,
  Secret,
} from "../../protocol/index.ts";

export interface PayingAgent {
  orchestratorUrl: string;
  token: string;
  domain: string;
}

/** `fetch` is for the calls to the provider. */
export async function buyFlag(
  { orchestratorUrl, token, domain }: PayingAgent,
  fetch?: typeof globalThis.fetch,
): Promise<PayOutcome> {
  const get = async (path: string): Promise<unknown> => {
    const headers = { authorization: `Bearer ${token}` };
    return (await globalThis.fetch(orchestratorUrl + path, { headers })).json();
  };
  const catalog = CatalogEnvelope.parse(await get("/v1/catalog")).data;
  const { projects } = ProjectList.parse(await get("/v1/projects"));
  const project = projects[0]!.id;
  const account = Credential.parse(await get("/v1/credentials/cred:harbour"));
  const service = "harbour/flag";
  const inputs = { account_id: account.account_id, domain };
  const purchase = { service, operation: "create", inputs };
  const quote = quoteFor({ catalog, ...purchase });
  return payCall({
    request: {
      ...quote.request,
      headers: {
        authorization: `Bearer ${account.access_token}`,
        "content-type": "application/json",
      },
    },
    quote,
    purchase: { id: purchaseId({ project, ...purchase }), ...purchase },
    wallet: remoteWallet({ orchestratorUrl, token: new Secret(token) }),
    ...(fetch ? { fetch } : {}),
  });
}

const [argument, killAt] = process.argv.slice(2);
if (process.argv[1] === import.meta.filename && argument !== undefined) {
  const die = () => {
    process.kill(process.pid, "SIGKILL");
    return new Promise<never>(() => {});
  };
  await buyFlag(JSON.parse(argument) as PayingAgent, async (url, init) => {
    const isPaid = new Headers(init?.headers).has("X-PAYMENT");
    if (isPaid && killAt === "before it is sent") return die();
    const response = await fetch(url, init);
    return isPaid ? die() : response;
  });
}
