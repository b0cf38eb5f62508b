/** `purser check` as CI uses it: exit codes, one JSON object, reports on disk, a baseline. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  AGENT_CASES,
  CASES,
  CLIENT_CASES,
  diffReports,
  type Report,
  ReportSchema,
  type Verdict,
} from "../../conformance/index.ts";
import { type Endpoint, openEndpoint } from "../conformance/endpoint.ts";
import { openCarefulShop } from "../conformance/shop.ts";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { startLocalChain } from "../../chain/index.ts";
import { commandLine } from "../support/command-line.ts";
import { freePort } from "../support/free-port.ts";
import { temporaryFolder } from "../support/temporary.ts";

let right: Endpoint;
let wrong: Endpoint;
beforeAll(async () => {
  right = await openEndpoint("x402-v2");
  wrong = await openEndpoint("x402-v2", (_, { method }) =>
    method === "HEAD" ? { status: 200, headers: {}, body: "" } : undefined,
  );
});
afterAll(async () => {
  await right[Symbol.asyncDispose]();
  await wrong[Symbol.asyncDispose]();
});

function check(args: readonly string[], cwd = process.cwd(), env = {}) {
  return commandLine(["check", ...args], { cwd, env });
}

test("an endpoint that holds: exit code 0", async () => {
  const { code, stdout } = await check([right.url]);
  expect(code).toBe(0);
  expect(stdout).toContain("Nothing failed.");
});

test("one that does not: exit code 1, with what it costs and how to mend it", async () => {
  const { code, stdout, stderr } = await check([wrong.url]);
  expect(code).toBe(1);
  expect(stderr).toContain("HTTP-01");
  expect(stdout).toMatch(/fail HTTP-01[\s\S]+Seen:[\s\S]+Mend: Guard HEAD like GET/);
});

test("one that asks for no payment at all: exit code 2, with the reason and the next step", async () => {
  const { code, stdout } = await check([right.url.replace("/paid", "/other")]);
  expect(code).toBe(2);
  expect(stdout).toMatch(
    /cannot-assess DISC-01, .+ and \d+ more: The request was answered with 404, not with 402\./,
  );
  expect(stdout).toMatch(/It could not be judged\.\nSend the request that is for sale/);
});

test("what an option would have shown is said, and with --verbose why each case was skipped", async () => {
  const { stdout, stderr } = await check([right.url, "--verbose"]);
  expect(stdout).toMatch(/skip LEAK-01: Give --resource-marker with/);
  expect(stderr).toMatch(/skip +DISC-02 .+: .+ is answered with 404\./);
});

test("a test that could not be made is the tester's: exit code 3, and no finding", async () => {
  const taken = String(right.port);
  const { code, stdout } = await check([right.url, "--ring", "2", "--rpc-port", taken, "--json"]);
  expect(code).toBe(3);
  expect(JSON.parse(stdout)).toMatchObject({
    passed: false,
    error: { code: expect.stringMatching(/PORT|CHAIN/) },
  });
});

test("--json is exactly one report", async () => {
  const { code, stdout } = await check([wrong.url, "--json"]);
  expect(code).toBe(1);
  const report: Report = ReportSchema.parse(JSON.parse(stdout));
  expect(report).toMatchObject({ outcome: "failed", ring: 0, counts: { fail: 1 } });
});

describe("a baseline", () => {
  test("lets a known failure pass", async () => {
    using folder = temporaryFolder();
    writeFileSync(join(folder.path, "known.yml"), "expected-failures:\n  - HTTP-01\n");
    const { code, stdout } = await check([wrong.url, "--baseline", "known.yml"], folder.path);
    expect(code).toBe(0);
    expect(stdout).toMatch(/ 1 fail \(1 known\)[^\n]*\n1 known failure, nothing new\./);
    expect(stdout).not.toContain("Nothing failed");
  });

  test("may say of a case that it fails in some runs only, which is never stale", async () => {
    using folder = temporaryFolder();
    writeFileSync(join(folder.path, "known.yml"), "- HTTP-01?\n- CHAL-01@x402-v2?\n");
    const { code, stdout } = await check([wrong.url, "--baseline", "known.yml"], folder.path);
    expect(stdout).toContain("1 known failure, nothing new.");
    expect(code).toBe(0);
  });

  test("is not stale where nothing was judged: the server may be down", async () => {
    using folder = temporaryFolder();
    writeFileSync(join(folder.path, "known.yml"), "- HTTP-01\n");
    const elsewhere = right.url.replace("/paid", "/other");
    const { code, stdout } = await check([elsewhere, "--baseline", "known.yml"], folder.path);
    expect(code).toBe(2);
    expect(stdout).not.toContain("take it out");
  });

  test.each(["HTPP-01", "HTTP-01@x402-v3"])(
    "that names %s, which is none, is refused",
    async (id) => {
      using folder = temporaryFolder();
      writeFileSync(join(folder.path, "known.yml"), `- ${id}\n`);
      const { code, stdout } = await check(
        [wrong.url, "--baseline", "known.yml", "--json"],
        folder.path,
      );
      expect(code).toBe(2);
      expect(JSON.parse(stdout)).toMatchObject({ error: { code: "CHECK_FILE_INVALID" } });
    },
  );

  test("that expects too much is told so, and fails CI", async () => {
    using folder = temporaryFolder();
    writeFileSync(join(folder.path, "known.yml"), "- HTTP-01\n- CHAL-01\n");
    const { code, stdout } = await check([wrong.url, "--baseline", "known.yml"], folder.path);
    expect(code).toBe(1);
    expect(stdout).toContain("expects CHAL-01 to fail, and it no longer does");
    expect(stdout).toContain("It does not hold: 1 known, 1 entry of the baseline to take out.");
  });
});

test("reports are written where --out says, and nowhere without --report", async () => {
  using folder = temporaryFolder();
  await check([wrong.url], folder.path);
  expect(existsSync(join(folder.path, "purser-check"))).toBe(false);
  await check([wrong.url, "--report", "json,sarif,md", "--out", "here"], folder.path);
  expect(readFileSync(join(folder.path, "here/report.sarif"), "utf8")).toContain("HTTP-01");
  expect(existsSync(join(folder.path, "here/report.json"))).toBe(true);
  expect(existsSync(join(folder.path, "here/report.md"))).toBe(true);
});

describe("diff", () => {
  async function diff(before: string, after: string) {
    using folder = temporaryFolder();
    for (const [out, url] of [
      ["before", before],
      ["after", after],
    ] as const)
      await check([url, "--only", "HTTP-01", "--report", "json", "--out", out], folder.path);
    return await check(["diff", "before/report.json", "after/report.json"], folder.path);
  }
  const elsewhere = () => right.url.replace("/paid", "/other");

  test("tells what got worse with exit code 1, and what got better with 0", async () => {
    const worse = await diff(right.url, wrong.url);
    expect(worse.code).toBe(1);
    expect(worse.stdout).toMatch(/^worse {2}HTTP-01 .+ pass → fail\n1 verdict changed\.$/);
    expect(await diff(wrong.url, right.url)).toMatchObject({ code: 0 });
  });

  test("tells what is no longer judged, and why, with exit code 2", async () => {
    for (const before of [right.url, wrong.url]) {
      const { code, stdout } = await diff(before, elsewhere());
      expect(code).toBe(2);
      expect(stdout).toMatch(/^lost {3}HTTP-01 .+ → cannot-assess: .+ 404, not with 402/);
    }
  });

  test("does not take a failure for mended that is not looked at any more", () => {
    const was = (verdict: Verdict, ...ids: string[]) =>
      ({ results: ids.map((id) => ({ id, profile: "mpp", verdict })) }) as unknown as Report;
    expect(diffReports(was("fail", "A"), was("skip", "A"))).toMatchObject({ lost: true });
    expect(diffReports(was("fail", "A"), was("pass"))).toMatchObject({ lost: true });
    expect(diffReports(was("pass", "A"), was("skip", "A"))).toMatchObject({ lost: false });
    expect(diffReports(was("skip", "A"), was("warn", "A"))).toMatchObject({ worse: true });
  });
});

test("list names every case, and explain tells all of one", async () => {
  const { stdout } = await check(["list", "--json"]);
  expect((JSON.parse(stdout) as { id: string }[]).map(({ id }) => id)).toEqual(
    [...CASES, ...CLIENT_CASES, ...AGENT_CASES].map(({ id }) => id),
  );
  const explained = await check(["explain", "chal-18"]);
  expect(explained.stdout).toMatch(/CHAL-18[\s\S]+Where:[\s\S]+To mend it:/);
  const place = /^ +(\/.+), "what is specification/m.exec(explained.stdout)?.[1] ?? "";
  expect(existsSync(place)).toBe(true);
});

test("list --ring and --profile name the cases of those alone", async () => {
  const { stdout } = await check(["list", "--ring", "3", "--profile", "mpp", "--json"]);
  const cases = JSON.parse(stdout) as { ring: number; profiles: string | string[] }[];
  expect(cases.length).toBeGreaterThan(10);
  for (const { ring, profiles } of cases) {
    expect(ring).toBe(3);
    expect(profiles === "any" || profiles.includes("mpp")).toBe(true);
  }
});

test("ring 2 brings a chain and a facilitator, says where they are, and pays", async () => {
  const [facilitatorPort, rpcPort] = [await freePort(), await freePort()];
  const facilitatorUrl = `http://127.0.0.1:${facilitatorPort}`;
  await using shop = await openCarefulShop({ facilitatorUrl });
  const ports = ["--facilitator-port", String(facilitatorPort), "--rpc-port", String(rpcPort)];
  const only = ["--only", "SETL-*,RPLY-01"];
  const { code, stderr } = await check([shop.url, "--ring", "2", ...ports, ...only]);
  expect(code).toBe(0);
  expect(stderr).toContain(`FACILITATOR_URL=${facilitatorUrl}`);
  expect(stderr).toMatch(/^Ring 2: 0 of \d+ cases done, \d+ s; now /m);
  expect(shop.worked()).toBe(3);
});

test.each([
  ["a URL that is none", ["nonsense"]],
  ["a server that is not there", ["http://127.0.0.1:1/x"]],
  ["a private network without leave", ["http://10.1.2.3/x"]],
  ["a profile that is none", ["http://127.0.0.1/x", "--profile", "x402"]],
  ["a case that is none", ["RIGHT", "--only", "CHAL-99"]],
  ["a report format that is none", ["http://127.0.0.1/x", "--report", "pdf"]],
  ["a header that is none", ["http://127.0.0.1/x", "-H", "nonsense"]],
  ["a ring that is none", ["RIGHT", "--ring", "4"]],
  ["a key without a ring that pays", ["RIGHT", "--key-env", "KEY"]],
  ["a server to start without a ring that pays", ["RIGHT", "--ring", "1", "--serve", "x"]],
  ["a client's deadline", ["RIGHT", "--deadline", "5"]],
  ["ring 3 with a key of one's own", ["RIGHT", "--ring", "3", "--key-env", "KEY"]],
  ["settings with any free port", ["RIGHT", "--ring", "3", "--settings", "--rpc-port", "0"]],
  ["random faults without the ring that has them", ["RIGHT", "--ring", "2", "--chaos", "7"]],
  ["settings without a ring that needs them", ["RIGHT", "--settings"]],
  ["an option that list does not have", ["list", "--strict"]],
  ["an OpenAPI document in a private network", ["RIGHT", "--openapi", "http://10.1.2.3/api.json"]],
  ["another address in a private network", ["RIGHT", "--also-url", "http://10.1.2.3/x"]],
  ["explaining no case", ["explain", "CHAL-99"]],
])("%s is told with exit code 2", async (_, args) => {
  const { code, stderr } = await check(args.map((arg) => (arg === "RIGHT" ? right.url : arg)));
  expect(code).toBe(2);
  expect(stderr).not.toContain("INTERNAL");
});

const KEY = `0x${"4".repeat(64)}`;
const PAY = ["RIGHT", "--ring", "2"];
test.each([
  [/There is no file .+missing\.yml\.\nWrite a YAML list/, ["RIGHT", "--baseline", "missing.yml"]],
  [/There is no file .+missing\.json/, ["RIGHT", "--catalog", "missing.json"]],
  [/There is no file .+missing\.json/, ["RIGHT", "--openapi", "missing.json"]],
  [/There is no file .+a\.json\.\nWrite one with --report json/, ["diff", "a.json", "b.json"]],
  [
    /USAGE: The variable NO_KEY, which --key-env names, is not set/,
    [...PAY, "--key-env", "NO_KEY"],
  ],
  [/USAGE: BAD_KEY does not hold a private key/, [...PAY, "--key-env", "BAD_KEY"]],
  [/USAGE: What --key-env says is not the name of a variable/, [...PAY, "--key-env", KEY]],
  [/USAGE: .+ needs an RPC server/, [...PAY, "--key-env", "KEY"]],
  [/USAGE: .+ needs a limit/, [...PAY, "--key-env", "KEY", "--rpc", "http://127.0.0.1:1"]],
  [/USAGE: --allow-mainnet .+ no --key-env names one/, [...PAY, "--allow-mainnet"]],
])("what is missing is named: %s", async (told, args) => {
  const env = { KEY, BAD_KEY: "0x12" };
  const { code, stderr } = await check(
    args.map((arg) => (arg === "RIGHT" ? right.url : arg)),
    process.cwd(),
    env,
  );
  expect(code).toBe(2);
  expect(stderr).toMatch(told);
  expect(stderr).not.toContain(KEY.slice(2, 20));
});

describe("--openapi", () => {
  const document = { paths: { "/paid": { get: { responses: { 402: {} } } } } };

  test("tests what a file or a URL names, and reports on each route", async () => {
    using folder = temporaryFolder();
    await using described = await openEndpoint("x402-v2", (_, { path, method }) => {
      if (path === "/openapi.json")
        return { status: 200, headers: {}, body: JSON.stringify(document) };
      return method === "HEAD" ? { status: 200, headers: {}, body: "" } : undefined;
    });
    const { origin } = new URL(described.url);
    writeFileSync(join(folder.path, "api.json"), JSON.stringify(document));
    for (const source of ["api.json", `${origin}/openapi.json`]) {
      const args = [origin, "--openapi", source, "--only", "HTTP-01,CHAL-01"];
      const { code, stdout } = await check(args, folder.path);
      expect(code).toBe(1);
      expect(stdout).toContain(`Seen: GET ${described.url} HEAD was answered with 200`);
    }
  });

  test("follows no redirect to the document", async () => {
    await using moved = await openEndpoint("x402-v2", (_, { path }) =>
      path === "/openapi.json"
        ? { status: 302, headers: { Location: right.url }, body: "" }
        : undefined,
    );
    const { origin } = new URL(moved.url);
    const { code, stderr } = await check([origin, "--openapi", `${origin}/openapi.json`]);
    expect(code).toBe(2);
    expect(stderr).toContain("is answered with 302");
  });
});

test("list --left-out says why a case is not there, and so does explain", async () => {
  const { stdout } = await check(["list", "--left-out"]);
  expect(stdout).toMatch(/TAMP-14[\s\S]+no specification bounds/);
  expect((await check(["explain", "tamp-14"])).stdout).toContain("It is left out: It is wrong");
});

test("with a key, what it may spend is said before anything is sent, and kept to", async () => {
  await using chain = await startLocalChain();
  const key = generatePrivateKey();
  await chain.fund(privateKeyToAccount(key).address, { usdc: 1_000_000n });
  const lines: string[] = [];
  let told: string | undefined;
  const payments = new Set<string>();
  await using asking = await openEndpoint("x402-v2", (_, { request }) => {
    told ??= lines.join("\n");
    for (const value of request.headersDistinct["payment-signature"] ?? []) payments.add(value);
    return undefined;
  });
  const spend = ["--key-env", "KEY", "--rpc", chain.rpcUrl, "--max-spend", "0.025"];
  const only = ["--only", "SETL-01,RPLY-01,RPLY-09,SETL-07"];
  const args = [asking.url, "--ring", "2", ...spend, ...only];
  await commandLine(["check", ...args], { env: { KEY: key }, stderr: lines });
  expect(told).toMatch(/It signs for at most 0.025 USDC of 0x\w{40} on Base Sepolia/);
  // Two payments of 0.01 fit, and a third does not.
  expect(payments.size).toBe(2);
});

describe("ring 3", () => {
  test("--settings prints what the server must be told, and starts nothing", async () => {
    const { code, stdout } = await check([right.url, "--ring", "3", "--settings"]);
    expect(code).toBe(0);
    expect(stdout.split("\n")).toEqual([
      "FACILITATOR_URL=http://127.0.0.1:4402",
      "RPC_URL=http://127.0.0.1:4403",
      "NETWORK=eip155:84532",
      "NETWORK_NAME=base-sepolia",
      "CHAIN_ID=84532",
      "ASSET=0x036CbD53842c5426634e7929541eC2318f3dCF7e",
      "ASSET_NAME=USDC",
      "ASSET_VERSION=2",
      "WITNESS_URL=http://127.0.0.1:4404",
    ]);
  });

  test("--serve starts the server with them, tests it, and every report tells of it", async () => {
    using folder = temporaryFolder();
    const program = join(import.meta.dirname, "../conformance/ring3-child.ts");
    const url = `http://127.0.0.1:${await freePort()}/paid`;
    const ports = ["--facilitator-port", "0", "--rpc-port", "0", "--witness-port", "0"];
    const reports = ["--report", "json,junit,sarif,md,html,har", "--out", folder.path];
    const args = [
      url,
      "--ring=3",
      `--serve=exec "${process.execPath}" ${program}`,
      "--only=WORK-02,WORK-03,RPLY-06",
      "--verbose",
      ...ports,
      ...reports,
    ];
    const env = { DATABASE: join(folder.path, "sales") };
    const { code, stdout } = await check(args, folder.path, env);
    expect(stdout).toContain("3 pass");
    expect(code).toBe(0);
    const report = ReportSchema.parse(
      JSON.parse(readFileSync(join(folder.path, "report.json"), "utf8")),
    );
    expect(report.results.map(({ id, behind }) => [id, behind])).toEqual([
      ["WORK-02", ["verify", "work", "settle", "verify", "work", "settle"]],
      ["WORK-03", ["verify", "work (500)"]],
      ["RPLY-06", expect.arrayContaining(["verify (always-valid)", "work", "settle (cached)"])],
    ]);
    for (const name of ["junit.xml", "report.sarif", "report.md", "report.html"])
      expect(readFileSync(join(folder.path, name), "utf8")).toContain("WORK-03");
    await expect(fetch(url)).rejects.toThrow();
  });
});
