/** `purser up`: the local world alone, for somebody's own client, server or provider to join, until Ctrl-C. */
import { join } from "node:path";
import { ISSUER, openBuyer, openWorld, shareWorld, type World } from "../scenarios/index.ts";
import { readPath, readUrl } from "./arguments.ts";
import { EXIT, type ExitCode } from "./exit.ts";
import { openUpSignIn, type UpSignIn } from "./up-sign-in.ts";
import type { UpFlags } from "./world-program.ts";
import type { Surroundings } from "./surroundings.ts";
import { plain } from "./terminal.ts";
import { aborted } from "./interrupt.ts";

export async function upCommand(
  flags: UpFlags,
  { terminal, json, cwd, env, signal }: Surroundings,
): Promise<ExitCode> {
  const providers = flags.provider.map((url) => readUrl("--provider", url));
  const dir = flags.out === undefined ? join(cwd, ".purser", "world") : readPath(flags.out, cwd);
  terminal.note("Opening the world: chain, facilitator, provider, orchestrator");
  let opened: World | undefined;
  await using signIn = await openUpSignIn(flags, env, () => opened!.addresses.orchestratorUrl);
  await using world = await openWorld({ dir, providers, signIn: signIn.options, signal });
  opened = world;
  await using _ = await shareWorld(world);
  const joining = await describe(world, signIn);
  for (const warning of joining.warnings) terminal.note(terminal.paint.warn(plain(warning, 2000)));
  if (json) terminal.out(JSON.stringify(joining, undefined, 2));
  else {
    const { bold, dim, warn } = terminal.paint;
    const row = (name: string, value: string) => terminal.out(`  ${dim(name.padEnd(14))} ${value}`);
    const { asset, buyer } = joining;
    terminal.out(bold("The world is up. All of it is on this machine, with play money."));
    terminal.out();
    terminal.out(bold("For your own x402 server"));
    row("facilitator", joining.facilitatorUrl);
    row("network", `${joining.network} (${joining.caip2})`);
    row("asset", asset.address);
    row(
      "",
      `${asset.symbol}, ${asset.decimals} decimals, EIP-712 "${asset.name}" version "${asset.version}"`,
    );
    row("RPC", joining.rpcUrl);
    terminal.out();
    terminal.out(bold("For your own client"));
    row("buyer", `${buyer.address}, with ${buyer.balance} ${asset.symbol}`);
    row("private key", buyer.privateKey);
    row("", warn("play money: this key is worth nothing, and must never hold real funds"));
    row("", `also in ${buyer.keyFile}; more with \`purser fund <address>\``);
    terminal.out();
    terminal.out(bold("For your own provider (add it with --provider <url>)"));
    row("orchestrator", joining.orchestratorUrl);
    row("issuer", joining.issuer);
    row("keys", joining.keysUrl);
    terminal.out();
    terminal.out(bold("For your own browser"));
    row("sign in", joining.signIn.url);
    row("issuer", joining.signIn.issuer);
    if (joining.signIn.passcode === null) row("redirect URI", joining.signIn.redirectUri);
    else row("passcode", joining.signIn.passcode);
    terminal.out();
    terminal.out(bold("For a project's services (`purser init`, in this folder or below)"));
    row("elsewhere", `purser login --orchestrator ${joining.orchestratorUrl}`);
    row("mail", `${joining.mailFolder}, where sign-in codes come`);
    terminal.out();
    terminal.out(bold("Providers"));
    for (const [name, url] of Object.entries(joining.providers)) row(name, url);
    row("sites", `http://<hostname>.localhost:${joining.sitesPort}/`);
    terminal.out();
    terminal.out(
      `The world's folder is ${dir}; it reopens there as it was. Remove it and nothing is left.`,
    );
    terminal.out(`Let an agent work in it, from another terminal: purser run "…" --world ${dir}`);
    terminal.out("It is up until you press Ctrl-C.");
  }
  await aborted(signal);
  return EXIT.passed;
}

async function describe(world: World, { issuer, passcode }: UpSignIn) {
  const { dir, asset, addresses, cloudflare } = world;
  const { orchestratorUrl } = addresses;
  const { catalog, warnings } = await world.orchestrator.catalog();
  const providers = catalog.providers.map(({ profile, baseUrl }) => [profile.id, baseUrl] as const);
  return {
    ...addresses,
    providers: { ...addresses.providers, ...Object.fromEntries(providers) },
    warnings,
    chainId: asset.chainId,
    network: asset.networkName,
    caip2: asset.network,
    asset: {
      address: asset.address,
      symbol: asset.symbol,
      decimals: asset.decimals,
      ...asset.eip712,
    },
    buyer: await openBuyer(world),
    issuer: ISSUER,
    keysUrl: `${orchestratorUrl}/v2/provisioning/public_keys`,
    signIn: {
      url: `${orchestratorUrl}/sign-in`,
      issuer,
      /** As the issuer must know it. */
      redirectUri: `${orchestratorUrl}/sign-in/callback`,
      passcode: passcode ?? null,
    },
    jwksUrl: `${orchestratorUrl}/.well-known/jwks.json`,
    /** Nothing leaves this machine: a provider's letters to the person are files. */
    mailFolder: join(dir, "cloudflare", "mail"),
    sitesPort: cloudflare.opened.workersPort,
    dir,
  };
}
