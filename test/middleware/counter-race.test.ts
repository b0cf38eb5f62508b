/** What a counter's file decides where its signers get into one another's way, or somebody has written into it. */
import fs, { appendFileSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { CounterFile } from "../../middleware/signer/counter-file.ts";
import { type CounterRecord, hashOf, writeLine } from "../../middleware/signer/counter-line.ts";
import { DiskSync } from "../../middleware/signer/disk-sync.ts";
import { oneShotHmac } from "../../protocol/one-shot-hmac.ts";

/** What happens between a signer's reading and its writing, and how much of that is written. */
const meanwhile = { act: undefined as (() => void) | undefined, bytes: Infinity };
const { writeSync } = fs;

/** Modules are shared by the suite's files, so it is the built-in one that is changed, and only for this one. */
function setWrite(write: unknown): void {
  Object.assign(fs, { writeSync: write });
  syncBuiltinESMExports();
}

beforeEach(() => {
  setWrite((fd: number, bytes: Uint8Array) => {
    const { act } = meanwhile;
    meanwhile.act = undefined;
    act?.();
    return writeSync(fd, bytes, 0, Math.min(bytes.length, meanwhile.bytes));
  });
});
afterEach(() => {
  setWrite(writeSync);
  Object.assign(meanwhile, { act: undefined, bytes: Infinity });
  vi.restoreAllMocks();
});

const identity = { network: "eip155:1", asset: "0xaa", address: "0xbb" };
const sealKey = new Uint8Array(32);
const hmac = oneShotHmac(sealKey);
const newPath = () => join(mkdtempSync(join(tmpdir(), "purser-counter-")), "counter");
const open = (path: string) => new CounterFile({ path, identity, sealKey });
const linesOf = (path: string) => readFileSync(path, "utf8").split("\n").slice(0, -1);
const broken = (words: string) =>
  expect.objectContaining({
    code: "SIGNER_COUNTER_INVALID",
    message: expect.stringContaining(words),
  });

/** One of which three have room. */
const claim = (nonce: number, terms = "t") => ({
  at: Date.UTC(2026, 10, 20),
  nonce: `0x${nonce.toString(16).padStart(64, "0")}` as const,
  terms,
  provider: "shop",
  amount: 10n,
  maxPerProviderMonth: 1_000_000n,
  maxPerMonth: 30n,
});

test.each([
  ["the last room is another's who wrote first", [claim(2), claim(3)], claim(4), "WALLET_LIMIT"],
  ["the nonce is", [claim(2, "other terms")], claim(2), "NONCE"],
  ["nothing of it is", [claim(2)], claim(4), undefined],
  ["the same was granted to another", [claim(2)], claim(2), undefined],
])("between reading and writing: %s", (_, theirs, ours, rule) => {
  const path = newPath();
  const [file, another] = [open(path), open(path)];
  file.claim([claim(1)]);
  meanwhile.act = () => another.claim(theirs);
  expect(file.claim([ours]).rules).toEqual([rule]);
  // What was refused stands in the file all the same, and for nobody it counts.
  for (const each of [another, open(path)]) {
    each.claim([]);
    expect(each.counter.totals(ours.at)).toEqual(file.counter.totals(ours.at));
    expect(each.counter.has(ours)).toBe(rule === undefined);
  }
});

test("what has no room is not written, and of what is asked together the rest is", () => {
  const path = newPath();
  const [file, another] = [open(path), open(path)];
  another.claim([claim(1), claim(2)]);
  expect(file.claim([claim(2, "other terms"), claim(3)]).rules).toEqual(["NONCE", undefined]);
  expect(linesOf(path)).toHaveLength(4);
  another.claim([]);
  expect(another.claim([claim(4)]).rules).toEqual(["WALLET_LIMIT"]);
  expect(linesOf(path)).toHaveLength(4);
});

test("of claims that have room each but not together, those that come first have it", () => {
  const path = newPath();
  const rules = open(path).claim([1, 2, 3, 4].map((nonce) => claim(nonce))).rules;
  expect(rules).toEqual([undefined, undefined, undefined, "WALLET_LIMIT"]);
});

test("one that could only be written in part is not granted, and the next signer goes on behind it", () => {
  const path = newPath();
  const file = open(path);
  file.claim([claim(1)]);
  meanwhile.bytes = 20;
  expect(() => file.claim([claim(2)])).toThrow(broken("written in part"));
  meanwhile.bytes = Infinity;
  expect(() => file.claim([claim(3)])).toThrow(broken("written in part"));
  const next = open(path);
  expect(next.claim([claim(4)]).rules).toEqual([undefined]);
  expect(open(path).counter.size).toBe(2);
});

test("where nobody writes in between, nothing of the file is read a second time", () => {
  const path = newPath();
  const file = open(path);
  file.claim([claim(1)]);
  const parse = vi.spyOn(JSON, "parse");
  expect(file.claim([claim(2), claim(3)]).rules).toEqual([undefined, undefined]);
  expect(file.claim([claim(4)]).rules).toEqual(["WALLET_LIMIT"]);
  expect(parse).not.toHaveBeenCalled();
});

test("it is closed once what is on its way to the disk is there", async () => {
  const file = open(newPath());
  const close = vi.spyOn(DiskSync.prototype, "close");
  file.claim([claim(1)]);
  const closed = file.close();
  expect(close).not.toHaveBeenCalled();
  await closed;
  expect(close).toHaveBeenCalledOnce();
  expect(() => file.claim([claim(2)])).toThrow(broken("cannot be used"));
});

const header: CounterRecord = { type: "counter", ...identity };
const torn = writeLine(hmac, { type: "torn" });
const record = (nonce: number, before: readonly string[]): string => {
  const tip = before.reduce((all, line) => hashOf(hmac, all + line), "");
  return writeLine(hmac, { type: "claim", tip, claim: claim(nonce) });
};
const first = writeLine(hmac, header);

test.each<[string, string[], string]>([
  ["it does not begin as a counter", [record(1, [])], "does not begin as one"],
  ["its last line is none", [first, "x"], "its last line"],
  ["there is a line that is none", [first, "x", record(1, [first])], "a line of it is not"],
  ["it begins as another's", [writeLine(hmac, { ...header, asset: "0xcc" })], "another wallet"],
  [
    "a line knows of one that is not there",
    [first, record(2, [first, record(1, [first])])],
    "is gone",
  ],
])("it cannot be trusted where %s", (_, lines, words) => {
  const path = newPath();
  writeFileSync(path, [...lines, ""].join("\n"));
  expect(() => open(path)).toThrow(broken(words));
});

test("a line that is none was cut off where the next one says so", () => {
  const path = newPath();
  writeFileSync(path, [first, "x", torn, record(1, [first, "x", torn]), ""].join("\n"));
  expect(open(path).counter.size).toBe(1);
});

test("a line may be written by one who had not read the last ten thousand, and by none who was further behind", () => {
  const path = newPath();
  const file = open(path);
  const many = Array.from({ length: 10_000 }, (_, index) => ({ ...claim(index), amount: 0n }));
  file.claim(many.slice(1));
  appendFileSync(path, `${record(20_000, [first])}\n`);
  file.claim([]);
  expect(file.counter.size).toBe(10_000);
  appendFileSync(path, `${record(20_001, [first])}\n`);
  expect(() => file.claim([])).toThrow(broken("is gone"));
});
