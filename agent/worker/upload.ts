/**
 * A module Worker as Cloudflare's `PUT …/workers/scripts/{name}` takes it: a multipart form with the metadata and one part
 * for the module.
 */
import { AgentError } from "../agent-error.ts";
import type { Binding } from "./binding.ts";

/** A date whose behaviour every workerd of this year knows. */
const COMPATIBILITY_DATE = "2026-01-01";
const MAIN_MODULE = "worker.js";
/** Larger than any site a run should carry; Cloudflare's own limit for a paid plan is 10 MB compressed. */
const MAX_SOURCE_BYTES = 8 * 1024 * 1024;

export function workerUpload({
  source,
  bindings,
}: {
  source: string;
  bindings: Binding[];
}): FormData {
  if (Buffer.byteLength(source) > MAX_SOURCE_BYTES) {
    throw new AgentError("SOURCE_TOO_LARGE", {
      problem: `The Worker is larger than ${MAX_SOURCE_BYTES} bytes.`,
      nextStep: "Deploy less.",
    });
  }
  const form = new FormData();
  form.set(
    "metadata",
    JSON.stringify({
      main_module: MAIN_MODULE,
      bindings,
      compatibility_date: COMPATIBILITY_DATE,
    }),
  );
  const type = "application/javascript+module";
  form.set(MAIN_MODULE, new File([source], MAIN_MODULE, { type }));
  return form;
}
