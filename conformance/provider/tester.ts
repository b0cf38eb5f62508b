/**
 * The tester as an orchestrator: a key of its own, published on this machine while it tests, and what it signs with it. A provider that is
 * to be tested whole trusts `trust`; what it refuses to strangers is tested without.
 */
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, importJWK } from "jose";
import { z } from "zod";
import type { SigningKey } from "../../protocol/index.ts";
import { ConformanceError } from "../conformance-error.ts";

/** What is kept of a tester, so that a provider can go on trusting it. */
export const TesterIdentity = z.object({
  issuer: z.string().max(500),
  port: z.number().int().min(0).max(65_535),
  kid: z.string().max(100),
  key: z.looseObject({
    kty: z.literal("OKP"),
    crv: z.literal("Ed25519"),
    x: z.string(),
    d: z.string(),
  }),
});
export type TesterIdentity = z.output<typeof TesterIdentity>;

export interface ProviderTester extends AsyncDisposable {
  readonly issuer: string;
  readonly clientId: string;
  readonly key: SigningKey;
  /** What a provider that is to be tested whole adds to the orchestrators that it trusts. */
  readonly trust: { readonly issuer: string; readonly clientId: string; readonly keysUrl: string };
  /** To keep; its port is the one that it listens on. */
  readonly identity: TesterIdentity;
}

export async function newTesterIdentity(): Promise<TesterIdentity> {
  const { privateKey } = await generateKeyPair("EdDSA", { extractable: true });
  const kid = randomUUID();
  const key = TesterIdentity.shape.key.parse(await exportJWK(privateKey));
  return { issuer: `https://provider-check.invalid/${kid.slice(0, 8)}`, port: 0, kid, key };
}

/** Publishes the keys on 127.0.0.1, or throws `CHECK_TARGET_UNREACHABLE` where the identity's port is taken. */
export async function openProviderTester(identity: TesterIdentity): Promise<ProviderTester> {
  const { issuer, kid, key } = identity;
  const privateKey = await importJWK({ ...key, alg: "EdDSA" }, "EdDSA");
  if (privateKey instanceof Uint8Array) throw new Error("an Ed25519 key is not symmetric");
  const body = JSON.stringify({ public_keys: [{ kid, crv: key.crv, x: key.x }] });
  const server = createServer((_, response) => {
    response.setHeader("content-type", "application/json").end(body);
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject).listen(identity.port, "127.0.0.1", resolve);
  await promise.catch((cause: unknown) => {
    throw new ConformanceError("CHECK_TARGET_UNREACHABLE", {
      problem: `The tester's keys are published on port ${identity.port}, which is taken.`,
      nextStep: "End what listens there, or give another --identity file.",
      cause,
    });
  });
  const { port } = server.address() as AddressInfo;
  return {
    issuer,
    clientId: issuer,
    key: { kid, privateKey },
    trust: { issuer, clientId: issuer, keysUrl: `http://127.0.0.1:${port}/keys` },
    identity: { ...identity, port },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
