/** The process that holds the key: what it can be made to do, and what happens to it when its wallet dies. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { recoverTypedDataAddress } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { expect, test } from "vitest";
import { type SignIntent, startSignerProcess } from "../../middleware/index.ts";
import { authorizationTypedData, BASE_SEPOLIA_USDC, BASE_USDC } from "../../protocol/index.ts";

const KEY = `0x${"42".repeat(32)}` as const;
const ADDRESS = privateKeyToAccount(KEY).address;
const newFolder = () => mkdtempSync(join(tmpdir(), "purser-signer-"));

function newKeyFile(text: string = KEY, mode = 0o600): string {
  const keyFile = join(newFolder(), "key");
  writeFileSync(keyFile, text, { mode });
  return keyFile;
}

const intent: SignIntent = {
  network: BASE_SEPOLIA_USDC.network,
  asset: BASE_SEPOLIA_USDC.address,
  authorization: {
    from: ADDRESS,
    to: `0x${"dd".repeat(20)}`,
    value: 10_000n,
    validAfter: 0n,
    validBefore: 2_000_000_000n,
    nonce: `0x${"11".repeat(32)}`,
  },
};

/** A process that has ended may wait for the system to forget it. */
function isRunning(pid: string): boolean {
  const stat = existsSync(`/proc/${pid}`) ? readFileSync(`/proc/${pid}/stat`, "utf8") : "";
  return stat !== "" && !/\) [ZX] /.test(stat);
}
const coded = (code: string) => expect.objectContaining({ code });

test("it signs what it is asked to, with the key of its file", async () => {
  await using signer = await startSignerProcess({ keyFile: newKeyFile() });
  expect(signer.address).toBe(ADDRESS);
  const signature = await signer.sign(intent);
  const typed = authorizationTypedData(BASE_SEPOLIA_USDC, intent.authorization);
  expect(await recoverTypedDataAddress({ ...typed, signature })).toBe(ADDRESS);
});

test("it signs many at once, each its own", async () => {
  await using signer = await startSignerProcess({ keyFile: newKeyFile() });
  const values = Array.from({ length: 20 }, (_, index) => BigInt(index + 1));
  const owners = await Promise.all(
    values.map(async (value) => {
      const authorization = { ...intent.authorization, value };
      const signature = await signer.sign({ ...intent, authorization });
      const typed = authorizationTypedData(BASE_SEPOLIA_USDC, authorization);
      return recoverTypedDataAddress({ ...typed, signature });
    }),
  );
  expect(new Set(owners)).toEqual(new Set([ADDRESS]));
});

test.each([
  ["a token that we do not know", { asset: `0x${"12".repeat(20)}` as const }],
  ["a token of another network", { asset: BASE_USDC.address }],
  ["another payer", { authorization: { ...intent.authorization, from: intent.authorization.to } }],
  ["nothing", { authorization: { ...intent.authorization, value: 0n } }],
  ["a negative amount", { authorization: { ...intent.authorization, value: -1n } }],
  ["a nonce that is none", { authorization: { ...intent.authorization, nonce: "0x11" as const } }],
])("it does not sign for %s", async (_, change) => {
  await using signer = await startSignerProcess({ keyFile: newKeyFile() });
  await expect(signer.sign({ ...intent, ...change })).rejects.toThrow(coded("SIGNER_FAILED"));
  expect(await signer.sign(intent)).toMatch(/^0x/);
});

test("where there is no key yet, it makes one that only its owner can read, and keeps it", async () => {
  const keyFile = join(newFolder(), "keys", "wallet.key");
  await using first = await startSignerProcess({ keyFile });
  expect(statSync(keyFile).mode & 0o777).toBe(0o600);
  await using second = await startSignerProcess({ keyFile });
  expect(second.address).toBe(first.address);
});

test.each([
  ["that others can read", () => newKeyFile(KEY, 0o644), "can be read by other users"],
  ["that holds no key", () => newKeyFile("secret words"), "does not hold a private key"],
  ["that is a folder", newFolder, ""],
])("a key file %s is refused, and its content is not in the error", async (_, make, problem) => {
  const error = await startSignerProcess({ keyFile: make() }).then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(error).toEqual(coded("SIGNER_KEY_INVALID"));
  const { message } = error as Error;
  expect(message).toContain(problem);
  expect(message).not.toContain("secret words");
});

test("the key is neither in its arguments nor in its environment", async () => {
  await using signer = await startSignerProcess({ keyFile: newKeyFile() });
  const of = (name: string) => readFileSync(`/proc/${signer.pid}/${name}`, "utf8");
  expect(of("cmdline")).toContain("--permission");
  expect(of("cmdline") + of("environ")).not.toContain(KEY.slice(2));
  expect(of("environ")).toBe("");
});

test("after it was closed it signs nothing, and is gone", async () => {
  const signer = await startSignerProcess({ keyFile: newKeyFile() });
  await signer.close();
  await expect(signer.sign(intent)).rejects.toThrow(coded("SIGNER_FAILED"));
  expect(isRunning(String(signer.pid))).toBe(false);
});

test("a signer that dies while it is asked is an error, not a hang", async () => {
  await using signer = await startSignerProcess({ keyFile: newKeyFile() });
  process.kill(signer.pid, "SIGSTOP");
  const signature = signer.sign(intent);
  process.kill(signer.pid, "SIGKILL");
  await expect(signature).rejects.toThrow(coded("SIGNER_FAILED"));
});

test("it ends when its wallet is killed", async () => {
  const module = fileURLToPath(new URL("../../middleware/index.ts", import.meta.url));
  const script = `
    import { startSignerProcess } from ${JSON.stringify(module)};
    const { pid } = await startSignerProcess({ keyFile: ${JSON.stringify(newKeyFile())} });
    console.log(pid);
    setInterval(() => undefined, 1000);`;
  const wallet = spawn(process.execPath, ["--input-type=module", "-e", script]);
  const [pid] = (await once(createInterface({ input: wallet.stdout }), "line")) as [string];
  expect(isRunning(pid)).toBe(true);
  wallet.kill("SIGKILL");
  await expect.poll(() => isRunning(pid)).toBe(false);
});

test("a file that it was not given cannot be read by it, and it can start nothing", async () => {
  const secret = newKeyFile("another secret");
  await using signer = await startSignerProcess({ keyFile: newKeyFile() });
  const args = readFileSync(`/proc/${signer.pid}/cmdline`, "utf8").split("\0");
  const permissions = args.filter((argument) => /^--(permission|allow)/.test(argument));
  expect(
    permissions.some((argument) => argument.includes("child") || argument.includes("worker")),
  ).toBe(false);
  const script = `
    const say = (name, work) => { try { work(); console.log(name, "allowed"); } catch (error) { console.log(name, error.code); } };
    say("read", () => require("node:fs").readFileSync(${JSON.stringify(secret)}));
    say("write", () => require("node:fs").writeFileSync(${JSON.stringify(secret)}, ""));
    say("spawn", () => require("node:child_process").spawnSync("true"));`;
  const child = spawn(process.execPath, [...permissions, "-e", script]);
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => lines.push(line));
  await once(child, "close");
  expect(lines).toEqual([
    "read ERR_ACCESS_DENIED",
    "write ERR_ACCESS_DENIED",
    "spawn ERR_ACCESS_DENIED",
  ]);
});
