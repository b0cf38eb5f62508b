/**
 * Leaves the words of an error alone: a mutant that says "Nothing was paid" otherwise is not one that a test should kill. Codes,
 * details and everything that decides stay mutated.
 */
import { declareValuePlugin, PluginKind } from "@stryker-mutator/api/plugin";

/** Of a node of Babel's syntax tree, what is looked at here. */
interface Path {
  readonly node: {
    readonly type: string;
    readonly key?: { readonly type: string; readonly name?: string };
  };
}

const WORDS = new Set(["problem", "nextStep", "message"]);

export const strykerPlugins = [
  declareValuePlugin(PluginKind.Ignore, "messages", {
    shouldIgnore(path: Path) {
      const { type, key } = path.node;
      const isWords = type === "ObjectProperty" && WORDS.has(key?.name ?? "");
      return isWords ? "the words of an error" : undefined;
    },
  }),
];
