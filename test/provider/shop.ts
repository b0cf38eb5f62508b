/** A running local Cloudflare with the orchestrator that it trusts, for one test; its folder can be opened again. */
import { rmSync } from "node:fs";
import { get } from "node:http";
import { BASE_SEPOLIA_USDC } from "../../protocol/index.ts";
import { type CloudflareServer, startCloudflare } from "../../provider/index.ts";
import { type Answer, type Attestor, read, type Session, startAttestor } from "./attestor.ts";
import { newFolder } from "../support/temporary.ts";

export const PAY_TO = "0x209693Bc6afc0C5328bA36FaF03C514EF312287C";

type StartOptions = Parameters<typeof startCloudflare>[0];

export interface Shop extends AsyncDisposable {
  readonly server: CloudflareServer;
  readonly attestor: Attestor;
  readonly url: string;
  readonly dir: string;
  /** Closes the provider and opens it again on the same folder. */
  reopen(): Promise<void>;
}

export async function openShop(changes: Partial<StartOptions> = {}): Promise<Shop> {
  const attestor = await startAttestor();
  const dir = newFolder("provider");
  const options: StartOptions = {
    dir,
    facilitatorUrl: "http://127.0.0.1:9",
    payTo: PAY_TO,
    asset: BASE_SEPOLIA_USDC,
    trust: [attestor.trust],
    ...changes,
  };
  let server = await startCloudflare(options);
  return {
    get server() {
      return server;
    },
    get url() {
      return server.url;
    },
    attestor,
    dir,
    reopen: async () => {
      await server.close();
      server = await startCloudflare(options);
      await newConnection(server.url);
    },
    [Symbol.asyncDispose]: async () => {
      await server.close();
      await attestor[Symbol.asyncDispose]();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** One exchange outside of fetch's pool, which by then has seen that its connections to the old server are gone. */
async function newConnection(url: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  get(`${url}/provisioning/health`, { agent: false }, (response) => {
    response.resume().once("end", resolve);
  }).once("error", reject);
  await promise;
}

/** A call of the v4 API with the session's token; a path that begins with a slash is below the account. */
export async function v4(
  shop: Shop,
  session: Session,
  method: string,
  path: string,
  body?: object | FormData,
): Promise<Answer> {
  const url = `${shop.url}/client/v4/accounts/${session.accountId}${path}`;
  if (body === undefined) return read(await fetch(url, { method, headers: session.headers }));
  if (body instanceof FormData)
    return read(await fetch(url, { method, headers: session.headers, body }));
  const headers = { ...session.headers, "content-type": "application/json" };
  return read(await fetch(url, { method, headers, body: JSON.stringify(body) }));
}

/** A Worker upload as the v4 API takes it. */
export function upload(source: string, bindings: object[] = [], metadata: object = {}): FormData {
  const form = new FormData();
  const whole = {
    main_module: "index.js",
    compatibility_date: "2026-01-01",
    bindings,
    ...metadata,
  };
  form.append("metadata", JSON.stringify(whole));
  form.append(
    "index.js",
    new File([source], "index.js", { type: "application/javascript+module" }),
  );
  return form;
}

/** A Worker that answers with a text. */
export function answering(text: string): string {
  return `export default { fetch: () => new Response(${JSON.stringify(text)}) };`;
}
