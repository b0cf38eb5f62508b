/** `look_at_folder`: which of the user's own files a deployment of a folder would carry, before anything is spent on it. */
import { z } from "zod";
import { readSiteFolder } from "../worker/site-folder.ts";
import type { ToolDefinition } from "./tool.ts";

const MAX_LISTED = 100;

const Input = z.object({
  folder: z.string().max(500).describe('Relative to the user\'s own folder, such as "site".'),
});

export const lookAtFolder = {
  name: "look_at_folder",
  description: "Lists the files of a folder of the user's own that deploy_worker would serve.",
  input: Input,
  async run({ folder }, session) {
    const { files, skipped } = await readSiteFolder({
      workspace: session.options.workspace,
      folder,
    });
    return {
      files: files
        .slice(0, MAX_LISTED)
        .map(({ path, content }) => ({ path, bytes: content.length })),
      omitted: Math.max(0, files.length - MAX_LISTED),
      skipped: skipped.slice(0, MAX_LISTED),
    };
  },
} satisfies ToolDefinition<z.output<typeof Input>, unknown>;
