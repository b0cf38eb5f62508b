/** How a provider reaches the owner of an e-mail address. Locally each letter is a file that only the provider's own user may read. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { randomUUID } from "node:crypto";

interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
}

export type Mailer = (mail: Mail) => void | Promise<void>;

/** Puts letters into `<dir>/mail/`, one file each, mode 600, the newest last by name. */
export function mailToFolder(dir: string, now: () => number): Mailer {
  return ({ to, subject, text }) => {
    const folder = join(dir, "mail");
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const name = `${new Date(now()).toISOString().replaceAll(":", "-")}-${randomUUID().slice(0, 8)}.txt`;
    writeFileSync(join(folder, name), `To: ${to}\nSubject: ${subject}\n\n${text}\n`, {
      mode: 0o600,
    });
  };
}
