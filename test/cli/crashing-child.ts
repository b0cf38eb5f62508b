/** A program with a bug: it opens a world as the command line does, and then something throws where nobody catches. */
import { processSurroundings } from "../../cli/surroundings.ts";
import { openWorld } from "../../scenarios/index.ts";

processSurroundings(process.argv);
await openWorld({ dir: process.argv[2] ?? "" });
setTimeout(() => {
  throw new Error("a bug");
}, 1);
