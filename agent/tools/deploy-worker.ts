/**
 * `deploy_worker`: puts a Worker online with the operations of a hosting service: `deploy` uploads it, then `attach` serves it
 * at the user's domain, or `publish` at a hostname of the provider's. All of them may be repeated.
 */
import { z } from "zod";
import { type CatalogProvider, findService, type Resource } from "../../protocol/index.ts";
import { AgentError } from "../agent-error.ts";
import { isHostname } from "../domain-name.ts";
import { callProvider } from "../provider-call.ts";
import type { Session, Site } from "../session.ts";
import { bindStorage } from "../worker/binding.ts";
import { readSiteFolder } from "../worker/site-folder.ts";
import { staticSiteWorker } from "../worker/static-site.ts";
import { workerUpload } from "../worker/upload.ts";
import type { ToolDefinition } from "./tool.ts";

const Input = z.object({
  service: z.string().max(160).describe("The hosting service, already added to the project."),
  name: z
    .string()
    .regex(/^[a-z0-9](?:[a-z0-9-]{0,60}[a-z0-9])?$/)
    .describe("The Worker's name, such as nimbus-coffee."),
  domain: z
    .string()
    .toLowerCase()
    .refine(isHostname, "not a domain name such as nimbus.dev")
    .optional()
    .describe("A domain that the project owns; without it the provider's own hostname is used."),
  source: z
    .string()
    .max(2_000_000)
    .optional()
    .describe("The Worker's one ES module: export default { async fetch(request, env) { … } }."),
  folder: z
    .string()
    .max(500)
    .optional()
    .describe("Instead of source: a folder of the user's own, relative, to be served as it is."),
  storage: z
    .array(z.string().max(160))
    .max(10)
    .optional()
    .describe("Storage services of the project that the Worker uses, such as for env.KV."),
});
type Input = z.output<typeof Input>;

export const deployWorker = {
  name: "deploy_worker",
  description:
    "Uploads a Worker (source, or a folder of the user's) and serves it at the domain. Gives the site's URL.",
  input: Input,
  async run(input, session) {
    const { provider, service } = findService(await session.catalog(), input.service);
    const { source, skipped } = await writeSource(input, session);
    const resources = await addedResources(input, session);
    const bindings = await bindStorage({
      storage: resources.storage,
      provider: provider.profile.id,
      reveal: (handle) => session.reveal(handle),
    });
    const inputs = {
      ...plainAccess(resources.hosting),
      name: input.name,
      ...(input.domain === undefined ? {} : { domain: input.domain, hostname: input.domain }),
      // For a provider that takes the module in a field of its JSON body.
      ...(service.operations["deploy"]?.encoding === "json" ? { source } : {}),
    };
    const call = { provider, service, inputs };
    const deployed = await callProvider(session, {
      ...call,
      operation: "deploy",
      ...(service.operations["deploy"]?.encoding === "worker"
        ? { upload: workerUpload({ source, bindings }) }
        : {}),
    });
    const serve = input.domain === undefined ? "publish" : "attach";
    const served =
      serve === "attach" || service.operations[serve]
        ? await callProvider(session, { ...call, operation: serve })
        : {};
    const site = readSite(input, provider, { ...deployed, ...served });
    session.sites.set(site.name, site);
    const { name, url, hostname } = site;
    session.options.trace.append({ type: "deploy", service: input.service, name, url, hostname });
    return { site: name, url, hostname, bindings: bindings.map(({ name }) => name), skipped };
  },
} satisfies ToolDefinition<Input, unknown>;

async function writeSource(
  { source, folder }: Input,
  session: Session,
): Promise<{ source: string; skipped: string[] }> {
  if (source !== undefined && folder === undefined) return { source, skipped: [] };
  if (folder === undefined || source !== undefined) {
    throw new AgentError("SOURCE_MISSING", {
      problem: "A deployment needs either source or folder.",
      nextStep: "Give exactly one of them.",
    });
  }
  const { files, skipped } = await readSiteFolder({ workspace: session.options.workspace, folder });
  return { source: staticSiteWorker(files), skipped };
}

async function addedResources({ service, storage = [] }: Input, session: Session) {
  const [catalog, project] = await Promise.all([session.catalog(), session.readProject()]);
  const find = (reference: string) => {
    const resource = project.resources.find(
      (added) => added.service === reference && added.status === "complete",
    );
    if (resource) return { resource, service: findService(catalog, reference).service };
    throw new AgentError("SERVICE_NOT_ADDED", {
      problem: `${reference} is not in the project.`,
      nextStep: "Add it with add_service first.",
    });
  };
  return { hosting: find(service).resource, storage: storage.map(find) };
}

/** What a URL or a body may hold; a secret's handle stands for nothing there. */
function plainAccess({ access }: Resource): Record<string, string> {
  return Object.fromEntries(
    Object.entries(access).filter(([, value]) => !value.startsWith("cred:")),
  );
}

function readSite(
  { name, domain }: Input,
  provider: CatalogProvider,
  returned: Record<string, unknown>,
): Site {
  const { url, hostname } = returned;
  const parsed = typeof url === "string" && URL.canParse(url) ? new URL(url) : undefined;
  if (!parsed || !/^https?:$/.test(parsed.protocol)) {
    throw new AgentError("PROVIDER_ANSWER_INVALID", {
      problem: `${provider.profile.id} did not say at which URL the site is.`,
      nextStep: "Finish and say that the provider's answer is incomplete.",
    });
  }
  const host = typeof hostname === "string" && isHostname(hostname) ? hostname : domain;
  return {
    name,
    url: parsed.href,
    hostname: host ?? parsed.hostname,
    providerUrl: provider.baseUrl,
    verified: false,
  };
}
