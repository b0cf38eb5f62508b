/**
 * `WWW-Authenticate` (RFC 9110, 11.6.1): schemes with their parameters, several of which may share one header. It is read whole or
 * not at all: one thing that is out of place, and none of it is trusted.
 */
export interface AuthenticateScheme {
  /** In lower case. */
  readonly scheme: string;
  /** Names in lower case; none stands twice. */
  readonly params: Readonly<Record<string, string>>;
}

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const GAP = /[\s,]*/y;
const PARAM = new RegExp(
  `(${TOKEN})[ \\t]*=[ \\t]*(?:"((?:[^"\\\\]|\\\\.)*)"|(${TOKEN}))[ \\t]*(?=,|$)`,
  "y",
);
const SCHEME = new RegExp(`(${TOKEN})(?:[ \\t]+|[ \\t]*(?=,|$))`, "y");
const TOKEN68 = /[A-Za-z0-9\-._~+/]+=*[ \t]*(?=,|$)/y;

/** The schemes in order, or none where the header is malformed. */
export function readAuthenticate(header: string): AuthenticateScheme[] {
  const schemes: { scheme: string; params: Record<string, string> }[] = [];
  let at = 0;
  const take = (pattern: RegExp) => {
    pattern.lastIndex = at;
    const match = pattern.exec(header);
    if (match) at += match[0].length;
    return match;
  };
  for (take(GAP); at < header.length; take(GAP)) {
    const current = schemes.at(-1);
    const param = current && take(PARAM);
    if (param) {
      const [, name = "", quoted, token] = param;
      const key = name.toLowerCase();
      if (Object.hasOwn(current.params, key) || key === "__proto__") return [];
      current.params[key] = quoted?.replace(/\\(.)/g, "$1") ?? token ?? "";
      continue;
    }
    const scheme = take(SCHEME)?.[1];
    if (scheme === undefined) return [];
    schemes.push({
      scheme: scheme.toLowerCase(),
      params: Object.create(null) as Record<string, string>,
    });
    // What follows is parameters, or a single token as of `Negotiate`.
    PARAM.lastIndex = at;
    if (!PARAM.test(header)) take(TOKEN68);
  }
  return schemes;
}
