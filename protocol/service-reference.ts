/** The two parts of a service's reference, such as "cloudflare/kv". */

/** "cloudflare"; empty where the text is no reference. */
export function providerOf(service: string): string {
  return service.slice(0, Math.max(0, service.indexOf("/")));
}

/** "kv". */
export function serviceIdOf(service: string): string {
  return service.slice(service.indexOf("/") + 1);
}
