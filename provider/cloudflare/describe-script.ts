/** A Worker in the shapes in which the v4 API's endpoints answer. wrangler reads more of them than the reference names. */
import type { WorkerCode } from "./runtime/worker-code.ts";
import type { Script } from "./scripts.ts";

export function describeScript({ name, versionId, createdAt, modifiedAt }: Script) {
  return {
    id: name,
    etag: etagOf(versionId),
    tag: versionId,
    handlers: ["fetch"],
    created_on: new Date(createdAt).toISOString(),
    modified_on: new Date(modifiedAt).toISOString(),
  };
}

/** The answer of an upload that is live. */
export function describeDeployed(script: Script): object {
  const { versionId } = script;
  return { ...describeScript(script), deployment_id: versionId, startup_time_ms: 1 };
}

export function describeService(script: Script): object {
  const environment = {
    environment: "production",
    script: { ...describeScript(script), last_deployed_from: "wrangler" },
  };
  return { id: script.name, default_environment: environment, environments: [environment] };
}

export function describeDeployment({ versionId, modifiedAt }: Script): object {
  return {
    id: versionId,
    source: "api",
    strategy: "percentage",
    author_email: "",
    created_on: new Date(modifiedAt).toISOString(),
    annotations: {},
    versions: [{ version_id: versionId, percentage: 100 }],
  };
}

/** The answer of an upload that is not live yet. */
export function describeVersion(id: string, number: number, code: WorkerCode): object {
  return {
    id,
    number,
    metadata: {},
    startup_time_ms: 1,
    resources: {
      script: { etag: etagOf(id), handlers: ["fetch"] },
      script_runtime: {
        compatibility_date: code.compatibilityDate,
        compatibility_flags: code.compatibilityFlags,
        usage_model: "standard",
      },
      bindings: shownBindings(code),
    },
  };
}

export function describeSettings({ code }: Script): object {
  return {
    bindings: shownBindings(code),
    compatibility_date: code.compatibilityDate,
    compatibility_flags: code.compatibilityFlags,
    usage_model: "standard",
    tags: [],
    logpush: false,
  };
}

/** A secret's value is never given out again. */
function shownBindings({ bindings }: WorkerCode): object[] {
  return bindings.map((binding) =>
    binding.type === "secret_text" ? { type: binding.type, name: binding.name } : binding,
  );
}

function etagOf(versionId: string): string {
  return versionId.replaceAll("-", "");
}
