/**
 * A provider that no code of ours names, made of the provider kit and nothing of Cloudflare's: it calls a domain a beacon, a
 * Worker a lamp and a store a chest, and its operations are its own. Lamps run in this process.
 */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import express from "express";
import type { OpenedProvider, ProviderDefinition, ProviderKit } from "../../provider/index.ts";
import { memoryStore } from "./shop-double.ts";

export interface Lighthouse extends OpenedProvider {
  /** Who has which beacon. */
  readonly beacons: Map<string, string>;
}

interface Lamp {
  default: { fetch(request: Request, env: unknown): Response | Promise<Response> };
}

export function lighthouse(taken: string[] = []): ProviderDefinition<Lighthouse> {
  return {
    id: "pharos",
    name: "Pharos",
    termsVersion: "1",
    services: [
      {
        id: "chest",
        description: "Keeps things under names.",
        pricing: { type: "free" },
        capabilities: { gives: ["key-value"], needs: ["tower"] },
        binding: { type: "chest", chest: "{CHEST}" },
      },
      {
        id: "tower",
        description: "Somebody has to keep watch.",
        pricing: { type: "free" },
        capabilities: { gives: ["tower"], needs: [] },
      },
      {
        id: "lamp.oil",
        description: "Shines for everybody.",
        pricing: { type: "free" },
        capabilities: { gives: ["hosting"], needs: ["account"] },
        operations: {
          deploy: { method: "PUT", path: "/lamps/{name}", encoding: "worker" },
          publish: {
            method: "POST",
            path: "/lamps/{name}/light",
            returns: { url: "/seen~1at", hostname: "/as" },
          },
          attach: {
            method: "POST",
            path: "/lamps/{name}/light/{domain}",
            returns: { url: "/seen~1at", hostname: "/as" },
          },
        },
      },
      {
        id: "beacon",
        description: "A name that ships can see.",
        pricing: {
          type: "paid",
          paid: [
            {
              type: "freeform",
              freeform: "$9",
              amount: "9.00",
              currency: "usd",
              interval: "one_time",
            },
          ],
        },
        configuration_schema: { properties: { beacon: { type: "string" } }, required: ["beacon"] },
        capabilities: { gives: ["domain"], needs: [] },
        operations: {
          check: { method: "GET", path: "/beacons/{domain}", returns: { available: "/dark" } },
          create: {
            method: "PUT",
            path: "/beacons/{beacon}",
            paid: true,
            returns: { domain: "/lit" },
          },
        },
      },
    ],
    open: (kit) => openLighthouse(kit, taken),
  };
}

function openLighthouse({ authenticate, till }: ProviderKit, taken: string[]): Lighthouse {
  const beacons = new Map(taken.map((name) => [name, "somebody"]));
  const lamps = new Map<string, { lamp: Lamp; env: object }>();
  const chests = new Map<string, ReturnType<typeof memoryStore>>();
  const servers: Server[] = [];
  const api = express.Router();

  api.get("/beacons/:name", async (request, response) => {
    await authenticate(request);
    response.json({ dark: !beacons.has(request.params["name"]) });
  });
  api.put(
    "/beacons/:name",
    express.json(),
    till.sell<{ name: string }>({
      name: "beacons",
      service: "beacon",
      async quote(request) {
        const connection = await authenticate(request);
        const name = String(request.params["name"]);
        return { connection, inputs: { beacon: name }, order: { name } };
      },
      hold: () => {},
      deliver({ connection, order: { name } }) {
        beacons.set(name, connection.accountId);
        return { status: 201, body: { lit: name } };
      },
      release: () => {},
      refuse: () => ({ status: 403, body: { error: { code: "dark" } } }),
    }),
  );
  api.put("/lamps/:name", async (request, response) => {
    await authenticate(request);
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const headers = { "content-type": request.get("content-type") ?? "" };
    const form = await new Response(Buffer.concat(chunks), { headers }).formData();
    const { bindings, main_module } = JSON.parse(form.get("metadata") as string) as {
      bindings: { name: string; chest: string }[];
      main_module: string;
    };
    const source = Buffer.from(await (form.get(main_module) as File).arrayBuffer()).toString(
      "base64",
    );
    const lamp = (await import(`data:text/javascript;base64,${source}`)) as Lamp;
    const env = Object.fromEntries(bindings.map(({ name, chest }) => [name, chests.get(chest)]));
    lamps.set(request.params["name"], { lamp, env });
    response.json({});
  });
  api.post("/lamps/:name/light{/:beacon}", async (request, response) => {
    const { accountId } = await authenticate(request);
    const { name, beacon } = request.params;
    if (beacon !== undefined && beacons.get(beacon) !== accountId) {
      response.status(403).json({ error: { code: "not_yours" } });
      return;
    }
    const site = createServer(
      (incoming, outgoing) => void shine(lamps.get(name)!, incoming, outgoing),
    );
    servers.push(site);
    await new Promise<void>((resolve) => site.listen(0, "127.0.0.1", resolve));
    const { port } = site.address() as AddressInfo;
    response.json({
      "seen/at": `http://127.0.0.1:${port}/`,
      as: beacon ?? `${name}.pharos.example`,
    });
  });

  return {
    api,
    beacons,
    provide: {
      tower: () => ({}),
      "lamp.oil": () => ({}),
      chest: ({ id }) => {
        chests.set(id, memoryStore());
        return { CHEST: id };
      },
    },
    async close() {
      for (const server of servers) {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
    },
  };
}

async function shine(
  { lamp, env }: { lamp: Lamp; env: object },
  incoming: Parameters<Parameters<typeof createServer>[1] & object>[0],
  outgoing: Parameters<Parameters<typeof createServer>[1] & object>[1],
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const { method = "GET", url = "/" } = incoming;
  const body = method === "GET" || method === "HEAD" ? {} : { body: Buffer.concat(chunks) };
  const headers = { "content-type": incoming.headers["content-type"] ?? "" };
  const request = new Request(`http://pharos.example${url}`, { method, headers, ...body });
  const answer = await lamp.default.fetch(request, env);
  outgoing.writeHead(answer.status, Object.fromEntries(answer.headers));
  outgoing.end(Buffer.from(await answer.arrayBuffer()));
}
