/** miniflare and the workerd that it brings, or a clear error where they are not installed. */
import { createRequire } from "node:module";
import { miniflareMissing } from "./runtime-error.ts";

/** The program that this miniflare would start, or `MINIFLARE_MISSING`. */
export function workerdPath(): string {
  try {
    const require = createRequire(createRequire(import.meta.url).resolve("miniflare"));
    return (require("workerd") as { default: string }).default;
  } catch (cause) {
    throw miniflareMissing(cause);
  }
}

/** Loads it when it is first needed: it is heavy, and an optional peer of the package. */
export async function loadMiniflare() {
  return import("miniflare").catch((cause: unknown) => {
    throw miniflareMissing(cause);
  });
}
