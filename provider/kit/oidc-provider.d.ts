/** The part of `oidc-provider` 9 that the kit uses; the package carries no types. */
declare module "oidc-provider" {
  import type { IncomingMessage, ServerResponse } from "node:http";

  export interface TokenContext {
    status: number;
    body: unknown;
    oidc?: {
      route?: string;
      entities: { AccessToken?: { accountId?: string; grantId?: string } };
    };
  }
  export interface Adapter {
    upsert(id: string, payload: Record<string, unknown>, expiresIn?: number): Promise<void>;
    find(id: string): Promise<Record<string, unknown> | undefined>;
    findByUid(uid: string): Promise<Record<string, unknown> | undefined>;
    findByUserCode(userCode: string): Promise<Record<string, unknown> | undefined>;
    consume(id: string): Promise<void>;
    destroy(id: string): Promise<void>;
    revokeByGrantId(grantId: string): Promise<void>;
  }
  export interface StoredToken {
    readonly accountId?: string;
    readonly grantId?: string;
    readonly clientId?: string;
    readonly scope?: string;
    readonly isValid: boolean;
  }
  /** What a page is about: the step that the library waits for. */
  export interface Interaction {
    readonly uid: string;
    readonly prompt: { readonly name: string; readonly reasons: readonly string[] };
    readonly params: Readonly<Record<string, unknown>>;
    readonly session?: { readonly accountId?: string };
  }
  export default class Provider {
    constructor(issuer: string, configuration: object);
    proxy: boolean;
    use(middleware: (context: TokenContext, next: () => Promise<void>) => Promise<void>): void;
    on(event: string, listener: (...values: unknown[]) => void): void;
    callback(): (request: IncomingMessage, response: ServerResponse) => Promise<void>;
    Client: { find(id: string): Promise<object | undefined> };
    Grant: new (values: object) => { addOIDCScope(scope: string): void; save(): Promise<string> };
    AuthorizationCode: new (values: object) => { save(): Promise<string> };
    PushedAuthorizationRequest: new (values: object) => { save(seconds: number): Promise<string> };
    DeviceCode: new (values: object) => { save(): Promise<string> };
    interactionDetails(request: IncomingMessage, response: ServerResponse): Promise<Interaction>;
    interactionFinished(
      request: IncomingMessage,
      response: ServerResponse,
      result: object,
    ): Promise<void>;
    AccessToken: { find(value: string): Promise<StoredToken | undefined> };
  }
  export const errors: {
    InvalidGrant: new (description: string) => Error;
  };
}
