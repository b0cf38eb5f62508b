/** Domain names as words: a hostname's parts, and the name under it that somebody sells. No list of extensions: the catalog has one. */

/** Whether a text is a hostname with a dot, in ASCII. */
export function isHostname(text: string): boolean {
  return (
    text.length <= 253 &&
    /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])$/i.test(text)
  );
}

/** "api.nimbus.co.uk" → "nimbus.co.uk", "co.uk", "uk". */
export function suffixesOf(hostname: string): string[] {
  const labels = hostname.toLowerCase().split(".");
  return labels.slice(1).map((_, index) => labels.slice(index + 1).join("."));
}

/** The name one label in front of the extension: `registrable("www.nimbus.dev", "dev")` is "nimbus.dev". */
export function registrable(hostname: string, extension: string): string | undefined {
  const name = hostname.toLowerCase();
  if (!name.endsWith(`.${extension}`)) return undefined;
  const label = name
    .slice(0, -extension.length - 1)
    .split(".")
    .at(-1);
  return label ? `${label}.${extension}` : undefined;
}

/** The names under which services ask for a domain or its parts; one domain fills them all. */
export function domainInputs(domain: string): Record<string, string> {
  const dot = domain.indexOf(".");
  const [label, extension] = [domain.slice(0, dot), domain.slice(dot + 1)];
  return {
    domain,
    domain_name: domain,
    hostname: domain,
    fqdn: domain,
    label,
    sld: label,
    extension,
    tld: extension,
  };
}
