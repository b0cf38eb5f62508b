#!/usr/bin/env node
/** `npx purser` in a checkout: the command line from its sources, under the Node that this workspace brings. */
if (Number(process.versions.node.split(".")[0]) < 24) {
  process.stderr.write(
    `This checkout runs on Node 24, which it brings along, and this is ${process.versions.node}. Call it as \`npx purser\`.\n`,
  );
  process.exit(2);
}
await import("../cli/main.ts");
