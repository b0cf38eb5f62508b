/**
 * A provider that knows APP 0.1d from its published messages alone, and nothing of ours: `Stripe-Signature` on every call, a bearer token
 * beside it for resources, prices as texts. It shares no code with the rest, and refuses what the published protocol does not have.
 */
import { createHmac, randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

interface Heard {
  method: string;
  path: string;
  body: string;
  headers: IncomingMessage["headers"];
}

export interface PlainProviderDouble extends AsyncDisposable {
  url: string;
  heard: Heard[];
  resources: Map<
    string,
    { id: string; service: string; key: string; status: string; secret: string }
  >;
  manners: {
    secrets: string[];
    /** How it answers an account request. */
    account: "oauth" | "credentials" | "requires_auth" | "redirect" | "registering" | "error";
    expiresIn: number;
  };
}

const KNOWN_FIELDS = new Set(
  "id object email name phone country kyc scopes client_capabilities configuration confirmation_secret expires_at orchestrator".split(
    " ",
  ),
);
const RESOURCE_FIELDS = new Set(
  "service_id configuration project_id environment orchestrator_resource_id label_prefix submitted_information payment_credentials".split(
    " ",
  ),
);

const SERVICES = [
  {
    id: "hobby",
    description: "A plan.",
    categories: ["database"],
    kind: "plan",
    pricing: { type: "free" },
  },
  {
    id: "postgres",
    description: "A database.",
    categories: ["database"],
    kind: "deployable",
    pricing: {
      type: "component",
      component: {
        options: [
          { type: "free", parent_service_ids: ["hobby"] },
          {
            type: "paid",
            parent_service_ids: ["pro"],
            paid: { type: "freeform", freeform: "$7/mo" },
          },
        ],
      },
    },
    allowed_updates: [{ service: "postgres:ha", direction: "up" }],
  },
  {
    id: "postgres:ha",
    description: "Two.",
    categories: [],
    kind: "deployable",
    pricing: { type: "free" },
  },
  { id: "asking", description: "Asks.", categories: [], pricing: { type: "free" } },
  { id: "greedy", description: "Says it is free.", categories: [], pricing: { type: "free" } },
  {
    id: "pro",
    description: "Costs money.",
    categories: ["database"],
    kind: "plan",
    pricing: { type: "paid", paid: { type: "freeform", freeform: "$25/mo and usage" } },
  },
];

export async function startPlainProvider(): Promise<PlainProviderDouble> {
  const heard: Heard[] = [];
  const resources: PlainProviderDouble["resources"] = new Map();
  const manners: PlainProviderDouble["manners"] = {
    secrets: ["whsec_one"],
    account: "oauth",
    expiresIn: 3600,
  };
  const codes = new Set<string>();
  const access = new Set<string>();
  const refresh = new Set<string>();

  const tokens = () => {
    const [token, next] = [`at_${randomUUID()}`, `rt_${randomUUID()}`];
    access.add(token);
    refresh.add(next);
    const account = { id: "org_1", payment_credentials: "orchestrator" };
    return { access_token: token, refresh_token: next, expires_in: manners.expiresIn, account };
  };
  const flat = (code: string, message = code) => ({ error: { code, message } });
  const failed = (code: string) => ({ status: "error", ...flat(code) });

  function isSigned({ headers, body }: Heard): boolean {
    const given = String(headers["stripe-signature"] ?? "");
    const t = /(?:^|,)t=(\d+)/.exec(given)?.[1] ?? "";
    const sent = [...given.matchAll(/v1=([0-9a-f]+)/g)].map(([, hex]) => hex);
    if (Math.abs(Date.now() / 1000 - Number(t)) > 300) return false;
    return manners.secrets.some((secret) =>
      sent.includes(createHmac("sha256", secret).update(`${t}.${body}`).digest("hex")),
    );
  }

  function complete(id: string) {
    const { service, secret } = resources.get(id)!;
    const access_configuration = { DATABASE_URL: `postgres://u:${secret}@db`, REGION: "eu" };
    return { status: "complete", id, service_id: service, complete: { access_configuration } };
  }

  function accountRequest(body: string): [number, object] {
    const request = JSON.parse(body) as Record<string, unknown> & { id: string };
    const unknown = Object.keys(request).filter((field) => !KNOWN_FIELDS.has(field));
    const { type, stripe } = request["orchestrator"] as {
      type: string;
      stripe: { account: string };
    };
    const wrong = unknown.length > 0 || type !== "stripe" || !stripe.account.startsWith("acct_");
    if (wrong) return [400, { type: "error", ...flat("invalid_request", unknown.join()) }];
    const { id } = request;
    const code = randomUUID();
    codes.add(code);
    const consent = `${url()}/consent`;
    const answers: Record<string, [number, object]> = {
      oauth: [200, { type: "oauth", id, oauth: { code } }],
      credentials: [
        200,
        { type: "credentials", id, credentials: { type: "bearer", bearer: tokens() } },
      ],
      requires_auth: [200, { type: "requires_auth", id, requires_auth: { url: consent } }],
      redirect: [
        200,
        {
          type: "requires_auth",
          id,
          requires_auth: { type: "redirect", redirect: { url: consent } },
        },
      ],
      registering: [202, { type: "registering", retry_after: 7 }],
      error: [200, { type: "error", ...flat("team_resolution_failed") }],
    };
    return answers[manners.account]!;
  }

  function token(body: string): [number, object] {
    const form = new URLSearchParams(body);
    if (form.has("client_id") || form.has("code_verifier"))
      return [400, { error: "invalid_request" }];
    const holds =
      form.get("grant_type") === "refresh_token"
        ? refresh.delete(form.get("refresh_token") ?? "")
        : codes.delete(form.get("code") ?? "");
    return holds ? [200, { token_type: "bearer", ...tokens() }] : [400, { error: "invalid_grant" }];
  }

  function create({ body, headers }: Heard): [number, object] {
    const order = JSON.parse(body) as Record<string, unknown> & { service_id: string };
    const unknown = Object.keys(order).filter((field) => !RESOURCE_FIELDS.has(field));
    if (unknown.length > 0) return [400, failed(`unknown_field_${unknown.join("_")}`)];
    if (order.service_id === "greedy") return [400, failed("requires_payment_credentials")];
    const key = String(headers["idempotency-key"]);
    const known = [...resources.values()].find((one) => one.key === key);
    if (known) return [200, complete(known.id)];
    const schema = { type: "object", properties: { team: { type: "string" } }, required: ["team"] };
    if (order.service_id === "asking" && order["submitted_information"] === undefined)
      return [200, { status: "needs_information", needs_information: { schema } }];
    const id = `db_${resources.size + 1}`;
    const { service_id: service } = order;
    resources.set(id, { id, service, key, status: "complete", secret: randomUUID() });
    return [200, complete(id)];
  }

  function onResource(id: string, act: string | undefined, body: string): [number, object] {
    const resource = resources.get(id);
    if (!resource) return [404, failed("not_found")];
    if (act === "remove") resource.status = "removed";
    if (act === "rotate_credentials") resource.secret = randomUUID();
    if (act === "update_service")
      resource.service = (JSON.parse(body) as { service_id: string }).service_id;
    return [200, resource.status === "removed" ? { status: "removed", id } : complete(id)];
  }

  function answer(call: Heard): [number, object] {
    const { path, body, headers } = call;
    if (!isSigned(call)) return [401, flat("invalid_signature")];
    if (path === "/app/oauth/token") return token(body);
    if (headers["api-version"] !== "0.1d") return [400, flat("invalid_api_version")];
    if (path === "/app/provisioning/services") return [200, { data: SERVICES }];
    if (path === "/app/provisioning/account_requests") return accountRequest(body);
    const bearer = /^Bearer (.+)$/.exec(headers.authorization ?? "")?.[1] ?? "";
    if (!access.has(bearer)) return [401, failed("unauthorized")];
    if (path === "/app/provisioning/resources") return create(call);
    const [, id = "", act] = /^\/app\/provisioning\/resources\/([^/]+)\/?(.*)$/.exec(path) ?? [];
    return id === "" ? [404, flat("not_found")] : onResource(id, act || undefined, body);
  }

  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    let body = "";
    request.setEncoding("utf8").on("data", (part: string) => (body += part));
    request.on("end", () => {
      const path = (request.url ?? "").split("?")[0]!;
      const call = { method: request.method ?? "", path, body, headers: request.headers };
      heard.push(call);
      const [status, json] = answer(call);
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(json));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}/app`;
  return {
    url: url(),
    heard,
    resources,
    manners,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
