/**
 * The desk is where a person's own program, or an agent's run, asks for things. It knows the person from the session and gives them their
 * own projects and nobody else's; a run has its one project. It asks nobody anything in a session's call: what needs the person is
 * refused with what would lift it.
 */
import type { Request } from "express";
import type { SessionView } from "../../protocol/index.ts";
import type { Runs } from "../runs.ts";
import type { Session, Sessions } from "../sessions.ts";
import { AccountDesk, type AccountDeskOptions } from "./account-desk.ts";
import type { Caller } from "./caller.ts";
import { ProjectDesk, type ProjectDeskOptions } from "./project-desk.ts";
import { ProviderDesk, type ProviderDeskOptions } from "./provider-desk.ts";
import { ResourceDesk, type ResourceDeskOptions } from "./resource-desk.ts";
import { SecretDesk, type SecretDeskOptions } from "./secret-desk.ts";

export class SessionDesk {
  readonly projects: ProjectDesk;
  readonly providers: ProviderDesk;
  readonly accounts: AccountDesk;
  readonly resources: ResourceDesk;
  readonly secrets: SecretDesk;
  readonly #sessions: Sessions;
  readonly #runs: Runs;

  constructor(parts: SessionDeskOptions) {
    this.#sessions = parts.sessions;
    this.#runs = parts.runs;
    this.projects = new ProjectDesk(parts);
    this.providers = new ProviderDesk(parts);
    this.accounts = new AccountDesk(parts);
    this.resources = new ResourceDesk(parts);
    this.secrets = new SecretDesk(parts);
  }

  /** Throws what `Runs` or `Sessions` throws for a token that is not, or no longer, good. */
  async authenticate(request: Request): Promise<Caller> {
    const authorization = request.get("authorization");
    if (this.#runs.speaksFor(authorization)) return this.#runs.authenticate(authorization);
    return this.#sessions.authenticate(request);
  }

  view({ user, agent, expiresAt }: Session): SessionView {
    return {
      user: { email: user.email, name: user.name, email_verified: user.emailVerified },
      agent,
      expires_at: expiresAt === undefined ? null : new Date(expiresAt).toISOString(),
    };
  }

  end(session: Session): { revoked: true } {
    this.#sessions.revoke(session);
    return { revoked: true };
  }
}

export interface SessionDeskOptions
  extends
    ProjectDeskOptions,
    ProviderDeskOptions,
    AccountDeskOptions,
    ResourceDeskOptions,
    SecretDeskOptions {
  sessions: Sessions;
}
