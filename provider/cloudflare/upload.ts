/**
 * Reads a Worker upload: multipart, with a part "metadata" (what it is bound to, which module comes first) and a part for each
 * module, as wrangler and the v4 API send it. A stranger sends it, so what we do not run is refused by name.
 */
import { posix } from "node:path";
import type { Request } from "express";
import { z } from "zod";
import { CloudflareError } from "./error.ts";
import type { WorkerBinding, WorkerCode, WorkerModule } from "./runtime/worker-code.ts";

const name = z.string().regex(/^[A-Za-z_$][\w$]{0,99}$/);
const Binding = z.discriminatedUnion("type", [
  z.object({ type: z.literal(["plain_text", "secret_text"]), name, text: z.string() }),
  z.object({ type: z.literal("json"), name, json: z.json() }),
  z.object({ type: z.literal("kv_namespace"), name, namespace_id: z.string().max(64) }),
]);
const Metadata = z.looseObject({
  main_module: z.string().min(1).max(500),
  bindings: z
    .array(z.looseObject({ type: z.string().max(50), name: z.string().max(100) }))
    .max(100)
    .default([]),
  compatibility_date: z.iso.date().default("2021-11-02"),
  compatibility_flags: z.array(z.string().max(100)).max(50).default([]),
});

/** By the content type of a module's part. */
const MODULE_TYPES: Record<string, WorkerModule["type"] | "source map"> = {
  "application/javascript+module": "ESModule",
  "text/javascript+module": "ESModule",
  "text/plain": "Text",
  "text/html": "Text",
  "application/octet-stream": "Data",
  "application/wasm": "CompiledWasm",
  "application/source-map": "source map",
};

/** Reads the request's body (raw bytes), or throws `SCRIPT_INVALID` or `BINDING_UNSUPPORTED`. */
export async function readUpload(request: Request): Promise<WorkerCode> {
  const form = await readForm(request);
  const metadata = await readMetadata(form.get("metadata"));
  const modules = await readModules(form, metadata.main_module);
  return {
    modules,
    bindings: metadata.bindings.map(readBinding),
    compatibilityDate: metadata.compatibility_date,
    compatibilityFlags: metadata.compatibility_flags,
  };
}

async function readForm(request: Request): Promise<FormData> {
  const body: unknown = request.body;
  const type = request.get("content-type") ?? "";
  if (!Buffer.isBuffer(body) || !/^multipart\/form-data\b/i.test(type)) {
    throw invalid("The upload is not multipart/form-data with a metadata part and the modules.");
  }
  try {
    return await new Response(new Uint8Array(body), {
      headers: { "content-type": type },
    }).formData();
  } catch (cause) {
    throw invalid("The multipart body cannot be read.", cause);
  }
}

async function readMetadata(part: string | Blob | null): Promise<z.output<typeof Metadata>> {
  const text = typeof part === "string" ? part : await part?.text();
  if (text === undefined) throw invalid('The upload has no part "metadata".');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw invalid("The metadata is not JSON.", cause);
  }
  const { data, error } = Metadata.safeParse(value);
  if (data) return data;
  throw invalid(`The metadata is not a module Worker's: ${z.prettifyError(error)}.`);
}

async function readModules(form: FormData, main: string): Promise<WorkerModule[]> {
  const modules: WorkerModule[] = [];
  for (const [key, part] of form.entries()) {
    if (typeof part === "string") continue;
    const contentType = (part.type.split(";")[0] ?? "").trim().toLowerCase();
    const type = key === "metadata" ? "source map" : MODULE_TYPES[contentType];
    if (type === undefined) {
      throw invalid(
        `The module "${key.slice(0, 100)}" has the type "${contentType}", which does not run here.`,
      );
    }
    if (type === "source map") continue;
    const base64 = Buffer.from(await part.arrayBuffer()).toString("base64");
    modules.push({ name: moduleName(part.name === "blob" ? key : part.name), type, base64 });
  }
  const entry = modules.find((module) => module.name === moduleName(main));
  if (entry?.type !== "ESModule") {
    throw invalid(`The upload has no JavaScript module "${main.slice(0, 100)}", its main_module.`);
  }
  return [entry, ...modules.filter((module) => module !== entry)];
}

/** A module's name as a relative path that stays inside the Worker. */
function moduleName(text: string): string {
  const path = posix.normalize(text.replaceAll("\\", "/"));
  if (path.startsWith("/") || path === ".." || path.startsWith("../") || path.includes("\0")) {
    throw invalid(`The module name "${text.slice(0, 100)}" leads out of the Worker.`);
  }
  return path;
}

function readBinding(binding: { type: string; name: string }): WorkerBinding {
  const { data, error } = Binding.safeParse(binding);
  if (data) return data;
  throw new CloudflareError("BINDING_UNSUPPORTED", {
    problem: `The binding "${binding.name}" of type "${binding.type}" does not run here: ${z.prettifyError(error)}.`,
    nextStep: "Use plain_text, secret_text, json or kv_namespace.",
  });
}

function invalid(problem: string, cause?: unknown): CloudflareError {
  return new CloudflareError("SCRIPT_INVALID", {
    problem,
    nextStep: "Upload a module Worker: metadata with main_module, and its modules.",
    cause,
  });
}
