/** The pages on which an owner signs in and consents: plain HTML without scripts, everything a stranger wrote escaped. */
import { escapeHtml } from "../../../protocol/index.ts";
import { isScope, SCOPES } from "../scopes.ts";

const STYLE = `:root{color-scheme:light dark;font-family:system-ui,sans-serif;line-height:1.5}
body{max-width:30rem;margin:10vh auto;padding:0 1rem}
button,input{font:inherit;padding:.5rem .8rem;margin:.5rem .5rem 0 0}
dt{font-weight:600}dd{margin:0 0 .5rem}.problem{color:#c00}`;

/** A page; `title` is text, `body` is HTML. */
export function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeHtml(title)}</title><style>${STYLE}</style></head>
<body>
<h1>${escapeHtml(title)}</h1>
${body}
</body>
</html>
`;
}

/** What goes with every page: nothing else may frame it, and forms lead here and to where the client's user goes back. */
export function pageHeaders(backTo?: string): Record<string, string> {
  const origins = ["'self'", ...(backTo === undefined ? [] : [new URL(backTo).origin])];
  return {
    "Content-Security-Policy": `default-src 'none'; style-src 'unsafe-inline'; form-action ${origins.join(" ")}; frame-ancestors 'none'; base-uri 'none'`,
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
  };
}

export interface Form {
  /** Against forms of other sites. */
  readonly token: string;
  readonly problem?: string | undefined;
}

const problemOf = ({ problem }: Form) =>
  problem === undefined ? "" : `<p class="problem" role="alert">${escapeHtml(problem)}</p>`;
export const hidden = ({ token }: Form, step: string) =>
  `<input type="hidden" name="token" value="${escapeHtml(token)}"><input type="hidden" name="step" value="${step}">`;

/** Asks whom to mail a code; `email` is fixed where an account request names it. */
export function emailPage(provider: string, email: string | undefined, form: Form): string {
  const field =
    email === undefined
      ? `<label>E-mail <input type="email" name="email" required autocomplete="email"></label>`
      : `<p>A code goes to <strong>${escapeHtml(email)}</strong>.</p>`;
  return page(
    `Sign in to ${provider}`,
    `${problemOf(form)}<form method="post">${hidden(form, "send")}${field}<button>Send the code</button></form>`,
  );
}

export function codePage(provider: string, form: Form): string {
  return page(
    `Sign in to ${provider}`,
    `${problemOf(form)}<p>If there is such an account, a code is on its way by e-mail. It holds for ten minutes.</p>
<form method="post">${hidden(form, "code")}<label>Code <input name="code" required autocomplete="one-time-code" size="12"></label><button>Sign in</button></form>
<form method="post">${hidden(form, "again")}<button>Send another code</button></form>`,
  );
}

export interface ConsentFacts {
  readonly provider: string;
  readonly account: string;
  /** Who asks. */
  readonly client: string;
  /** As the one who asks calls it. */
  readonly agent: string | undefined;
  readonly project: string | undefined;
  readonly scopes: readonly string[];
  /** What may be charged, decimal text in dollars. */
  readonly maxPerMonth: string | undefined;
}

export function consentPage(facts: ConsentFacts, form: Form): string {
  const { provider, account, client, agent, project, scopes, maxPerMonth } = facts;
  const rows: [string, string | undefined][] = [
    ["Who asks", client],
    ["For its agent", agent === "" ? undefined : agent],
    ["For the project", project],
    ["Your account", account],
    ["It may", scopes.map(sayScope).join("; ")],
    ["It may spend", maxPerMonth === undefined ? undefined : `at most $${maxPerMonth} a month`],
  ];
  const list = rows
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `<dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value ?? "")}</dd>`);
  return page(
    `Let an agent use your ${provider} account?`,
    `${problemOf(form)}<dl>${list.join("")}</dl>
<form method="post">${hidden(form, "decide")}<button name="answer" value="approve">Approve</button><button name="answer" value="decline">Decline</button></form>
<p>If you did not ask for this, decline.</p>`,
  );
}

export function sayScope(scope: string): string {
  return isScope(scope) ? SCOPES[scope] : scope;
}
