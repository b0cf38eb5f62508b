/**
 * A provider that no code of ours has heard of: a harbour, with its own ids, paths and words. It is small and keeps all in
 * memory, and it really serves what is deployed: each Worker's module runs here, at an address of its own.
 */
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import express from "express";
import { BASE_SEPOLIA_USDC, parseDecimal, type Service } from "../../protocol/index.ts";

export const SHOP_TOKEN = "canary-access-token-of-the-harbour-7c1f";
const PAYEE = "0x00000000000000000000000000000000000000A1";

export interface ShopOptions {
  id?: string;
  /** Price by extension; the domain service sells nothing else. */
  prices?: Record<string, string>;
  taken?: string[];
  /** What the 402 asks instead of the catalog's price, and whom it names. */
  asks?: { amount?: string; payTo?: string };
  /** Replaces the descriptions. */
  description?: string;
  services?: ("hosting" | "domain" | "key-value")[];
  /** Repeats the caller's secrets in its answers. */
  echoes?: boolean;
  /** The next answers to a paid registration have these statuses. */
  failPaid?: number[];
}

export interface Shop {
  url: string;
  id: string;
  entries: Service[];
  /** Requests in order, such as "PUT /quay/9/crates/site". */
  requests: string[];
  registered: Set<string>;
  /** Payments taken, by header value. */
  payments: Set<string>;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

interface WorkerModule {
  default: { fetch(request: Request, env: unknown): Promise<Response> | Response };
}

export async function openShop(options: ShopOptions = {}): Promise<Shop> {
  const { id = "harbour", prices = { dev: "12.18", com: "10.44" }, taken = [] } = options;
  const app = express();
  const servers: Server[] = [];
  const shop = {
    requests: [] as string[],
    registered: new Set<string>(),
    payments: new Set<string>(),
  };
  const crates = new Map<string, { module: WorkerModule; env: Record<string, unknown> }>();
  const lockers = new Map<string, ReturnType<typeof memoryStore>>();
  const failPaid = [...(options.failPaid ?? [])];

  app.use((request, response, next) => {
    shop.requests.push(`${request.method} ${request.path}`);
    const authorization = request.get("authorization");
    if (options.echoes) response.set("x-echo", authorization ?? "");
    if (authorization === `Bearer ${SHOP_TOKEN}`) next();
    else response.status(401).json({ errors: [{ code: 10000, message: `No: ${authorization}` }] });
  });
  app.post("/quay/:account/names/ask", express.json(), (request, response) => {
    const { wanted } = request.body as { wanted: string };
    const extension = wanted.slice(wanted.indexOf(".") + 1);
    const free = !taken.includes(wanted) && !shop.registered.has(wanted) && extension in prices;
    response.json({
      answer: {
        free,
        why: free ? "" : "domain_unavailable",
        cost: prices[extension],
        ...(options.echoes ? { why: `token ${request.get("authorization")}` } : {}),
      },
    });
  });
  app.post("/quay/:account/names", express.json(), (request, response) => {
    const { wanted } = request.body as { wanted: string };
    const payment = request.get("x-payment");
    const extension = wanted.slice(wanted.indexOf(".") + 1);
    const amount = options.asks?.amount ?? prices[extension] ?? "0";
    if (payment === undefined) {
      response.status(402).json({
        x402Version: 1,
        error: "payment required",
        accepts: [
          {
            scheme: "exact",
            network: "base-sepolia",
            maxAmountRequired: parseDecimal(amount, 6).toString(),
            resource: `${url}/quay/${request.params["account"]}/names`,
            description: "A name",
            mimeType: "application/json",
            payTo: options.asks?.payTo ?? PAYEE,
            maxTimeoutSeconds: 60,
            asset: BASE_SEPOLIA_USDC.address,
            extra: { name: "USDC", version: "2" },
          },
        ],
      });
      return;
    }
    shop.payments.add(payment);
    const failure = failPaid.shift();
    if (failure !== undefined) {
      response.status(failure).json({ errors: [{ code: 1, message: `Sorry, ${payment}` }] });
      return;
    }
    shop.registered.add(wanted);
    response
      .status(201)
      .json({ name: wanted, state: "yours", echo: options.echoes ? payment : "" });
  });
  app.put("/quay/:account/crates/:name", async (request, response) => {
    const form = await readForm(request, request.get("content-type") ?? "");
    const metadata = JSON.parse(form.get("metadata") as string) as {
      main_module: string;
      bindings: { name: string; box: string }[];
    };
    const source = await (form.get(metadata.main_module) as File).text();
    // A new copy each time: the same URL would be the same module.
    const unique = `${source}\n// ${shop.requests.length}`;
    const module = (await import(
      `data:text/javascript;base64,${Buffer.from(unique).toString("base64")}`
    )) as WorkerModule;
    const env = Object.fromEntries(
      metadata.bindings.map(({ name, box }) => {
        const store = lockers.get(box) ?? memoryStore();
        lockers.set(box, store);
        return [name, store];
      }),
    );
    crates.set(request.params["name"] ?? "", { module, env });
    response.json({ crate: request.params["name"] });
  });
  const serve = async (name: string, hostname: string) => {
    const site = createServer((request, response) => {
      const crate = crates.get(name);
      if (!crate) throw new Error("no such crate");
      void answer(crate, request, hostname).then(async (answered) => {
        response.writeHead(answered.status, Object.fromEntries(answered.headers));
        response.end(Buffer.from(await answered.arrayBuffer()));
      });
    });
    servers.push(site);
    await listen(site);
    return { at: urlOf(site), host: hostname };
  };
  app.post("/quay/:account/open", express.json(), async (request, response) => {
    const { crate, name } = request.body as { crate: string; name?: string };
    if (name !== undefined && !shop.registered.has(name.split(".").slice(-2).join("."))) {
      response.status(403).json({ errors: [{ code: "not_your_name", message: "Not your name." }] });
      return;
    }
    response.json(await serve(crate, name ?? `${crate}.quay.example`));
  });

  const server = createServer(app);
  servers.push(server);
  await listen(server);
  const url = urlOf(server);
  const close = async () => {
    await Promise.all(
      servers.map((open) => {
        open.closeAllConnections();
        return new Promise((resolve) => open.close(resolve));
      }),
    );
  };
  return {
    ...shop,
    url,
    id,
    entries: entriesOf(prices, options),
    close,
    [Symbol.asyncDispose]: close,
  };
}

export function profileOf(shop: Shop) {
  return {
    id: shop.id,
    name: `The ${shop.id}`,
    tos_url: `${shop.url}/terms`,
    tos_version: "1",
    issuer: shop.url,
    payment: {
      pay_to: [PAYEE],
      assets: [{ network: BASE_SEPOLIA_USDC.network, address: BASE_SEPOLIA_USDC.address }],
    },
  };
}

function entriesOf(prices: Record<string, string>, options: ShopOptions): Service[] {
  const wanted = options.services ?? ["hosting", "domain", "key-value"];
  const description = options.description ?? "Sold by the pier.";
  const base = {
    categories: [],
    kind: "deployable" as const,
    requires_payment_method: false,
    description,
  };
  const operation = { encoding: "json" as const, paid: false };
  const all: Service[] = [
    {
      ...base,
      id: "berth",
      pricing: { type: "free" },
      capabilities: { gives: ["hosting"], needs: ["account"] },
      operations: {
        deploy: {
          ...operation,
          method: "PUT",
          path: "/quay/{account_id}/crates/{name}",
          encoding: "worker",
        },
        attach: {
          ...operation,
          method: "POST",
          path: "/quay/{account_id}/open",
          body: { crate: "{name}", name: "{domain}" },
          returns: { url: "/at", hostname: "/host" },
        },
        publish: {
          ...operation,
          method: "POST",
          path: "/quay/{account_id}/open",
          body: { crate: "{name}" },
          returns: { url: "/at", hostname: "/host" },
        },
      },
    },
    {
      ...base,
      id: "name:plate",
      configuration_schema: {
        type: "object",
        properties: { domain: { type: "string" } },
        required: ["domain"],
      },
      pricing: {
        type: "paid",
        paid: Object.entries(prices).map(([extension, amount]) => ({
          type: "freeform",
          freeform: `${amount} dollars`,
          amount,
          currency: "usd",
          interval: "year",
          configuration: { extension },
        })),
      },
      capabilities: { gives: ["domain"], needs: [] },
      operations: {
        check: {
          ...operation,
          method: "POST",
          path: "/quay/{account_id}/names/ask",
          body: { wanted: "{domain}" },
          returns: { available: "/answer/free", reason: "/answer/why", price: "/answer/cost" },
        },
        create: {
          ...operation,
          method: "POST",
          path: "/quay/{account_id}/names",
          body: { wanted: "{domain}" },
          paid: true,
          returns: { domain: "/name", echo: "/echo" },
        },
      },
    },
    {
      ...base,
      id: "locker",
      pricing: { type: "free" },
      capabilities: { gives: ["key-value"], needs: ["hosting"] },
      operations: {},
      binding: { type: "locker", box: "{LOCKER_ID}" },
    },
  ];
  return all.filter(({ capabilities }) =>
    wanted.some((given) => capabilities.gives.includes(given)),
  );
}

/** What `env.KV` of a Worker can do, as far as the written Workers use it. */
export function memoryStore() {
  const entries = new Map<string, { value: string; metadata: unknown }>();
  return {
    get: async (key: string) => entries.get(key)?.value ?? null,
    getWithMetadata: async (key: string) => entries.get(key) ?? { value: null, metadata: null },
    put: async (key: string, value: string, { metadata }: { metadata?: unknown } = {}) => {
      entries.set(key, { value, metadata });
    },
    delete: async (key: string) => void entries.delete(key),
    list: async ({ prefix = "" }: { prefix?: string }) => ({
      keys: [...entries.keys()].filter((key) => key.startsWith(prefix)).map((name) => ({ name })),
      list_complete: true,
    }),
  };
}

async function answer(
  { module, env }: { module: WorkerModule; env: unknown },
  request: IncomingMessage,
  hostname: string,
): Promise<Response> {
  const body = await readAll(request);
  const { method = "GET", url = "/", headers } = request;
  return module.default.fetch(
    new Request(`http://${hostname}${url}`, {
      method,
      headers: { "content-type": headers["content-type"] ?? "text/plain" },
      ...(method === "GET" || method === "HEAD" ? {} : { body }),
    }),
    env,
  );
}

async function readForm(request: IncomingMessage, type: string): Promise<FormData> {
  const body = await readAll(request);
  return new Response(body, { headers: { "content-type": type } }).formData();
}

async function readAll(request: IncomingMessage): Promise<Buffer<ArrayBuffer>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function listen(server: Server): Promise<void> {
  return new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
}

function urlOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
