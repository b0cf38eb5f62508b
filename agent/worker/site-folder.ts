/**
 * A folder of the user's own, read for deployment. Only what lies inside the workspace is read, no link is followed, and what
 * looks private (dot files, keys, `node_modules`) stays where it is; the caller is told what was left out.
 */
import { constants } from "node:fs";
import { type FileHandle, lstat, open, readdir, realpath } from "node:fs/promises";
import { basename, join, relative, resolve, sep } from "node:path";
import { AgentError } from "../agent-error.ts";

export interface SiteFile {
  /** Such as "/img/logo.svg". */
  path: string;
  content: Buffer;
}

export interface SiteFolder {
  files: SiteFile[];
  /** Paths that were left out. */
  skipped: string[];
}

export const SITE_LIMITS = { files: 500, bytes: 5 * 1024 * 1024, depth: 20 } as const;

const PRIVATE =
  /^(\..*|node_modules|.*\.(pem|key|p12|pfx|sqlite|db)|id_(rsa|ed25519|ecdsa)(\.pub)?)$/i;

/** Reads the folder, or throws `WORKSPACE_MISSING`, `FOLDER_REFUSED`, `FOLDER_UNREADABLE` or `FOLDER_TOO_LARGE`. */
export async function readSiteFolder({
  workspace,
  folder,
}: {
  workspace: string | undefined;
  folder: string;
}): Promise<SiteFolder> {
  if (workspace === undefined) {
    throw new AgentError("WORKSPACE_MISSING", {
      problem: "This run has no folder of the user's own.",
      nextStep: "Write the Worker yourself, or start the run with the folder that holds the site.",
    });
  }
  const root = await insideWorkspace(workspace, await meantFolder(workspace, folder));
  const site: SiteFolder & { bytes: number } = { files: [], skipped: [], bytes: 0 };
  await walk(root, root, site, 0);
  if (!site.files.some(({ path }) => path === "/index.html")) {
    throw new AgentError("FOLDER_UNREADABLE", {
      problem: `The folder "${folder}" has no index.html.`,
      nextStep: "Name the folder that holds index.html.",
    });
  }
  return { files: site.files, skipped: site.skipped };
}

/** A person who hands over the folder "site" and says "site" means that one. */
async function meantFolder(workspace: string, folder: string): Promise<string> {
  const isThere = await lstat(resolve(workspace, folder)).catch(() => undefined);
  return isThere || basename(resolve(workspace)) !== folder ? folder : ".";
}

async function insideWorkspace(workspace: string, folder: string): Promise<string> {
  const refuse = (problem: string) =>
    new AgentError("FOLDER_REFUSED", {
      problem,
      nextStep: "Name a folder inside the user's own, relative to it, such as site.",
    });
  const wanted = resolve(workspace, folder);
  if (!contains(resolve(workspace), wanted))
    throw refuse(`"${folder}" is outside the user's folder.`);
  const found = await lstat(wanted).catch((cause: unknown) => {
    throw new AgentError("FOLDER_UNREADABLE", {
      problem: `There is no folder "${folder}".`,
      nextStep: "Name a folder that exists.",
      cause,
    });
  });
  if (!found.isDirectory()) throw refuse(`"${folder}" is not a folder.`);
  const [realWorkspace, real] = await Promise.all([realpath(workspace), realpath(wanted)]);
  // A link on the way would lead elsewhere than its name says.
  if (real !== join(realWorkspace, relative(resolve(workspace), wanted))) {
    throw refuse(`"${folder}" is reached through a link.`);
  }
  return real;
}

function contains(outer: string, inner: string): boolean {
  return inner === outer || inner.startsWith(outer.endsWith(sep) ? outer : outer + sep);
}

async function walk(
  root: string,
  folder: string,
  site: SiteFolder & { bytes: number },
  depth: number,
): Promise<void> {
  if (depth > SITE_LIMITS.depth) throw tooLarge(`deeper than ${SITE_LIMITS.depth} folders`);
  const entries = await readdir(folder, { withFileTypes: true });
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    const name = `/${relative(root, path).split(sep).join("/")}`;
    if (entry.isSymbolicLink()) {
      throw new AgentError("FOLDER_REFUSED", {
        problem: `The site has a link at ${name}, and links are not followed.`,
        nextStep: "Put the file itself there.",
      });
    }
    if (PRIVATE.test(entry.name) && entry.name !== ".well-known") site.skipped.push(name);
    else if (entry.isDirectory()) await walk(root, path, site, depth + 1);
    else if (entry.isFile()) await readInto(site, path, name);
    else site.skipped.push(name);
  }
}

async function readInto(
  site: SiteFolder & { bytes: number },
  path: string,
  name: string,
): Promise<void> {
  if (site.files.length >= SITE_LIMITS.files)
    throw tooLarge(`more than ${SITE_LIMITS.files} files`);
  // O_NOFOLLOW: what was a file a moment ago may be a link now.
  await using file: FileHandle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  site.bytes += (await file.stat()).size;
  if (site.bytes > SITE_LIMITS.bytes) throw tooLarge(`more than ${SITE_LIMITS.bytes} bytes`);
  site.files.push({ path: name, content: await file.readFile() });
}

function tooLarge(what: string): AgentError {
  return new AgentError("FOLDER_TOO_LARGE", {
    problem: `The site has ${what}.`,
    nextStep: "Deploy a smaller folder.",
  });
}
