/** The process that holds the key: what it can be made to do, and what happens to it when its wallet dies. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { recoverTypedDataAddress, toHex } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { expect, test } from "vitest";
import { startSignerProcess } from "../../middleware/index.ts";
import { authorizationTypedData, BASE_SEPOLIA_USDC } from "../../protocol/index.ts";
import { newIntent } from "./intents.ts";

const KEY = `0x${"42".repeat(32)}` as const;
const ADDRESS = privateKeyToAccount(KEY).address;
const newFolder = () => mkdtempSync(join(tmpdir(), "purser-signer-"));

function newKeyFile(text: string = KEY, mode = 0o600): string {
  const keyFile = join(newFolder(), "key");
  writeFileSync(keyFile, text, { mode });
  return keyFile;
}

const intent = newIntent({ from: ADDRESS });

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
      const each = newIntent({ from: ADDRESS, value, nonce: toHex(value, { size: 32 }) });
      const signature = await signer.sign(each);
      const typed = authorizationTypedData(BASE_SEPOLIA_USDC, each.authorization);
      return recoverTypedDataAddress({ ...typed, signature });
    }),
  );
  expect(new Set(owners)).toEqual(new Set([ADDRESS]));
});

test("it counts what it signs, once", async () => {
  await using signer = await startSignerProcess({ keyFile: newKeyFile() });
  const signature = await signer.sign(intent);
  expect(await signer.sign(intent)).toBe(signature);
  expect(await signer.signed()).toMatchObject({ total: intent.authorization.value });
});

test.each([
  ["nothing", newIntent({ from: ADDRESS, value: 0n })],
  ["a negative amount", newIntent({ from: ADDRESS, value: -1n })],
  ["a nonce that is none", newIntent({ from: ADDRESS, nonce: "0x11" })],
  ["a purchase without a name", { ...intent, purchase: "" }],
  ["a field more than there are", { ...intent, more: "terms" }],
])("it does not sign for %s, and goes on", async (_, wrong) => {
  await using signer = await startSignerProcess({ keyFile: newKeyFile() });
  await expect(signer.sign(wrong)).rejects.toThrow(
    expect.objectContaining({ code: "SIGNER_REFUSED", details: { rule: "INTENT" } }),
  );
  expect(await signer.sign(intent)).toMatch(/^0x/);
});

test("the limits it was started with hold over every signer of the key, and over its end", async () => {
  const keyFile = newKeyFile();
  const limits = { maxPerMonth: 25_000n };
  const nonces = Array.from({ length: 4 }, (_, index) => toHex(index + 1, { size: 32 }));
  const [one, two, three, four] = nonces.map((nonce) => newIntent({ from: ADDRESS, nonce }));
  await using lasting = await startSignerProcess({ keyFile, limits });
  {
    await using ended = await startSignerProcess({ keyFile, limits });
    await ended.sign(one!);
  }
  await lasting.sign(two!);
  await using late = await startSignerProcess({ keyFile, limits });
  for (const signer of [lasting, late]) {
    await expect(signer.sign(three!)).rejects.toThrow(
      expect.objectContaining({ code: "SIGNER_REFUSED", details: { rule: "WALLET_LIMIT" } }),
    );
  }
  expect(await late.signed()).toMatchObject({ total: 20_000n, providers: { shop: 20_000n } });
  await using raised = await startSignerProcess({ keyFile, limits: { maxPerMonth: 30_000n } });
  expect(await raised.sign(four!)).toMatch(/^0x/);
});

test("what another signer of the key has signed since counts, and may have taken its room", async () => {
  const start = { keyFile: newKeyFile(), limits: { maxPerMonth: 35_000n } };
  await using signer = await startSignerProcess(start);
  await using another = await startSignerProcess(start);
  const [one, two, three] = [1, 2, 3].map((index) =>
    newIntent({ from: ADDRESS, nonce: toHex(index, { size: 32 }) }),
  );
  await another.sign(two!);
  expect(await signer.sign(one!)).toBe(await another.sign(one!));
  await another.sign(three!);
  await expect(signer.sign(intent)).rejects.toMatchObject({ details: { rule: "WALLET_LIMIT" } });
  expect(await another.signed()).toMatchObject({ total: 30_000n });
});

test("a counter that was changed is refused at start, and nothing is signed", async () => {
  const keyFile = newKeyFile();
  {
    await using signer = await startSignerProcess({ keyFile });
    await signer.sign(intent);
  }
  const counterFile = `${keyFile}.counter`;
  writeFileSync(counterFile, readFileSync(counterFile, "utf8").replace("10000", "00001"));
  await expect(startSignerProcess({ keyFile })).rejects.toThrow(coded("SIGNER_COUNTER_INVALID"));
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
  ["with a number that is no key", () => newKeyFile(`0x${"f".repeat(64)}`), "a private key"],
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
