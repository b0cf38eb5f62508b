/** A provider for tests of what the kit sells as resources: pots for plants, some free, some by the month, some by what is used. */
import { rmSync } from "node:fs";
import { BASE_SEPOLIA_USDC } from "../../protocol/index.ts";
import {
  type Accounts,
  type OpenedProvider,
  Pending,
  type ProviderDefinition,
  type ProviderServer,
  ProvisioningError,
  startProvider,
  type StartOptions,
} from "../../provider/index.ts";
import {
  type Answer,
  type Attestor,
  connect,
  read,
  sendSigned,
  type Session,
  startAttestor,
} from "./attestor.ts";
import { PAY_TO } from "./shop.ts";
import { newFolder } from "../support/temporary.ts";

/** What the provider's own functions did, and what they are to do next. */
export interface Greenhouse extends OpenedProvider {
  readonly done: string[];
  readonly accounts: Accounts;
  /** `pending` and `broken` hold until they are taken back. */
  mood: "well" | "pending" | "broken";
  litres: bigint;
}

const monthly = (amount: string) => ({
  type: "paid" as const,
  paid: [
    {
      type: "freeform" as const,
      freeform: `$${amount} a month`,
      amount,
      currency: "usd" as const,
      interval: "month" as const,
    },
  ],
});
const name = {
  type: "object",
  properties: { name: { type: "string", pattern: "^[a-z]{1,20}$" } },
};
const configuration_schema = { ...name, additionalProperties: false };

export const GREENHOUSE: ProviderDefinition<Greenhouse> = {
  id: "greenhouse",
  name: "The Greenhouse",
  termsVersion: "2026-04-30",
  accountConfiguration: {
    type: "object",
    properties: {
      climate: { type: "string", enum: ["warm", "cold"] },
      beds: { type: "integer", maximum: 9 },
    },
    additionalProperties: false,
  },
  services: [
    {
      id: "pot:small",
      description: "A pot.",
      kind: "plan",
      pricing: { type: "free" },
      configuration_schema,
      allowed_updates: [{ service: "pot:large", direction: "up" }],
    },
    {
      id: "pot:large",
      description: "A larger pot.",
      kind: "plan",
      pricing: monthly("20.00"),
      configuration_schema,
      allowed_updates: [{ service: "pot:small", direction: "down" }],
    },
    {
      id: "seed",
      description: "A seed; rare ones cost more.",
      pricing: {
        type: "paid",
        paid: [{ ...monthly("2.00").paid[0]!, interval: "one_time", freeform: "$2 to $7" }],
      },
      configuration_schema: {
        type: "object",
        properties: {
          rare: { type: "string", enum: ["yes", "no"] },
          count: { type: "integer", maximum: 9 },
          wrapped: { type: "boolean" },
        },
        additionalProperties: false,
      },
    },
    {
      id: "water",
      description: "Water, by the litre.",
      pricing: {
        type: "paid",
        paid: [
          {
            ...monthly("0.015").paid[0]!,
            kind: "usage",
            unit: "litre",
            freeform: "$0.015 a litre",
          },
        ],
      },
    },
    { id: "grafted", description: "A tree of your kind.", pricing: { type: "free" } },
    {
      id: "trellis",
      description: "What a pot's plant climbs on.",
      pricing: {
        type: "component",
        component: {
          options: [
            { type: "free", parent_service_ids: ["pot:large"] },
            { type: "paid", parent_service_ids: ["pot:small"], paid: monthly("3.00").paid },
          ],
        },
      },
    },
  ],
  open: ({ accounts }) => openGreenhouse(accounts),
};

function openGreenhouse(accounts: Accounts): Greenhouse {
  const done: string[] = [];
  const make = (service: string) => (order: { id: string; configuration: object }) => {
    done.push(`${service} ${order.id} ${JSON.stringify(order.configuration)}`);
    if (greenhouse.mood === "pending") return new Pending({ retryAfterSeconds: 2 });
    if (greenhouse.mood === "broken") {
      const nextStep = "Choose something else.";
      throw new ProvisioningError("unavailable", { problem: "It would not grow.", nextStep });
    }
    return { PLANT: service, KEY: `key-${done.length}` };
  };
  const greenhouse: Greenhouse = {
    done,
    accounts,
    mood: "well",
    litres: 0n,
    provide: {
      "pot:small": make("pot:small"),
      "pot:large": make("pot:large"),
      seed: make("seed"),
      water: make("water"),
      grafted: make("grafted"),
      trellis: make("trellis"),
    },
    withdraw: { seed: ({ id }) => void done.push(`withdrew ${id}`) },
    suspend: { "pot:large": ({ id }) => void done.push(`suspended ${id}`) },
    resume: {
      "pot:large": ({ id }) => {
        done.push(`resumed ${id}`);
        return { PLANT: "pot:large", KEY: "after the pause" };
      },
    },
    price: {
      seed: ({ rare }) => ({
        amount: rare === "yes" ? "7.00" : "2.00",
        freeform: "a seed",
        interval: "one_time",
      }),
    },
    needs: {
      grafted: ({ configuration }) =>
        "kind" in configuration
          ? undefined
          : { type: "object", properties: { kind: { type: "string" } }, required: ["kind"] },
    },
    rotate: { "pot:small": () => ({ PLANT: "pot:small", KEY: "another" }) },
    adopt: { grafted: ({ configuration }) => ({ PLANT: "grafted", KIND: configuration["kind"]! }) },
    usage: { water: () => greenhouse.litres },
  };
  return greenhouse;
}

export interface OpenGreenhouse extends AsyncDisposable {
  readonly server: ProviderServer<Greenhouse>;
  readonly opened: Greenhouse;
  readonly attestor: Attestor;
  /** Connects a user under a mandate of $100 a month. */
  session(user?: { subject?: string; email?: string; mandate?: string }): Promise<Session>;
  /** A signed call with the session's token; a `key` makes it idempotent, and `pay` may be a paying client. */
  call(session: Session, path: string, body?: object, options?: CallOptions): Promise<Answer>;
}

interface CallOptions {
  method?: string;
  key?: string;
  pay?: (inner: typeof fetch) => typeof fetch;
}

export async function openGreenhouseShop(
  changes: Partial<StartOptions> & { facilitatorUrl: string },
): Promise<OpenGreenhouse> {
  const attestor = await startAttestor();
  const dir = newFolder("greenhouse");
  const server = await startProvider(GREENHOUSE, {
    dir,
    payTo: PAY_TO,
    asset: BASE_SEPOLIA_USDC,
    trust: [attestor.trust],
    ...changes,
  });
  return {
    server,
    opened: server.opened,
    attestor,
    session: async ({ mandate, ...user } = {}) =>
      connect(attestor, server.url, {
        ...user,
        mandate: mandate ?? (await attestor.mandate({ aud: "greenhouse" })),
      }),
    call: async (session, path, body, { method = "POST", key, pay } = {}) => {
      const url = server.url + path;
      const headers = {
        ...session.headers,
        ...(key === undefined ? {} : { "idempotency-key": key }),
      };
      if (!pay) return sendSigned(attestor, url, { method, headers, ...(body && { body }) });
      const text = JSON.stringify(body);
      const paying = pay(signingFetch(attestor));
      return read(await paying(url, { method, headers, body: text }));
    },
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      await attestor[Symbol.asyncDispose]();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** A fetch that signs whatever is sent, each time anew, as an orchestrator's does below its paying client. */
export function signingFetch(attestor: Attestor): typeof fetch {
  return async (input, init) => {
    const request = new Request(input, init);
    const body = await request.clone().text();
    const signed = await attestor.headers({ method: request.method, url: request.url, body });
    for (const [header, value] of Object.entries(signed)) request.headers.set(header, value);
    return fetch(request);
  };
}
