/** Packages that only some payments need: loaded when the first of them comes, with a plain word where they are not installed. */
import { createRequire } from "node:module";
import { PaymentError } from "../payment-error.ts";

/** Loads once; a failure is forgotten, so that the next payment tries again. */
export function lazily<T>(load: () => Promise<T>): () => Promise<T> {
  let loading: Promise<T> | undefined;
  return () => {
    loading ??= load().catch((error: unknown) => {
      loading = undefined;
      throw error;
    });
    return loading;
  };
}

/** Throws `PACKAGE_MISSING` where it is not installed. */
export async function loadPackage<T>(name: string, importIt: () => Promise<T>): Promise<T> {
  try {
    return await importIt();
  } catch (cause) {
    if ((cause as { code?: string }).code !== "ERR_MODULE_NOT_FOUND") throw cause;
    throw new PaymentError("PACKAGE_MISSING", {
      problem: `Taking this payment needs the package ${name}, which is not installed.`,
      nextStep: `Run npm install ${name}.`,
      cause,
    });
  }
}

export function isInstalled(name: string): boolean {
  try {
    createRequire(import.meta.url).resolve(name);
    return true;
  } catch {
    return false;
  }
}
