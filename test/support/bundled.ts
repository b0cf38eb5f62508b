/**
 * A program of the tests as one file. Loading some eight hundred modules is most of a short life, and a test that kills starts many;
 * what runs is the same code, from the same sources, and each source still believes to stand where it stands.
 */
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build, type Plugin } from "esbuild";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = join(root, ".cache/bundled");
const made = new Map<string, Promise<string>>();

/** The path of the file to start. Packages that find files of their own beside them are left where they are. */
export function bundled(program: URL): Promise<string> {
  const path = fileURLToPath(program);
  const known = made.get(path) ?? bundle(path);
  made.set(path, known);
  return known;
}

async function bundle(path: string): Promise<string> {
  const name = relative(root, path).replaceAll("/", "-").replace(/\.ts$/, "");
  const { outputFiles } = await build({
    entryPoints: { [name]: path },
    outdir: folder,
    outExtension: { ".js": ".mjs" },
    chunkNames: `${name}-[hash]`,
    bundle: true,
    splitting: true,
    platform: "node",
    format: "esm",
    banner: {
      js: 'import { createRequire as requireOf } from "node:module"; const require = requireOf(import.meta.url);',
    },
    external: ["miniflare", "workerd", "oidc-provider", "pg", "@foundry-rs/anvil"],
    plugins: [standsWhereItStood],
    write: false,
    logLevel: "error",
  });
  mkdirSync(folder, { recursive: true });
  // Two workers may make the same at once, and a program may be starting from it.
  for (const { path: to, contents } of outputFiles) {
    writeFileSync(`${to}.${process.pid}`, contents);
    renameSync(`${to}.${process.pid}`, to);
  }
  return join(folder, `${name}.mjs`);
}

const standsWhereItStood: Plugin = {
  name: "import.meta.url",
  setup(bundling) {
    bundling.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      if (path.includes("/node_modules/")) return undefined;
      const text = await readFile(path, "utf8");
      const url = JSON.stringify(pathToFileURL(path).href);
      return {
        contents: text.replaceAll("import.meta.url", url),
        loader: "ts",
        resolveDir: dirname(path),
      };
    });
  },
};
