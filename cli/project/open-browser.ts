/** Opens a page in the person's own browser, where the system has a way. Only http(s) addresses, and never through a shell. */
import { spawn } from "node:child_process";

const OPENERS: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>> = {
  darwin: ["open"],
  win32: ["rundll32", "url.dll,FileProtocolHandler"],
};

/** False where it is not even tried; the address is always printed too. */
export function openBrowser(
  address: string,
  env: Readonly<Record<string, string | undefined>>,
): boolean {
  const url = URL.parse(address);
  if (url === null || !/^https?:$/.test(url.protocol)) return false;
  const linux =
    process.platform === "linux" && (env["DISPLAY"] ?? env["WAYLAND_DISPLAY"] ?? "") !== "";
  const [program, ...rest] = OPENERS[process.platform] ?? (linux ? ["xdg-open"] : []);
  if (program === undefined) return false;
  const child = spawn(program, [...rest, url.href], { detached: true, stdio: "ignore" });
  child.once("error", () => {});
  child.unref();
  return true;
}
