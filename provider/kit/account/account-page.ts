/** The owner's page as HTML: what they have, and who may do what, with a button to take back each. */
import { escapeHtml } from "../../../protocol/index.ts";
import type { Account } from "../accounts.ts";
import type { Consents } from "../consents.ts";
import { type Form, hidden, page, sayScope } from "../consent/pages.ts";
import type { ResourceRecord } from "../resources/store.ts";

export interface AccountFacts {
  readonly account: Account;
  readonly consents: ReturnType<Consents["list"]>;
  readonly resources: readonly ResourceRecord[];
}

export function accountPage(
  provider: string,
  { account, consents, resources }: AccountFacts,
  form: Form,
): string {
  const services = resources.map(
    ({ serviceId, status, createdAt }) =>
      `<li>${escapeHtml(serviceId)}: ${status.replace("_", " ")}, since ${day(createdAt)}</li>`,
  );
  const agents = consents.map((consent) => agentPart(consent, form));
  return page(
    `Your ${provider} account`,
    `<p>${escapeHtml(account.email)}, since ${day(account.createdAt)}</p>
<form method="post">${hidden(form, "leave")}<button>Sign out</button></form>
<h2>Services</h2>
${services.length === 0 ? "<p>None.</p>" : `<ul>${services.join("")}</ul>`}
<h2>Agents</h2>
${agents.length === 0 ? "<p>None may use this account.</p>" : agents.join("\n")}`,
  );
}

function agentPart({ id, issuer, agent, agentName, scopes }: Consent, form: Form): string {
  const button = (text: string, scope: string) =>
    `<form method="post">${hidden(form, "revoke")}<input type="hidden" name="consent" value="${id}"><input type="hidden" name="scope" value="${escapeHtml(scope)}"><button>${escapeHtml(text)}</button></form>`;
  const each = scopes
    .split(" ")
    .map(
      (scope) => `<li>${escapeHtml(sayScope(scope))}${button(`Take back ${scope}`, scope)}</li>`,
    );
  const who = [agentName || agent || "Any agent", issuer].map(escapeHtml).join(", of ");
  return `<h3>${who}</h3><p>It may:</p><ul>${each.join("")}</ul>${button("Revoke", "")}`;
}

type Consent = AccountFacts["consents"][number];

function day(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}
