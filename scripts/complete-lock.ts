/**
 * Completes `package-lock.json` after a change of dependencies. npm leaves out the optional packages of other platforms when the
 * registry it asks does not carry them, and `npm ci` then refuses the lockfile as out of step. This writes those entries from what
 * their parents say, beside the sibling of this platform, with the system that their names tell, so that they are skipped elsewhere.
 */
import { readFileSync, writeFileSync } from "node:fs";

interface Entry {
  version?: string;
  optional?: boolean;
  dev?: boolean;
  peer?: boolean;
  os?: string[];
  cpu?: string[];
  libc?: string[];
  optionalDependencies?: Record<string, string>;
}

const SYSTEMS = {
  darwin: "darwin",
  win: "win32",
  android: "android",
  freebsd: "freebsd",
  openharmony: "openharmony",
  linux: "linux",
};
const PROCESSORS = {
  arm64: "arm64",
  arm: "arm",
  ppc64: "ppc64",
  riscv64: "riscv64",
  s390x: "s390x",
  ia32: "ia32",
  "64": "x64",
};

const path = new URL("../package-lock.json", import.meta.url);
const lock = JSON.parse(readFileSync(path, "utf8")) as { packages: Record<string, Entry> };
let added = 0;
for (const parent of Object.values(lock.packages)) {
  const wanted = Object.entries(parent.optionalDependencies ?? {});
  const at = wanted
    .map(([name, version]) => locate(name, version))
    .find((found) => found !== undefined);
  if (at === undefined) continue;
  for (const [name, version] of wanted) {
    if (locate(name, version) !== undefined || lock.packages[at.folder + name] !== undefined)
      continue;
    lock.packages[at.folder + name] = { version, ...at.flags, optional: true, ...platformOf(name) };
    added += 1;
  }
}
lock.packages = Object.fromEntries(
  Object.entries(lock.packages).toSorted(([a], [b]) => (a < b ? -1 : 1)),
);
writeFileSync(path, `${JSON.stringify(lock, undefined, 2)}\n`);
console.log(`Added ${added} optional packages of other platforms.`);

/** Where this version of a package is in the tree: the folder before its name, and how its siblings are marked. */
function locate(name: string, version: string): { folder: string; flags: Entry } | undefined {
  for (const [key, entry] of Object.entries(lock.packages)) {
    if (!key.endsWith(`node_modules/${name}`) || entry.version !== version) continue;
    const flags = { ...(entry.dev && { dev: true }), ...(entry.peer && { peer: true }) };
    return { folder: key.slice(0, key.length - name.length), flags };
  }
  return undefined;
}

function platformOf(name: string): Entry {
  const words = name.slice(name.lastIndexOf("/") + 1);
  const pick = (table: Record<string, string>) =>
    Object.entries(table).find(([word]) => words.includes(word))?.[1];
  const libc = words.includes("musl") ? ["musl"] : /linux.*gnu/.test(words) ? ["glibc"] : undefined;
  return {
    os: [pick(SYSTEMS) ?? "none"],
    cpu: [pick(PROCESSORS) ?? "none"],
    ...(libc && { libc }),
  };
}
