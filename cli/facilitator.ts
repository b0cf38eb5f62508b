/** `purser facilitator`: somebody's own facilitator, on any EVM network, until Ctrl-C. */
import { readFileSync } from "node:fs";
import { makeFolder } from "./make-folder.ts";
import { join } from "node:path";
import type { Hex } from "viem";
import { privateKeyToAddress } from "viem/accounts";
import { type FacilitatorEvent, readAsset, startFacilitator } from "../facilitator/index.ts";
import { readAddress, readCount, readPath } from "./arguments.ts";
import { EXIT, type ExitCode, UsageError } from "./exit.ts";
import type { FacilitatorFlags } from "./facilitator-program.ts";
import { aborted } from "./interrupt.ts";
import type { Surroundings } from "./surroundings.ts";
import { plain } from "./terminal.ts";

const MAX_PORT = 65_535;

export async function facilitatorCommand(
  flags: FacilitatorFlags,
  { terminal, json, cwd, env, signal }: Surroundings,
): Promise<ExitCode> {
  const rpcUrl = readRpcUrl(flags.rpc ?? env["RPC_URL"]);
  const privateKey = readKeys(flags, { env, cwd });
  // 0 is any free one.
  const port = flags.port === "0" ? 0 : readCount("--port", flags.port, { max: MAX_PORT });
  const address = flags.asset === undefined ? undefined : readAddress(flags.asset);
  const dir =
    flags.dir === undefined ? join(cwd, ".purser", "facilitator") : readPath(flags.dir, cwd);
  const { network, host, duplicates, allowMainnet = false } = flags;
  const asset = await readAsset({ rpcUrl, network, address });
  makeFolder(dir);
  const log = (event: FacilitatorEvent) =>
    terminal.note(JSON.stringify({ time: new Date().toISOString(), ...event }));
  const where = { rpcUrl, asset, port, host, dir, duplicates };
  await using running = await startFacilitator({ ...where, privateKey, allowMainnet, log });
  const { url, addresses } = running;
  const told = { url, network: asset.network, asset: asset.address, signers: addresses };
  if (json) terminal.out(JSON.stringify(told, undefined, 2));
  else {
    terminal.out(
      `The facilitator is at ${url}, for ${plain(asset.symbol, 32)} on ${asset.network}.`,
    );
    terminal.out(`Gas is paid by ${addresses.join(", ")}; ${url}/health says whether it has any.`);
  }
  await aborted(signal);
  return EXIT.passed;
}

/** An RPC server's address may hold a key in its path, so it is never repeated. */
function readRpcUrl(text: string | undefined): string {
  if (text !== undefined && URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) {
    return text;
  }
  throw new UsageError("URL_INVALID", {
    problem: "There is no RPC server's URL, or it is none of http or https.",
    nextStep: "Give --rpc <url>, or set RPC_URL.",
  });
}

function readKeys(
  { keyFile }: FacilitatorFlags,
  { env, cwd }: Pick<Surroundings, "env" | "cwd">,
): Hex[] {
  const fromEnvironment = env["FACILITATOR_KEY"];
  const texts =
    keyFile.length === 0 && fromEnvironment !== undefined
      ? [fromEnvironment]
      : keyFile.map((file) => readKeyFile(readPath(file, cwd)));
  const keys = texts.map((text) => text.trim().replace(/^(0x)?/, "0x"));
  if (keys.length > 0 && keys.every(isKey)) return keys as Hex[];
  throw new UsageError("KEY_INVALID", {
    problem:
      keys.length === 0
        ? "There is no key to pay the gas with."
        : "A key is not 32 bytes in hexadecimal, or is none of this curve's.",
    nextStep:
      "Make one with `openssl rand -hex 32 > gas.key && chmod 600 gas.key`, give --key-file gas.key, and send its address a little of the network's coin.",
  });
}

function isKey(text: string): boolean {
  if (!/^0x[0-9a-fA-F]{64}$/.test(text)) return false;
  try {
    return Boolean(privateKeyToAddress(text as Hex));
  } catch {
    return false;
  }
}

function readKeyFile(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    throw new UsageError("KEY_INVALID", {
      problem: `${plain(file, 200)} cannot be read.`,
      nextStep: "Give --key-file a file of 64 hexadecimal digits.",
    });
  }
}
