/** The session of a local world's own person, from the file that `purser up` keeps while it is open, readable by its owner alone. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { Secret } from "../../protocol/index.ts";

// The parts of `control.json` (scenarios/shared-world) that are needed here; to load all of it would cost a second.
const Control = z.looseObject({
  orchestrator: z.object({ url: z.url(), token: z.string().min(1) }),
});

export function worldSession(world: string): { url: string; token: Secret } | undefined {
  try {
    const text = readFileSync(join(world, "control.json"), "utf8");
    const { url, token } = Control.parse(JSON.parse(text)).orchestrator;
    return { url, token: new Secret(token) };
  } catch {
    return undefined;
  }
}
