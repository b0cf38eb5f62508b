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
    readonly aud?: string;
    readonly jkt?: string;
    readonly isValid: boolean;
  }
  /** A token that is made here. */
  export interface NewToken {
    aud?: string;
    readonly tokenType: string;
    readonly expiration: number;
    setThumbprint(kind: "jkt", thumbprint: string): void;
    save(): Promise<string>;
  }
  interface Model {
    revokeByGrantId(grantId: string): Promise<void>;
  }
  interface NewGrant {
    addOIDCScope(scope: string): void;
    addResourceScope(resource: string, scope: string): void;
    save(): Promise<string>;
  }
  /** What a grant type of one's own is given. */
  export interface ExtendedContext {
    readonly req: IncomingMessage;
    body: unknown;
    get(header: string): string | undefined;
    readonly oidc: {
      readonly client: { readonly clientId: string };
      readonly params: Readonly<Record<string, unknown>>;
      entity(name: string, value: object): void;
    };
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
    registerGrantType(
      name: string,
      handler: (context: ExtendedContext) => Promise<void>,
      parameters: readonly string[],
    ): void;
    Grant: {
      new (values: object): NewGrant;
      find(id: string): Promise<{ destroy(): Promise<void> } | undefined>;
    };
    AuthorizationCode: Model & { new (values: object): { save(): Promise<string> } };
    RefreshToken: Model;
    PushedAuthorizationRequest: new (values: object) => { save(seconds: number): Promise<string> };
    DeviceCode: Model & (new (values: object) => { save(): Promise<string> });
    interactionDetails(request: IncomingMessage, response: ServerResponse): Promise<Interaction>;
    interactionFinished(
      request: IncomingMessage,
      response: ServerResponse,
      result: object,
    ): Promise<void>;
    AccessToken: Model & {
      new (values: object): NewToken;
      find(value: string): Promise<StoredToken | undefined>;
    };
  }
  export const errors: {
    InvalidGrant: new (description: string) => Error;
    InvalidScope: new (description: string, scope: string) => Error;
    InvalidTarget: new () => Error;
    InvalidDpopProof: new (description: string) => Error;
  };
}
