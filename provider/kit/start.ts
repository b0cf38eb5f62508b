/** A provider as a server of its own on 127.0.0.1. It keeps its port, so that the tokens it issued hold when it opens again. */
import type { Express } from "express";
import type { OpenedProvider, ProviderDefinition } from "./definition.ts";
import { listenOnLoopback } from "./loopback.ts";
import type { ProviderOptions } from "./options.ts";
import { assemble, openProviderDatabase, type Provider } from "./provider.ts";
import { openSettings } from "./settings.ts";
import { requireUsable } from "./usable-options.ts";

export interface StartOptions extends Omit<ProviderOptions, "publicUrl"> {
  /** By default the one that the folder remembers, or a free one. */
  port?: number | undefined;
  /** By default the loopback address. */
  publicUrl?: string | undefined;
}

export interface ProviderServer<Opened extends OpenedProvider = OpenedProvider>
  extends Omit<Provider<Opened>, "app">, AsyncDisposable {
  /** Where it is reached. */
  readonly url: string;
  /** Where it listens on 127.0.0.1. */
  readonly port: number;
}

/**
 * Starts the provider, or throws `PORT_TAKEN` where the port that it was on is somebody else's now, and `PROVIDER_OPTIONS_INVALID` before it
 * opens anything.
 */
export async function startProvider<Opened extends OpenedProvider>(
  definition: ProviderDefinition<Opened>,
  { port, publicUrl, ...options }: StartOptions,
): Promise<ProviderServer<Opened>> {
  requireUsable(options);
  const database = openProviderDatabase(options.dir);
  const settings = openSettings(database);
  const ready = Promise.withResolvers<Express>();
  ready.promise.catch(() => {});
  const listening = await listenOnLoopback(
    (request, response) => {
      ready.promise.then(
        (app) => app(request, response),
        () => response.destroy(),
      );
    },
    port ?? Number(settings.get("port") ?? 0),
  ).catch((error: unknown) => {
    database.close();
    throw error;
  });
  settings.set("port", String(listening.port));
  const url = publicUrl ?? `http://127.0.0.1:${listening.port}`;
  let provider: Provider<Opened>;
  try {
    provider = await assemble(definition, { ...options, publicUrl: url }, database);
  } catch (error) {
    ready.reject(error);
    await listening.close();
    database.close();
    throw error;
  }
  ready.resolve(provider.app);
  const recovery = keepRecovering(() => provider.recover());
  const close = async () => {
    recovery.stop();
    await listening.close();
    await provider.close();
  };
  return {
    url,
    port: listening.port,
    opened: provider.opened,
    trust: (orchestrator) => provider.trust(orchestrator),
    recover: () => provider.recover(),
    close,
    [Symbol.asyncDispose]: close,
  };
}

const RECOVERY_INTERVAL_MS = 10_000;

/** Ends open sales now and then: the facilitator may have been away, or a payment's window still open. */
function keepRecovering(recover: () => Promise<number>): { stop(): void } {
  const attempt = () => {
    // What fails is tried again; the buyer's own copy of the payment would end the sale too.
    recover().catch(() => {});
  };
  attempt();
  const timer = setInterval(attempt, RECOVERY_INTERVAL_MS);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}
