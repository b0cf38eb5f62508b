/** `purser check --settings`: what the server under test must be told, known before anything is started, because the ports are. */
import { serverSettings, type ServerSettings } from "../conformance/index.ts";
import { BASE_SEPOLIA_USDC } from "../protocol/index.ts";
import { usageError } from "./check-options.ts";
import type { CheckFlags } from "./check-program.ts";
import type { Surroundings } from "./surroundings.ts";

/** Prints them as lines for a `.env` file, or with `--json` as one object. */
export function settingsCommand(
  flags: CheckFlags,
  ring: number,
  { terminal, json }: Pick<Surroundings, "terminal" | "json">,
): 0 {
  const at = (name: string, text: string) => {
    const port = readPort(name, text);
    if (port > 0) return `http://127.0.0.1:${port}`;
    throw usageError(
      `${name} 0 is any free port, which is not known beforehand.`,
      "Name the port, or let the tester start the server: --serve.",
    );
  };
  const settings = serverSettings({
    facilitatorUrl: at("--facilitator-port", flags.facilitatorPort),
    rpcUrl: at("--rpc-port", flags.rpcPort),
    asset: BASE_SEPOLIA_USDC,
    witnessUrl: ring === 2 ? undefined : at("--witness-port", flags.witnessPort),
  });
  if (json) terminal.out(JSON.stringify(settings, undefined, 2));
  else tellSettings(settings, terminal.out);
  return 0;
}

export function tellSettings(settings: ServerSettings, line: (text: string) => void): void {
  for (const [name, value] of Object.entries(settings)) line(`${name}=${value}`);
}

export function readPort(name: string, text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (port < 65_536) return port;
  throw usageError(`${name} is no port.`, "Write a number from 0 (any free one) to 65535.");
}
