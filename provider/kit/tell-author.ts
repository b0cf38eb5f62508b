/**
 * A function of a provider's own that throws is answered with `server_error` and nothing else, so its author has to hear of it where
 * the provider runs: as a process warning that says what kind of error it is and where it was thrown. Its message stays out, because it
 * may repeat what the function was given, such as a credential.
 */
const MAX_FRAMES = 3;
/** So many places; a warning for each request would fill a disk. */
const MAX_PLACES = 100;
const told = new Set<string>();

/** Warns (`ProvisioningWarning`, code `provider_failed`), once for each place. */
export function tellAuthor(error: unknown): void {
  const { name, code, frames } = describe(error);
  const place = `${name} ${frames[0] ?? ""}`;
  if (told.has(place) || told.size >= MAX_PLACES) return;
  told.add(place);
  process.emitWarning(
    `The provider failed with ${name}${code}, and answered server_error. Its message is not printed: it may hold a secret.`,
    { type: "ProvisioningWarning", code: "provider_failed", detail: frames.join("\n") },
  );
}

function describe(error: unknown) {
  if (!(error instanceof Error)) return { name: `a thrown ${typeof error}`, code: "", frames: [] };
  const { name, message, stack = "", code } = error as NodeJS.ErrnoException;
  // A message may have lines that look like frames.
  const frames = stack
    .replace(message, "")
    .split("\n")
    .filter((line) => /^\s+at /.test(line));
  return {
    name,
    code: typeof code === "string" ? ` (${code})` : "",
    frames: frames.slice(0, MAX_FRAMES),
  };
}
